package spelling

import (
	"strings"
	"testing"
)

func one(s string) string { return string(Append(nil, []byte(s))) }

// TestBech32 takes the test vectors of BIP 173 and BIP 350.
func TestBech32(t *testing.T) {
	valid := []string{
		"A12UEL5L", "a12uel5l", "?1ezyfcl",
		"an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
		"abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
		"11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc8247j",
		"split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
		"A1LQFN3A", "a1lqfn3a", "?1v759aa",
		"abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
		"split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
		"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
		"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
		"tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
		"addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgse35a3x",
	}
	for _, s := range valid {
		small := strings.ToLower(s)
		if got := one(strings.ToUpper(s)); got != small {
			t.Errorf("%s in large letters is %s", s, got)
		}
		if got := one(small); got != small {
			t.Errorf("%s in small letters is %s", s, got)
		}
	}
	invalid := []string{
		"AN84CHARACTERSLONGHUMANREADABLEPARTTHATCONTAINSTHETHEEXCLUDEDCHARACTERSBIOANDNUMBER11D6PTS4",
		"PZRY9X0S0MUK", "1PZRY9X0S0MUK", "X1B4N0Q5V", "LI1DGMT3", "A1G7SGD8", "10A06T8", "1QZZFHEE",
		"\x201NWLDJ5", "\x7f1AXKWRX", "\x801EYM55H", "DE1LG7WT\xff", "M1VUXWEZ", "IN1MUYWD", "AU1S5CGOM",
		"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T5", // another checksum
		"BC1qW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", // of both cases
		"", "1", "Q", strings.Repeat("Q", 2000),
	}
	for _, s := range invalid {
		if got := one(s); got != s {
			t.Errorf("%q is no bech32 and became %q", s, got)
		}
	}
}

func TestHex(t *testing.T) {
	txid := strings.Repeat("aB3", 21) + "F"
	for _, c := range []struct{ in, want string }{
		{"0xDE0B295669a9FD93d5F28D9Ec85E40f4cb697BAe", "0xde0b295669a9fd93d5f28d9ec85e40f4cb697bae"},
		{"0XDE0b", "0xde0b"},
		{txid, strings.ToLower(txid)},
		{txid + ":0", strings.ToLower(txid) + ":0"},
		{"0xABC:12", "0xabc:12"},
		{strings.Repeat("A", 40), strings.Repeat("a", 40)},

		{txid + ":", txid + ":"},
		{txid + ":x", txid + ":x"},
		{txid + ":1:2", txid + ":1:2"},
		{strings.Repeat("A", 39), strings.Repeat("A", 39)},
		{strings.Repeat("A", 63) + "G", strings.Repeat("A", 63) + "G"},
		{"0x", "0x"},
		{"0X", "0X"},
		{"0xG", "0xG"},
		{"1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"}, // base58
		{"rN7n7otQDd6FczFgLdSqtcsAUxDkw6fzRH", "rN7n7otQDd6FczFgLdSqtcsAUxDkw6fzRH"},
		{"FT-2026-A", "FT-2026-A"},
	} {
		if got := one(c.in); got != c.want {
			t.Errorf("%q is %q, want %q", c.in, got, c.want)
		}
	}
}

func TestSame(t *testing.T) {
	for _, c := range []struct {
		field, a, b string
		want        bool
	}{
		{"address", "0xAB", "0xab", true},
		{"customer", "0xAB", "0xab", false},
		{"address", "1Ab", "1aB", false},
		{"customer", "c", "c", true},
		{"payment", strings.Repeat("A", 64) + ":1", strings.Repeat("a", 64) + ":1", true},
		{"payment", strings.Repeat("A", 64) + ":1", strings.Repeat("a", 64) + ":2", false},
	} {
		if got := Same(c.field, c.a, c.b); got != c.want {
			t.Errorf("%s %s and %s: %v", c.field, c.a, c.b, got)
		}
	}
}

func FuzzAppend(f *testing.F) {
	f.Add("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4")
	f.Add("0xAB:1")
	f.Fuzz(func(t *testing.T, s string) {
		got := one(s)
		if one(got) != got || !strings.EqualFold(got, s) || len(got) != len(s) {
			t.Errorf("%q became %q, then %q", s, got, one(got))
		}
	})
}

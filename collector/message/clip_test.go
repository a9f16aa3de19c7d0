package message

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestOneLine(t *testing.T) {
	for _, c := range []struct {
		s    string
		most int
		want string
	}{
		{"plain", 5, "plain"},
		{"plain", 4, "p…"},
		{"plain", 3, "…"},
		{"ゲート", 9, "ゲート"},
		{"ゲート", 8, "ゲ…"},
		{" a\n\nGate: open\t\x00b\u2028c\u0085 ", 100, "a Gate: open b c"},
		{"a\xffb", 100, "a\ufffdb"},
		{"\u202egnp.exe\u2069", 100, "gnp.exe"},
		{"<b>&amp;*_`", 100, "<b>&amp;*_`"},
		{"", 3, ""},
	} {
		if got := oneLine(c.s, c.most); got != c.want {
			t.Errorf("%q in %d bytes is %q, want %q", c.s, c.most, got, c.want)
		}
	}
}

func FuzzOneLine(f *testing.F) {
	for _, s := range []string{"", "ゲート withdrawals/btc", "a\r\n\r\nb", "\xf0\x9f\x98", "\u202e\u2066x", strings.Repeat("é", 300)} {
		f.Add(s, 3)
		f.Add(s, 20)
	}
	f.Fuzz(func(t *testing.T, s string, most int) {
		most = 3 + max(0, most)%1000
		got := oneLine(s, most)
		if len(got) > most || !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) {
			t.Errorf("%q in %d bytes is %q", s, most, got)
		}
		if again := oneLine(got, most); again != got {
			t.Errorf("%q becomes %q", got, again)
		}
		if plain := strings.Join(strings.Fields(s), " "); plain == s && len(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) && got != s {
			t.Errorf("%q fits and became %q", s, got)
		}
	})
}

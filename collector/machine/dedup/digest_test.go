package dedup

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/agent/report"
)

func digestOf(t testing.TB, d *Digester, s *Shape, data string) (uint64, uint32) {
	t.Helper()
	return d.Digest(&report.Event{Data: []byte(data)}, s)
}

// TestSpelling has equal data in each line, and different data in any two.
func TestSpelling(t *testing.T) {
	d := NewDigester([2]uint64{1, 2})
	s := d.Shape(nil, nil)
	owner := map[uint64]int{}
	long := strings.Repeat("1234567890", 3)
	for i, line := range [][]string{
		{``},
		{`{}`, ` { } `},
		{`[]`},
		{`null`},
		{`"a"`, `"\u0061"`},
		{`{"a":1}`, `{"a":1.0}`, `{"a":1e0}`, `{"a":10e-1}`, `{"\u0061":0.001E+3}`},
		{`{"a":-1}`},
		{`{"a":"1"}`},
		{`{"a":"1.0"}`},
		{`{"a":0}`, `{"a":-0}`, `{"a":0.00e5}`},
		{`{"a":true}`},
		{`{"a":"true"}`},
		{`{"a":null}`},
		{`{"a":{}}`},
		{`{"a":[]}`},
		{`{"a":1,"b":2}`, `{"b":2,"a":1}`, "{\n\"b\" : 2 , \"a\" : 1 }"},
		{`{"a":2,"b":1}`},
		{`{"a":{"b":1}}`},
		{`{"a":[1,2]}`},
		{`{"a":[2,1]}`},
		{`{"a":[[1],2]}`},
		{`{"a":[1,[2]]}`},
		{`{"a.b":1}`},
		{`{"amount":"1.10"}`, `{"amount":"1.1"}`, `{"amount":"01.100"}`},
		{`{"amount":"1.1x"}`},
		{`{"amount":["1.10"]}`, `{"amount":["1.1"]}`},
		{`{"amount":{"x":"1.10"}}`},
		{`{"amount":{"x":"1.1"}}`},
		{`{"net_amount":"-0.50","fee":"1"}`, `{"fee":"1.0","net_amount":"-0.5"}`},
		{`{"amount":"` + long + `"}`, `{"amount":"` + long + `.00"}`},
		{`{"amount":"` + long + `1"}`},
		{`{"amount":"` + long + `0"}`},
		{`{"n":12345678901234567890123}`, `{"n":1.2345678901234567890123e22}`},
		{`{"n":12345678901234567890124}`},
		{`{"n":1e999999999999}`},
		{`{"n":1e9999999999999}`},
		{`{"a":1`},
		{`{"a":1}}`},
		{`{"a" 1}`},
	} {
		var want uint64
		for j, data := range line {
			got, _ := digestOf(t, d, s, data)
			if j == 0 {
				want = got
			}
			if of, taken := owner[got]; got != want || taken && of != i {
				t.Errorf("%s: digest %x, want that of %s, and not that of line %d", data, got, line[0], of)
			}
			owner[got] = i
		}
	}
	plain, _ := d.Digest(&report.Event{Data: []byte(`{"a":1}`), DataType: "text/plain"}, s)
	if spaced, _ := d.Digest(&report.Event{Data: []byte(`{"a": 1}`), DataType: "text/plain"}, s); plain == spaced {
		t.Error("data that is no JSON is bytes")
	}
	if about, _ := d.Digest(&report.Event{Data: []byte(`{}`), Subject: "x"}, s); owner[about] != 0 {
		t.Error("the subject does not tell apart")
	}
}

func TestVaries(t *testing.T) {
	d := NewDigester([2]uint64{1, 2})
	s := d.Shape([][]string{{"sent_at"}, {"meta", "trace"}}, nil)
	a, _ := digestOf(t, d, s, `{"id":"1","sent_at":1,"meta":{"trace":"x","n":1}}`)
	for data, equal := range map[string]bool{
		`{"id":"1","sent_at":{"a":[2]},"meta":{"n":1,"trace":null}}`: true,
		`{"id":"1","meta":{"n":1}}`:                                  true,
		`{"id":"1","meta":{"n":2}}`:                                  false,
		`{"id":"1","meta":{"n":1,"sent_at":1}}`:                      false,
	} {
		if b, _ := digestOf(t, d, s, data); (a == b) != equal {
			t.Errorf("%s: equal %v, want %v", data, a == b, equal)
		}
	}
	if other, _ := digestOf(t, d, d.Shape([][]string{{"sent_at"}}, nil), `{"id":"1","meta":{"n":1}}`); other == a {
		t.Error("with other exceptions the digest is the same")
	}
}

func TestDeciding(t *testing.T) {
	d := NewDigester([2]uint64{1, 2})
	s := d.Shape(nil, [][]string{{"request"}, {"to", "address"}})
	_, a := digestOf(t, d, s, `{"request":"1","to":{"address":"x","name":"A"},"memo":"m"}`)
	for data, same := range map[string]bool{
		`{"memo":"n","to":{"name":"B","address":"x"},"request":"1"}`: true,
		`{"memo":"m","to":{"name":"A","address":"y"},"request":"1"}`: false,
		`{"memo":"m","to":{"name":"A","address":"x"}}`:               false,
	} {
		if _, b := digestOf(t, d, s, data); (a == b) != same {
			t.Errorf("%s: same %v, want %v", data, a == b, same)
		}
	}
}

// TestDigestOracle compares random data, and what becomes of it by small changes and
// by spelling it otherwise, with a canonical text of it.
func TestDigestOracle(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	d := NewDigester([2]uint64{5, 6})
	s := d.Shape(nil, nil)
	texts, digests := map[uint64]string{}, map[string]uint64{}
	for range 20_000 {
		v := randomValue(rnd, 3)
		want := canonical(v, "")
		for range 2 {
			text := spell(rnd, v, "")
			if !json.Valid([]byte(text)) {
				t.Fatalf("%s is not JSON", text)
			}
			got, _ := digestOf(t, d, s, text)
			if old, ok := texts[got]; ok && old != want {
				t.Fatalf("%s has the digest of %s", text, old)
			}
			if old, ok := digests[want]; ok && old != got {
				t.Fatalf("%s: %x, want %x", text, got, old)
			}
			texts[got], digests[want] = want, got
		}
	}
	if len(texts) < 4000 {
		t.Errorf("%d different values: this shows little", len(texts))
	}
}

func randomValue(rnd *rand.Rand, depth int) any {
	switch n := rnd.IntN(9); {
	case n < 3 && depth > 0:
		o := map[string]any{}
		for range rnd.IntN(4) {
			o[[]string{"a", "é", "amount", "x_amount", "b"}[rnd.IntN(5)]] = randomValue(rnd, depth-1)
		}
		return o
	case n == 3 && depth > 0:
		l := []any{}
		for range rnd.IntN(3) {
			l = append(l, randomValue(rnd, depth-1))
		}
		return l
	case n < 6:
		return []string{"", "1", "1.5", "0", "-2", "x", "100", "日本", "true"}[rnd.IntN(9)]
	case n == 6:
		return rnd.IntN(2) == 0
	case n == 7:
		return nil
	}
	r := big.NewRat(int64(rnd.IntN(41)-20)*[]int64{1, 1000, 1_000_000_000_000}[rnd.IntN(3)], []int64{1, 10, 1000}[rnd.IntN(3)])
	return r
}

func money(name string, s string) *big.Rat {
	if !report.IsMoney(name) {
		return nil
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil
	}
	return r
}

func canonical(v any, name string) string {
	switch v := v.(type) {
	case map[string]any:
		var b strings.Builder
		for _, k := range slices.Sorted(maps.Keys(v)) {
			fmt.Fprintf(&b, "%q:%s,", k, canonical(v[k], k))
		}
		return "{" + b.String() + "}"
	case []any:
		var b strings.Builder
		for _, e := range v {
			b.WriteString(canonical(e, name) + ",")
		}
		return "[" + b.String() + "]"
	case string:
		if r := money(name, v); r != nil {
			return "money " + r.String()
		}
		return fmt.Sprintf("%q", v)
	case *big.Rat:
		return "number " + v.String()
	default:
		return fmt.Sprint(v)
	}
}

// spell writes the value in one of the ways in which JSON can be written.
func spell(rnd *rand.Rand, v any, name string) string {
	space := strings.Repeat(" ", rnd.IntN(2))
	switch v := v.(type) {
	case map[string]any:
		var parts []string
		for k, e := range v { // in any order
			parts = append(parts, quote(rnd, k)+space+":"+space+spell(rnd, e, k))
		}
		return "{" + space + strings.Join(parts, space+","+space) + "}"
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, spell(rnd, e, name))
		}
		return "[" + strings.Join(parts, ","+space) + space + "]"
	case string:
		if r := money(name, v); r != nil && rnd.IntN(2) == 0 {
			v = r.FloatString(1 + rnd.IntN(3))
		}
		return quote(rnd, v)
	case *big.Rat:
		text := v.FloatString(3 + rnd.IntN(20))
		if rnd.IntN(2) == 0 {
			text = new(big.Rat).Mul(v, big.NewRat(1, 1000)).FloatString(6) + []string{"e3", "E+3", "e003"}[rnd.IntN(3)]
		}
		return text
	default:
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return string(b)
	}
}

func quote(rnd *rand.Rand, s string) string {
	var b bytes.Buffer
	b.WriteByte('"')
	for _, r := range s {
		if rnd.IntN(3) == 0 {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func FuzzDigest(f *testing.F) {
	for _, s := range []string{`{"a":[1,"\u0061",{"amount":"1.0"}]}`, `{"a`, `[[[`, `{"a":1e-5,"b":tru}`, "\"\\"} {
		f.Add([]byte(s))
	}
	d := NewDigester([2]uint64{1, 2})
	s := d.Shape([][]string{{"a"}}, [][]string{{"b"}})
	f.Fuzz(func(t *testing.T, data []byte) {
		a, _ := d.Digest(&report.Event{Data: data}, s)
		if b, _ := d.Digest(&report.Event{Data: data}, s); a != b {
			t.Error("the same bytes, another digest")
		}
	})
}

func BenchmarkDigest(b *testing.B) {
	d := NewDigester([2]uint64{1, 2})
	s := d.Shape(nil, [][]string{{"request"}, {"payment"}, {"asset"}, {"address"}, {"amount"}})
	ev := report.Event{Data: []byte(`{"address":"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4","amount":"0.12340000","asset":"BTC","payment":"p-81723","request":"w-1234567"}`)}
	b.ReportAllocs()
	for b.Loop() {
		d.Digest(&ev, s)
	}
}

func TestDiffer(t *testing.T) {
	a := &report.Event{Data: []byte(`{"request":"1","amount":"1.10","sent_at":1,"meta":{"a":1}}`)}
	for data, want := range map[string]string{
		`{"meta":{"a":1.0},"sent_at":1,"amount":"1.1","request":"1"}`:        "[]",
		`{"request":"1","amount":"1.2","sent_at":2,"meta":{"a":1}}`:          "[data.amount data.sent_at]",
		`{"request":"1","amount":"1.1","sent_at":1,"meta":{"a":2},"memo":1}`: "[data.memo data.meta]",
		`[1]`: "[data]",
	} {
		if got := fmt.Sprint(Differ(a, &report.Event{Data: []byte(data)})); got != want {
			t.Errorf("%s: %s, want %s", data, got, want)
		}
	}
}

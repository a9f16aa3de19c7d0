package match

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/report"
)

// parse makes an index of rules of one source, each given by its keys.
func parse(t testing.TB, rules ...string) *Index {
	t.Helper()
	var all [][]Source
	for _, r := range rules {
		all = append(all, []Source{source(t, r)})
	}
	return NewIndex(all)
}

// source reads the keys where, by and values, which are aggregates.
func source(t testing.TB, text string) Source {
	t.Helper()
	var said struct {
		Where  string
		By     []any
		Values []string
	}
	if err := yaml.Unmarshal([]byte("{"+text+"}"), &said); err != nil {
		t.Fatal(err)
	}
	l, s := NewLanguage(), Source{Event: "e"}
	field := func(label, path string) {
		k, err := l.Key(path)
		if err != nil {
			t.Fatal(path, err.Text)
		}
		k.Label, k.Optional = strings.CutPrefix(label, "?")
		s.By = append(s.By, k)
	}
	for _, by := range said.By {
		switch by := by.(type) {
		case string:
			field(by, by)
		case map[string]any:
			for label, path := range by {
				field(label, path.(string))
			}
		}
	}
	if said.Where != "" {
		var err *TextError
		if s.Where, err = l.Condition(said.Where); err != nil {
			t.Fatal(said.Where, err.Text)
		}
	}
	for _, v := range said.Values {
		e, err := l.Parse(v)
		if err != nil {
			t.Fatal(v, err.Text)
		}
		call := e.Root().AsCall()
		value := Value{Kind: Aggregate(call.FunctionName())}
		for _, arg := range call.Args() {
			f, _ := FieldOf(arg)
			value.Fields = append(value.Fields, f)
		}
		s.Values = append(s.Values, value)
	}
	s.KeepAssets(nil)
	return s
}

func event(data string) *report.Event {
	return &report.Event{ID: "1", Source: "app", Type: "e", Data: []byte(data)}
}

// show is what a hit says, in words.
func show(h Hit) string {
	switch {
	case h.Missing:
		return "missing"
	case h.Fault != nil:
		return "error: " + h.Fault.Error()
	}
	out := "hit " + strings.Join(Labels(h.Key), ",")
	for _, d := range h.Distinct {
		out += fmt.Sprintf(" %q", d)
	}
	for _, n := range h.Nums {
		out += " " + n.String()
	}
	return out
}

func TestMatch(t *testing.T) {
	const notDecimal = " is not a decimal number of at most 38 digits, 30 of them after the point"
	for _, c := range []struct{ rule, data, want string }{
		{`by: []`, `{}`, "hit "},
		{`by: [data.a]`, `{"a":"x"}`, "hit x"},
		{`by: [data.a]`, `{"a":""}`, "missing"},
		{`by: [data.amount]`, `{"amount":""}`, "missing"},
		{`by: [{"?a": data.a}, data.b]`, `{"a":"x","b":"y"}`, "hit x,y"},
		{`by: [{"?a": data.a}, data.b]`, `{"b":"y"}`, "hit ,y"},
		{`by: [{"?a": data.a}, data.b]`, `{"a":null,"b":"y"}`, "hit ,y"},
		{`by: [{"?a": data.a}, data.b]`, `{"a":"","b":"y"}`, "hit ,y"},
		{`by: [{"?a": data.a}, data.b]`, `{"a":["x"],"b":"y"}`, "missing"},
		{`by: [{"?a": data.a}, data.b]`, `{"a":"x"}`, "missing"},
		{`by: [{"?a": data.a}]`, `"{}"`, "missing"},
		{`values: ['distinct(data.p)']`, `{"p":""}`, "error: distinct(data.p): the event has no data.p"},
		{`by: [data.address, data.other]`, `{"address":"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4","other":"0xAB"}`, "hit bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4,0xAB"},
		{`by: [data.to.address]`, `{"to":{"address":"0xAb"}}`, "hit 0xab"},
		{`by: [data.address]`, `{"address":"1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"}`, "hit 1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"},
		{`values: ['distinct(data.txid)']`, `{"txid":"0xAB:1"}`, "hit  \"\\x00\\x00\\x00\\x060xab:1\""},
		{`by: [data.a]`, `{"b":"x"}`, "missing"},
		{`by: [data.a]`, `{"a":null}`, "missing"},
		{`by: [data.a]`, `{"a":{}}`, "missing"},
		{`by: [data.a]`, `{"a":[1]}`, "missing"},
		{`by: [data.a]`, `{"a":true}`, "hit true"},
		{`by: [data.a]`, `{"a":1.0}`, "hit 1.0"},
		{`by: [data.a, {s: source}, {t: type}, id]`, `{"a":"1.0"}`, "hit 1.0,app,e,1"},
		{`by: [subject]`, `{}`, "missing"},
		{`by: ['data["a.b"].c'] `, `{"a.b":{"c":"x"},"a":{"b":{"c":"y"}}}`, "hit x"},
		{`by: [data.amount]`, `{"amount":"1.10"}`, "hit 1.1"},
		{`by: [data.amount]`, `{"amount":1.10}`, "hit 1.1"},
		{`by: [data.amount]`, `{"amount":"1,10"}`, "error: data.amount" + notDecimal},
		{`by: [data.a]`, `{"\u0061":"\u0041\n"}`, "hit A\n"},
		{`by: [data.a]`, ``, "missing"},
		{`by: [data.a]`, `[{"a":"x"}]`, "missing"},
		{`by: [data.a]`, `{"a":"x"`, "missing"},
		{`where: 'data.a == "x"'`, `{"a":"x"}`, "hit "},
		{`where: 'data.a == "x"'`, `{"a":"y"}`, ""},
		{`where: 'data.a == "x"'`, `{"a":1}`, ""},
		{`where: 'data.a == "x"'`, `{}`, "missing"},
		{`where: 'data.a == "x" && data.b == 1'`, `{"b":2}`, ""},
		{`where: 'data.a == "x" || data.b == 1'`, `{"b":1}`, "hit "},
		{`where: 'data.a == "x" || data.b == 1'`, `{"b":2}`, "missing"},
		{`where: 'data.a == 0.1'`, `{"a":0.1}`, "hit "},
		{`where: 'data.a == 0.1'`, `{"a":1e-1}`, "hit "},
		{`where: 'data.a == 0.1'`, `{"a":0.1000000000000000055511151231257827}`, "error: data.a" + notDecimal},
		{`where: 'data.a == 0.1'`, `{"a":0.10000000000000000555}`, ""},
		{`where: 'data.a == 9007199254740993'`, `{"a":9007199254740992}`, ""},
		{`where: '9007199254740993 == data.a'`, `{"a":9007199254740993}`, "hit "},
		{`where: 'data.amount > 1'`, `{"amount":"1.000000000000000000000000000001"}`, "hit "},
		{`where: 'data.amount > 1'`, `{"amount":"x"}`, "error: data.amount" + notDecimal},
		{`where: 'data.a > 1'`, `{"a":"2"}`, "error: " + (&Fault{Kind: Unordered}).Error()},
		{`where: 'data.a + 0.1 == 0.3'`, `{"a":0.2}`, "hit "},
		{`where: 'data.a + 0.1 == 0.3'`, `{}`, "missing"},
		{`where: 'data.amount * 3.0 == 0.3'`, `{"amount":"0.1"}`, "hit "},
		{`where: 'size(data.a) == 2'`, `{"a":[1,2]}`, "hit "},
		{`where: 'data.a.exists(x, x.fee > 0.1)'`, `{"a":[{"fee":"0.1"},{"fee":"0.11"}]}`, "hit "},
		{`where: 'data.a.exists(x, x.fee > 0.1)'`, `{"a":[{"fee":"0.1"}]}`, ""},
		{`where: 'data.a.all(k, k != "z")'`, `{"a":{"x":1,"y":2}}`, "hit "},
		{`where: 'data.a.startsWith("x")'`, `{"a":"xy"}`, "hit "},
		{`where: 'data.a.startsWith("x")'`, `{"a":1}`, "error: where: startsWith() does not take a number"},
		{`where: 'data.a.matches("^x+$")'`, `{"a":"xxx"}`, "hit "},
		{`where: 'data.a.matches("^x+$")'`, `{"a":"` + strings.Repeat("x", maxMatched+1) + `"}`, "error: where: matches() is tried on 4096 bytes at most"},
		{`where: 'data.a[1] == 0.5'`, `{"a":[0,0.5]}`, "hit "},
		{`where: 'data.a[1] == 0.5'`, `{"a":[0]}`, "missing"},
		{`where: '"x" in data.a'`, `{"a":["y","x"]}`, "hit "},
		{`where: '1.50 in data.a'`, `{"a":["y",1.5]}`, "hit "},
		{`where: 'string(data.amount) == "1.1"'`, `{"amount":"1.10"}`, "hit "},
		{`where: 'int(data.a) == 3'`, `{"a":3.0}`, "hit "},
		{`where: 'int(data.a) == 3'`, `{"a":3.5}`, "error: where: int() does not take 3.5"},
		{`where: '-data.a == 3'`, `{"a":-3}`, "hit "},
		{`where: 'data.a == data.b'`, `{"a":{},"b":{}}`, "error: " + (&Fault{Kind: Unordered}).Error()},
		{`where: 'data.a > 0 ? data.b == 1 : data.c == 1'`, `{"a":1,"b":1.0}`, "hit "},
		{`where: 'has(data.a) && data.a.b == 1'`, `{"a":{"b":1}}`, "hit "},
		{`where: 'has(data.a.b)'`, `{"a":{}}`, ""},
		{`where: 'has(data.a.b)'`, `{}`, "missing"},
		{`values: ['distinct(data.p)']`, `{"p":"x"}`, "hit  \"\\x00\\x00\\x00\\x01x\""},
		{`values: ['distinct(data.p)']`, `{}`, "error: distinct(data.p): the event has no data.p"},
		{`values: ['distinct(data.p, data.q)']`, `{"p":"x","q":2}`, "hit  \"\\x00\\x00\\x00\\x01x\\x00\\x00\\x00\\x012\""},
		{`values: ['sum(data.n)']`, `{"n":1.50}`, "hit  1.5"},
		{`values: ['sum(data.n)']`, `{"n":"1.50"}`, "hit  1.5"},
		{`values: ['sum(data.n)']`, `{"n":"many"}`, "error: sum: data.n" + notDecimal},
		{`values: ['sum(data.amount)']`, `{"amount":"1","asset":"BTC"}`, "hit  \"\\x00\\x00\\x00\\x03BTC\" 1"},
		{`values: ['sum(data.amount)']`, `{"amount":"1","asset":""}`, "hit  \"\" 1"},
		{`values: ['sum(data.amount)']`, `{"amount":"1"}`, "hit  \"\" 1"},
		{`values: ['sum(data.amount)']`, `{"amount":"1","asset":null}`, "hit  \"\" 1"},
		{`values: ['sum(data.amount)']`, `{"amount":"1","asset":["BTC"]}`, "error: same(data.asset): the field is neither text nor number"},
		{`values: ['sum(data.amount)', 'distinct(data.p)'], where: '!has(data.asset)'`, `{"amount":"1","p":"x"}`, "hit  \"\\x00\\x00\\x00\\x01x\" 1"},
		{`values: ['sum(data.n)']`, `{"n":true}`, "error: sum(data.n): the field is neither text nor number"},
		{`values: ['sum(data.n)', 'min(data.m)', 'max(data.n)']`, `{"n":1,"m":2}`, "hit  1 2 1"},
		{`values: ['sum(data.amount)'], by: [data.asset]`, `{"amount":"-0.50","asset":"BTC"}`, "hit BTC -0.5"},
	} {
		m := parse(t, c.rule).Matcher(Spelled)
		var got []string
		for _, h := range m.Match(event(c.data)) {
			got = append(got, show(h))
		}
		if g := strings.Join(got, "; "); g != c.want {
			t.Errorf("%s\n  with %.100s\n  is %q, want %q", c.rule, c.data, g, c.want)
		}
	}
}

func TestMatchLeavesOtherTypesAndFormats(t *testing.T) {
	m := parse(t, "by: [data.a]").Matcher(Spelled)
	e := event(`{"a":"x"}`)
	e.Type = "f"
	if hits := m.Match(e); hits != nil {
		t.Errorf("another type hits %v", hits)
	}
	e = event(`{"a":"x"}`)
	e.DataType = "text/plain"
	if hits := m.Match(e); len(hits) != 1 || !hits[0].Missing {
		t.Errorf("data that is not JSON gives %v, want missing", hits)
	}
}

// TestIndex compares the index with asking every rule in turn.
func TestIndex(t *testing.T) {
	var list []string
	for i := range 60 {
		switch i % 6 {
		case 0:
			list = append(list, fmt.Sprintf(`where: 'data.asset == "A%d"'`, i%7))
		case 1:
			list = append(list, fmt.Sprintf(`where: 'data.n > %d && "N%d" == data.network'`, i%5, i%3))
		case 2:
			list = append(list, fmt.Sprintf(`where: 'data.asset in ["A%d", "A%d"]'`, i%7, i%5))
		case 3:
			list = append(list, fmt.Sprintf(`where: 'data.asset == "A%d" || data.n == %d'`, i%7, i%4))
		case 4:
			list = append(list, `by: [data.asset]`)
		case 5:
			list = append(list, fmt.Sprintf(`where: 'source == "app" && data.n < %d'`, i%5))
		}
	}
	all := parse(t, list...)
	m := all.Matcher(Spelled)
	singles := make([]*Matcher, len(list))
	for i, r := range list {
		singles[i] = parse(t, r).Matcher(Spelled)
	}
	for i := range 500 {
		fields := map[string]any{"asset": "A" + strconv.Itoa(i%9), "network": "N" + strconv.Itoa(i%4), "n": i % 6}
		if i%3 == 0 {
			delete(fields, slices.Sorted(maps.Keys(fields))[i%2])
		}
		if i%11 == 0 {
			fields["asset"] = i
		}
		data, _ := json.Marshal(fields)
		var got, want []string
		for _, h := range m.Match(event(string(data))) {
			got = append(got, fmt.Sprint(h.Rule, " ", show(h)))
		}
		for j, s := range singles {
			for _, h := range s.Match(event(string(data))) {
				want = append(want, fmt.Sprint(j, " ", show(h)))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s (-one by one +index)\n%s", data, diff)
		}
	}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	m := parse(t, `by: [data.request], values: ['distinct(data.payment)']`,
		`where: 'data.asset == "BTC"', by: [data.address], values: ['sum(data.amount)']`).Matcher(Spelled)
	e := event(payout)
	if hits := m.Match(e); len(hits) != 2 || hits[0].Fault != nil || hits[1].Fault != nil {
		t.Fatal(hits)
	}
	if n := testing.AllocsPerRun(100, func() { m.Match(e) }); n != 0 {
		t.Errorf("Match allocates %v times", n)
	}
}

// TestHostileCost is events that would take long, if they were let.
func TestHostileCost(t *testing.T) {
	list := `{"a":[` + strings.Repeat("1,", 50_000) + `1],"s":"` + strings.Repeat("x", 500_000) + `","t":"` + strings.Repeat("x", 4000) + `"}`
	for _, where := range []string{
		`data.a.all(x, data.a.all(y, data.a.all(z, x == y || y == z || true)))`,
		`data.a.all(x, data.a.all(y, true))`,
		`data.a.filter(x, size(data.a.filter(y, false)) > 0).size() == 0`,
		`data.a.map(x, data.a.map(y, 1)).size() == 0`,
		`data.a.exists_one(x, data.a.exists_one(y, false))`,
		`data.a.all(x, size(data.s) > 0)`,
		`data.a.all(x, data.s.contains("y") || true)`,
		`data.a.all(x, (data.s + data.s).endsWith("x"))`,
		`data.a.all(x, data.t.matches("(x{1,20}){1,10}y") || true)`,
		`data.a.all(x, 2 in data.a || true)`,
		`data.a.all(x, string(data.s) != "" && data.s > "x")`,
	} {
		hits := parse(t, "where: '"+where+"'").Matcher(Spelled).Match(event(list))
		if len(hits) != 1 || hits[0].Fault == nil || hits[0].Fault.Kind != TooCostly {
			t.Errorf("%s: hits = %v, want one that costs too much", where, hits)
		}
	}
	deep := event(`{"a":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`)
	hits := parse(t, `where: 'data.a.all(x, true)'`).Matcher(Spelled).Match(deep)
	if len(hits) != 1 || !hits[0].Missing {
		t.Errorf("hits = %v, want what is nested too deep to be missing", hits)
	}
}

// TestHostileData is data that never came through the edge: an agent's blocks
// are believed as they are.
func TestHostileData(t *testing.T) {
	long := strings.Repeat("9", 1<<20)
	const notDecimal = " is not a decimal number of at most 38 digits, 30 of them after the point"
	const rule = `by: [data.a], values: ['distinct(data.d)', 'sum(data.n)']`
	const money = `by: [data.fee], values: ['sum(data.amount)']`
	for _, c := range []struct{ rule, data, want string }{
		{rule, "{\"a\":\"x\xff\",\"d\":\"\xff\",\"n\":1}", "hit x\uFFFD \"\\x00\\x00\\x00\\x01\\xff\" 1"},
		{rule, `{"a":"\ud800","d":1,"n":1}`, "hit \uFFFD \"\\x00\\x00\\x00\\x011\" 1"},
		{rule, `{"a":1E+99999,"d":1,"n":1}`, "hit 1E+99999 \"\\x00\\x00\\x00\\x011\" 1"},
		{rule, `{"a":1,"d":1,"n":1E+99999}`, "error: sum: data.n" + notDecimal},
		{rule, `{"a":1,"d":1,"n":1e-99999999999999999999}`, "error: sum: data.n" + notDecimal},
		{rule, `{"a":1,"d":1,"n":` + long + `}`, "error: sum: data.n" + notDecimal},
		{rule, `{"a":1,"d":1,"n":0.` + strings.Repeat("0", 1<<20) + `}`, "error: sum: data.n" + notDecimal},
		{rule, `{"a":1,"d":1,"n":"` + strings.Repeat("0", 1<<20) + `"}`, "error: sum: data.n" + notDecimal},
		{rule, `{"a":` + long + `,"d":1,"n":1}`, "error: data.a has more than 4096 bytes: too many to be told apart by"},
		{rule, `{"a":"` + long + `","d":1,"n":1}`, "error: data.a has more than 4096 bytes: too many to be told apart by"},
		{rule, `{"a":1,"d":"` + long + `","n":1}`, "error: distinct: data.d has more than 4096 bytes: too many to be told apart by"},
		{rule, `{"a":1,"d":1,"n":1,"a":`, "missing"},
		{money, `{"fee":"1e` + long + `","amount":"1","asset":"BTC"}`, "error: data.fee" + notDecimal},
		{money, `{"fee":1,"amount":"1","asset":"` + long + `"}`, "error: data.asset has more than 4096 bytes: too many to be told apart by"},
		{`where: 'data.a > 1'`, `{"a":` + long + `}`, "error: data.a" + notDecimal},
		{`where: 'data.a + 1 > 1'`, `{"a":` + long + `}`, "error: where: a value" + notDecimal},
		{`where: 'data.a + 1 > 1'`, `{"a":1E+99999}`, "error: where: a value" + notDecimal},
	} {
		m := parse(t, c.rule).Matcher(Spelled)
		hits := m.Match(event(c.data))
		if len(hits) != 1 || show(hits[0]) != c.want {
			t.Errorf("%s\n  with %.100s\n  is %.300s, want %q", c.rule, c.data, show(hits[0]), c.want)
		}
	}
}

func TestMixed(t *testing.T) {
	for _, c := range []struct{ data, want string }{
		{`{"amount":"1","asset":"BTC"}`, `amounts of "BTC" and of another asset`},
		{`{"amount":"1"}`, `amounts without data.asset and of another asset`},
		{`{"amount":"1","asset":"` + strings.Repeat("\xff", 4000) + `"}`, `amounts of "` + strings.Repeat(`\xff`, 60) + `…" and of another asset`},
	} {
		s := source(t, `values: ['sum(data.amount)']`)
		h := NewIndex([][]Source{{s}}).Matcher(Spelled).Match(event(c.data))[0]
		if got := s.Values[1].Mixed(h.Distinct[0]).Error(); !strings.HasPrefix(got, c.want) {
			t.Errorf("%.60s: %s, want %s", c.data, got, c.want)
		}
	}
}

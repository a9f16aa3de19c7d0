package match

import (
	"slices"
	"testing"
)

// TestList says which fields are in a list, by a test of slots and by CEL's
// interpreter alike.
func TestList(t *testing.T) {
	l := NewLanguage()
	list := &List{}
	for _, v := range []string{
		"binance", "0xAb5801a7D398351b8bE11C439e05C5B3259aeC9B", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "1.10", "007", "7",
	} {
		list.Add(v)
	}
	l.Lists = func(string) (*List, string) { return list, "" }
	for _, c := range []struct{ data, want string }{
		{`{"a":"binance"}`, "yes"},
		{`{"a":"Binance"}`, "no"},
		{`{"a":"0xab5801a7d398351b8be11c439e05c5b3259aec9b"}`, "yes"},
		{`{"a":"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"}`, "yes"},
		{`{"a":"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"}`, "no"},
		{`{"a":"1.1"}`, "no"},
		{`{"a":1.1}`, "yes"},
		{`{"a":7}`, "yes"},
		{`{"a":"07"}`, "no"},
		{`{"a":"007"}`, "yes"},
		{`{"a":true}`, "no"},
		{`{"a":null}`, "no"},
		{`{"a":{}}`, "no"},
		{`{"a":[]}`, "no"},
		{`{"a":1e99}`, "fault"},
		{`{"b":1}`, "missing"},
	} {
		for _, where := range []string{`data.a in lists.l`, `(true ? data.a : data.a) in lists.l`} {
			e, err := l.Condition(where)
			if err != nil {
				t.Fatal(err.Text)
			}
			if (e.program == nil) != (where[0] == 'd') {
				t.Fatalf("%s is not judged as the test means", where)
			}
			got := "no"
			for _, h := range NewIndex([][]Source{{{Event: "e", Where: e}}}).Matcher(Spelled).Match(event(c.data)) {
				switch {
				case h.Missing:
					got = "missing"
				case h.Fault != nil:
					got = "fault"
				default:
					got = "yes"
				}
			}
			if got != c.want {
				t.Errorf("%s of %s: %s, want %s", where, c.data, got, c.want)
			}
		}
	}
	money := Source{Event: "e"}
	money.Where, _ = l.Condition("data.amount in lists.l")
	if len(NewIndex([][]Source{{money}}).Matcher(Spelled).Match(event(`{"amount":"1.100"}`))) != 1 {
		t.Error("money is not looked for by its value")
	}
}

// TestListEach looks for each of many values, with one list named twice.
func TestListEach(t *testing.T) {
	l := NewLanguage()
	lists := map[string]*List{"a": {}, "b": {}}
	lists["a"].Add("x")
	l.Lists = func(name string) (*List, string) { return lists[name], "" }
	e, err := l.Condition(`data.all.exists(v, v in lists.a) && !(data.one in lists.b) || data.one in lists.a`)
	if err != nil {
		t.Fatal(err.Text)
	}
	if names, _ := e.Lists(); !slices.Equal(names, []string{"a", "b"}) {
		t.Error(names)
	}
	m := NewIndex([][]Source{{{Event: "e", Where: e}}}).Matcher(Spelled)
	for data, want := range map[string]int{`{"all":["y","x"],"one":"x"}`: 1, `{"all":["y"],"one":"z"}`: 0, `{"all":[],"one":"x"}`: 1} {
		if got := len(m.Match(event(data))); got != want {
			t.Errorf("%s: %d hits, want %d", data, got, want)
		}
	}
}

func TestListDoesNotAllocate(t *testing.T) {
	l := NewLanguage()
	list := &List{}
	list.Add("0xAb5801a7D398351b8bE11C439e05C5B3259aeC9B")
	l.Lists = func(string) (*List, string) { return list, "" }
	e, _ := l.Condition("data.address in lists.l")
	m, ev := NewIndex([][]Source{{{Event: "e", Where: e}}}).Matcher(Spelled), event(`{"address":"0xAB5801a7D398351b8bE11C439e05C5B3259aeC9B"}`)
	m.Match(ev)
	if n := testing.AllocsPerRun(100, func() { m.Match(ev) }); n != 0 {
		t.Errorf("Match allocates %v times", n)
	}
}

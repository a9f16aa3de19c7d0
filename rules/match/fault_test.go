package match

import (
	"strings"
	"testing"
)

// TestFaults sees that what CEL's library says of an error is kept nowhere:
// only a kind and its arguments are.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		where, data string
		want        Fault
	}{
		{`size(data.a) + 9223372036854775807 > 0`, `{"a":[1]}`, Fault{Kind: Overflow, Of: "+"}},
		{`-(size(data.a) - 9223372036854775807 - 2) > 0`, `{"a":[1]}`, Fault{Kind: Overflow, Of: "-"}},
		{`data.a * data.a * data.a > 0.5`, `{"a":1e20}`, Fault{Kind: Overflow, Of: "*"}},
		{`data.a + "x" == "y"`, `{"a":1}`, Fault{Kind: Unfit, Of: "+", Value: "a number and a text"}},
		{`-data.a == 1`, `{"a":"x"}`, Fault{Kind: Unfit, Of: "-", Value: "a text"}},
		{`size(data.a) > 1`, `{"a":null}`, Fault{Kind: Unfit, Of: "size()", Value: "null"}},
		{`data.a.contains("x")`, `{"a":[1]}`, Fault{Kind: Unfit, Of: "contains()", Value: "a list"}},
		{`data.a.matches("x")`, `{"a":true}`, Fault{Kind: Unfit, Of: "matches()", Value: "true or false"}},
		{`int(data.a) == 1`, `{"a":"x"}`, Fault{Kind: Unfit, Of: "int()", Value: "a text"}},
		{`string(data.a) == "x"`, `{"a":{}}`, Fault{Kind: Unfit, Of: "string()", Value: "an object"}},
		{`"x" in data.a`, `{"a":1}`, Fault{Kind: Unfit, Of: "in", Value: "a number"}},
		{`data.a + 0 > data.b`, `{"a":1,"b":"x"}`, Fault{Kind: Unordered, Value: "a number and a text"}},
		{`[data.a].exists(x, x == data.b)`, `{"a":{},"b":{}}`, Fault{Kind: Nested}},
		{`data.a ? true : false`, `{"a":"x"}`, Fault{Kind: Other}},
		{`data.a.all(x, x > 1)`, `{"a":1}`, Fault{Kind: Other}},
	} {
		hits := parse(t, "where: '"+c.where+"'").Matcher(Spelled).Match(event(c.data))
		if len(hits) != 1 || hits[0].Fault == nil || *hits[0].Fault != c.want {
			t.Errorf("%s with %s: %+v, want %+v", c.where, c.data, hits[0].Fault, c.want)
		}
	}
}

// TestFaultKinds sees that each kind has a name and a sentence of its own.
func TestFaultKinds(t *testing.T) {
	seen := map[string]FaultKind{}
	for k := range faultKinds {
		f := Fault{Kind: k, Of: "sum", Field: "data.x", Value: "7"}
		for _, text := range []string{k.String(), f.Error()} {
			if other, ok := seen[text]; ok || text == "" || strings.Contains(text, "%!") {
				t.Errorf("kind %d is %q, as kind %d is", k, text, other)
			}
			seen[text] = k
		}
	}
	if got := faultKinds.String(); got != "kind 13" {
		t.Errorf("an unknown kind is %q", got)
	}
}

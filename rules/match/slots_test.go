package match

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/agent/report"
)

// dice writes random conditions of the part of CEL that slots can do, and
// random events for them.
type dice struct{ *rand.Rand }

func (d dice) pick(of ...string) string { return of[d.IntN(len(of))] }

func (d dice) field() string {
	return d.pick("data.s", "data.n", "data.b", "data.amount", "data.o.x", "data.o", "data.l", "data.o.fee", "data.gone.x", "source", "subject")
}

func (d dice) literal(field string) string {
	if strings.HasSuffix(field, "amount") || strings.HasSuffix(field, "fee") {
		return d.pick("0.1", "1", "-2.50", "null", "1e2")
	}
	if field == "source" || field == "subject" {
		return d.pick(`"a"`, `"app"`, `""`)
	}
	return d.pick(`"a"`, `"B"`, `""`, "0.1", "1", "-2.50", "true", "false", "null", "3u", "1e2", ".5")
}

func (d dice) condition(depth int) string {
	if depth > 0 {
		switch d.IntN(5) {
		case 0:
			return "(" + d.condition(depth-1) + " && " + d.condition(depth-1) + ")"
		case 1:
			return "(" + d.condition(depth-1) + " || " + d.condition(depth-1) + ")"
		case 2:
			return "!(" + d.condition(depth-1) + ")"
		}
	}
	f := d.field()
	switch d.IntN(7) {
	case 0:
		return "has(" + d.pick("data.s", "data.o.x", "data.gone.x", "data.l.x", "data.n.x", "data.amount") + ")"
	case 1:
		return f + " in [" + d.literal(f) + ", " + d.literal(f) + "]"
	case 2:
		return f + d.pick(" == ", " != ", " < ", " >= ") + d.field()
	case 3:
		return d.literal(f) + d.pick(" == ", " != ", " > ", " <= ") + f
	case 4:
		return d.pick("data.b", "true", "false", "data.s") + " && " + f + " == " + d.literal(f)
	}
	return f + d.pick(" == ", " != ", " < ", " <= ", " > ", " >= ") + d.literal(f)
}

func (d dice) value(depth int) any {
	switch d.IntN(9 + depth) {
	case 0:
		return nil
	case 1:
		return true
	case 2:
		return false
	case 3:
		return d.pick("a", "B", "", "app", "0.10")
	case 4:
		return json.Number(d.pick("0.1", "1", "100", "-2.5", "3", "0.50"))
	case 5:
		return json.Number(d.pick("1e99", "0.0000000000000000000000000000000000001"))
	case 6, 7:
		return d.pick("0.1", "1.00", "-2.5", "x")
	case 8:
		return []any{}
	}
	o := map[string]any{}
	for _, k := range []string{"x", "fee"} {
		if d.IntN(3) > 0 {
			o[k] = d.value(0)
		}
	}
	return o
}

func (d dice) event() *report.Event {
	o := map[string]any{}
	for _, k := range []string{"s", "n", "b", "amount", "o", "l"} {
		if d.IntN(4) > 0 {
			o[k] = d.value(2)
		}
	}
	data, _ := json.Marshal(o)
	e := event(string(data))
	e.Subject = d.pick("", "a")
	return e
}

// TestSlotsAgreeWithInterpreter asks both the same, many times.
func TestSlotsAgreeWithInterpreter(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(7, 7))}
	l := NewLanguage()
	asked, seen := 0, map[verdict]int{}
	for asked < 400 {
		text := d.condition(3)
		e, err := l.Condition(text)
		if err != nil {
			continue // a type error that CEL's checker finds
		}
		asked++
		if e.program != nil {
			t.Fatalf("slots cannot do %s", text)
		}
		program, err := l.plan(e)
		if err != nil {
			t.Fatal(text, err.Text)
		}
		set := parse(t, "where: '"+text+"'")
		rule := set.types["e"].sources[0]
		m := set.Matcher(Spelled)
		for range 60 {
			ev := d.event()
			m.read(set.types["e"], ev)
			got := rule.test(m.slots)
			want, reason := interpret(program, &eventVars{event: ev})
			if got != want {
				t.Fatalf("%s\n  with %s, subject %q: slots say %d, the interpreter %d (%v)", text, ev.Data, ev.Subject, got, want, reason)
			}
			seen[got]++
		}
	}
	if len(seen) != 4 {
		t.Errorf("only these verdicts were seen: %v", seen)
	}
}

func TestLiteralsAreExact(t *testing.T) {
	l := NewLanguage()
	for text, want := range map[string]string{
		"data.a == 0.1":                        "0.1",
		"data.a==  -0.10":                      "-0.1",
		"data.a == 1e2":                        "100",
		"data.a == 1.5E-3":                     "0.0015",
		"data.a == .5":                         "0.5",
		"data.a == 00.5":                       "0.5",
		`data.x == "é😀" && data.a == 0.1`:      "0.1",
		"data.a == 12345678901234567.87654321": "12345678901234567.87654321",
	} {
		e, err := l.Condition(text)
		if err != nil {
			t.Errorf("%s: %s", text, err.Text)
			continue
		}
		parts := conjuncts(e.root)
		lit, ok := e.literal(parts[len(parts)-1].AsCall().Args()[1])
		if !ok || lit.num.String() != want {
			t.Errorf("the literal of %s is %s, %v; want %s", text, lit.num, ok, want)
		}
	}
}

func TestNumeralText(t *testing.T) {
	l := NewLanguage()
	e, err := l.Condition("data.a == 0.1 || data.b.exists(x, x == 0.3) || data.c + 2.5 == 1.25")
	if err != nil {
		t.Fatal(err.Text)
	}
	for data, want := range map[string]verdict{
		`{"a":0.1,"b":[],"c":0}`: yes, `{"a":0,"b":[0.3],"c":0}`: yes, `{"a":0,"b":[0.30000000000000001],"c":-1.25}`: yes,
		`{"a":0.10000000000000001,"b":[0.30000000000000001],"c":0}`: no,
	} {
		if got, err := interpret(e.program, &eventVars{event: event(data)}); got != want {
			t.Errorf("%s: %d, %v; want %d", data, got, err, want)
		}
	}
}

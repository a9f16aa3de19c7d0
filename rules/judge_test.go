package rules

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

// marks is a checker for which @ in an expression is an error. What it says of
// a file is given.
type marks struct{ file error }

func (marks) Expr(text string) (int, error) {
	if before, _, found := strings.Cut(text, "@"); found {
		return len([]rune(before)), errors.New("a mark")
	}
	return 0, nil
}

func (m marks) File(f File) error {
	if _, err := asPrometheus(f.Text); err != nil {
		return fmt.Errorf("what was written is not sound: %w", err)
	}
	return m.file
}

// heads is the problems without the lines that they show.
func heads(problems Problems) (out []string) {
	for _, p := range problems {
		head, _, _ := strings.Cut(p.String(), "\n")
		out = append(out, head)
	}
	return out
}

// TestPlaces is that an error in an expression is shown at its character,
// however the expression is written.
func TestPlaces(t *testing.T) {
	for name, c := range map[string]struct {
		expr         string // it begins at line 5, column 11
		line, column int
	}{
		"plain":         {"up @ 0", 5, 14},
		"two lines":     {"up\n      == @", 6, 10},
		"literal":       {"|\n      # 日本\n\n      up == @\n", 8, 13},
		"indented":      {"|2-\n      up\n        @ 0\n", 7, 9},
		"folded":        {">-\n      up\n      == @\n\n      or b\n", 7, 10},
		"single":        {"'up{a=\"it''s\"} == @'", 5, 29},
		"single, lines": {"'up{a=\"it''s\"}\n\n      == @'", 7, 10},
		"double":        {`"up{a=\"b\"} == @"`, 5, 27},
		"double, lines": {"\"up{a=\\\"b\\\"}\\n \\\n      == @\"", 6, 10},
		"wide":          {`"日本 @"`, 5, 15},
		"anchor":        {"&a !!str up @", 5, 23},
		"end":           {"up @", 5, 14},
		"escaped mark":  {`"日本 \u0040"`, 5, 11}, // not found: the start
	} {
		t.Run(name, func(t *testing.T) {
			text := "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: " + c.expr + "\n"
			set, problems := Parse([]File{{Name: "f.yml", Text: []byte(text)}}, marks{errors.New("some error")})
			want := []string{fmt.Sprintf("f.yml:%d:%d: expr: a mark", c.line, c.column)}
			if diff := cmp.Diff(want, heads(problems)); diff != "" || set != nil {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

const judged = `gates: [{name: g, mode: enforce}]
mitigations: [{name: stop, action: gate.close, target: g, mode: enforce}]
groups:
- name: events
  rules:
  - {alert: E, event: e, within: 1h, when: count() > 1, mitigate: [stop]}
- name: "quo\"ted"
  rules:
  - {alert: E, event: e, within: 1h, when: count() > 1}
  - {alert: A, expr: up}
  - {alert: B, expr: up == 0, labels: {a: '{{ query "up" }}'}}
`

// TestJudge is that the checker decides, and that its errors find a place.
func TestJudge(t *testing.T) {
	const unsound = `{{ $labels.a }} {{ nosuch 1 }}`
	broken := strings.NewReplacer("up}", "up @}", `{{ query "up" }}`, unsound).Replace(judged)
	for name, c := range map[string]struct {
		text string
		file error // what the checker says
		want []string
	}{
		"taken":            {judged, nil, nil},
		"taken against us": {broken, nil, nil},
		"refused": {broken, errors.New("0:0: x"), []string{
			`f.yml:10:25: expr: a mark`,
			`f.yml:11:63: this template is not sound: function "nosuch" not defined`,
		}},
		"refused anyway": {strings.Replace(broken, "gates: [", "gates: [{},", 1), nil, []string{
			`f.yml:1:9: the gate has no name`,
			`f.yml:10:25: expr: a mark`,
			`f.yml:11:63: this template is not sound: function "nosuch" not defined`,
		}},
		"rule": {judged, errors.New(`12:5: 12:7: group "quo\"ted", rule 2, "B": too odd`), []string{"f.yml:11:5: Prometheus would not load this: too odd"}},
		"several": {judged, errors.New("1:1: group \"quo\\\"ted\", rule 1, \"A\": one\ngroup \"other\", rule 1, \"A\": two\nthree\n… and 7 more"), []string{
			"f.yml:1:1: Prometheus would not load this: three",
			"f.yml:1:1: Prometheus would not load this: two",
			"f.yml:1:1: Prometheus would not load this: … and 7 more",
			"f.yml:10:5: Prometheus would not load this: one",
		}},
		"nothing": {judged, errors.New(""), []string{"f.yml:1:1: Prometheus would not load this file"}},
		"long":    {judged, errors.New(strings.Repeat("x", 5000)), []string{"f.yml:1:1: Prometheus would not load this: " + strings.Repeat("x", 300) + "…"}},
		"names and records": {
			"groups:\n- name: a\n  labels: {__name__: a}\n  rules:\n" +
				"  - {record: 'a{', expr: up, for: 1m, keep_firing_for: 0s, annotations: {a: b}}\n" +
				"  - {alert: B, expr: up, labels: {'': a}, annotations: {b: '{{ if }}', c: '{{ $nosuch }}'}}\n",
			errors.New("x"),
			[]string{
				`f.yml:3:12: "__name__" is not a label name`,
				"f.yml:5:14: the name of a recorded series has no braces; its labels are written under `labels`",
				"f.yml:5:35: a rule that records raises no alert: `for` belongs to rules with `alert`",
				"f.yml:5:73: a rule that records raises no alert: `annotations` belongs to rules with `alert`",
				`f.yml:6:35: "" is not a label name`,
				`f.yml:6:61: this template is not sound: missing value for if`,
				`f.yml:6:79: this template is not sound: undefined variable "$nosuch"`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			set, problems := Parse([]File{{Name: "f.yml", Text: []byte(c.text)}}, marks{c.file})
			if (set != nil) != (c.want == nil) {
				t.Errorf("set is %v", set)
			}
			if diff := cmp.Diff(c.want, heads(problems)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	if set, problems := Parse([]File{{Name: "f.yml", Text: []byte(broken)}}); set == nil {
		t.Errorf("without a checker PromQL is judged: %v", problems)
	}
}

// TestMergesAtRandom holds what << merges against YAML alone.
func TestMergesAtRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	taken := 0
	for range 400 {
		text := (&mergeWriter{r: r}).file()
		want, err := asPrometheus([]byte(text))
		set, problems := Parse([]File{{Name: "f.yml", Text: []byte(text)}})
		if (err == nil) != (set != nil) {
			t.Fatalf("%s\nYAML says %v, and we %v", text, err, problems)
		}
		if err == nil {
			taken++
			sameMeaning(t, want, set)
		}
		if t.Failed() {
			t.Fatal(text)
		}
	}
	if taken < 80 {
		t.Errorf("only %d of the files files were taken", taken)
	}
}

// A mergeWriter writes rules that merge and alias others, and themselves.
type mergeWriter struct {
	r       *rand.Rand
	anchors int
}

func (w *mergeWriter) file() string {
	var b strings.Builder
	b.WriteString("groups:\n")
	for g := range 1 + w.r.IntN(2) {
		fmt.Fprintf(&b, "- name: g%d\n  rules:\n", g)
		for range 1 + w.r.IntN(4) {
			b.WriteString("  - " + w.mapping(0, "alert: A, expr: up, ") + "\n")
		}
	}
	return b.String()
}

// mapping is a rule, or a part of one: some of its keys, some of them merged.
func (w *mergeWriter) mapping(depth int, most string) string {
	keys := []string{"alert: B", "expr: down", "expr: ", "for: 1m", "for: 0", "labels: {a: 1, b: }", "labels: ~", "labels: {<<: {a: 3, c: 4}, a: 2}", "annotations: {x: y}", "~: z", "keep_firing_for: 2m"}
	text := most
	if w.r.IntN(3) == 0 {
		text = ""
	}
	used := map[string]bool{}
	for range w.r.IntN(4) {
		k := keys[w.r.IntN(len(keys))]
		name, _, _ := strings.Cut(k, ":")
		if !used[name] && !strings.Contains(text, name+": ") || w.r.IntN(40) == 0 {
			text += k + ", "
		}
		used[name] = true
	}
	if w.r.IntN(2) == 0 {
		text += "<<: " + w.merged(depth) + ", "
	}
	w.anchors++
	return fmt.Sprintf("&a%d {%s}", w.anchors, strings.TrimSuffix(text, ", "))
}

func (w *mergeWriter) merged(depth int) string {
	switch n := w.r.IntN(5); {
	case depth < 3 && n == 0:
		return w.mapping(depth+1, "")
	case depth < 3 && n == 1:
		return "[" + w.mapping(depth+1, "") + ", " + w.merged(depth+1) + "]"
	case w.anchors > 0 && n < 4:
		return fmt.Sprintf("*a%d", 1+w.r.IntN(w.anchors))
	}
	return "{for: 5m, annotations: {}}"
}

// TestMetricBombs is files whose rules of PromQL would become many or large.
func TestMetricBombs(t *testing.T) {
	rule := func(expr string) string { return "{alert: A, expr: " + expr + "}" }
	in := func(rules string) string { return "groups:\n- name: g\n  rules: " + rules }
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	long := strings.Repeat("x", maxMetricText)
	var merges strings.Builder
	for i := range 30 {
		fmt.Fprintf(&merges, ", &a%d {alert: B, expr: up, <<: [*a%d, *a%[2]d, *a%[2]d]}", i+1, i)
	}
	for name, text := range map[string]string{
		"long expression": in("[" + rule(long+"x") + "]"),
		"long label":      in("[{alert: A, expr: up, labels: {a: " + long + "x}}]"),
		"long name":       in("[{alert: A, expr: up, labels: {? " + long + "x : a}}]"),
		"many labels":     in("[{alert: A, expr: up, labels: {" + many(10_000, "l%d: a, ") + "}}]"),
		"aliased text":    in("[&r " + rule(long) + strings.Repeat(", *r", 2000) + "]"),
		"aliased labels":  "groups:\n- name: g\n  labels: {" + many(maxLabels, "l%d: a, ") + "}\n  rules: [&r " + rule("up") + strings.Repeat(", *r", 5_000) + "]",
		"aliased rules":   in("[&r " + rule("up") + strings.Repeat(", *r", 75_000) + "]"),
		"merges":          in("[&a0 " + rule("up") + merges.String() + "]"),
		"deep merges":     in("[" + strings.Repeat("{<<: ", 9000) + rule("up") + strings.Repeat("}", 9000) + "]"),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			set, problems := Parse([]File{{Name: "f.yml", Text: []byte(text)}}, marks{})
			if name != "deep merges" && (set != nil || len(problems) == 0) || len(problems) > strictyaml.MaxProblems+1 {
				t.Fatalf("%d problems", len(problems))
			}
			for _, p := range problems {
				if len(p.String()) > 1000 {
					t.Fatalf("a problem of %d bytes", len(p.String()))
				}
			}
			t.Logf("%v, %v", time.Since(start), heads(problems))
		})
	}
}

package syntax

import (
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/rules"
)

func TestCheckerExpr(t *testing.T) {
	tests := []struct {
		text   string
		offset int
		err    string // part of it; empty if the expression is valid
	}{
		{"up == 0", 0, ""},
		{"sum by (job) (rate(a_total[5m]))", 0, ""},
		{`{"metric.with.dots"}`, 0, ""},
		{"up ==", 5, "unexpected end of input"},
		{"up + )", 6, "unexpected right parenthesis"}, // the lexer stands behind what it refuses
		{"nosuch(up)", 0, `unknown function with name "nosuch"`},
		{`up{a="日本語"} + nosuch(up)`, 14, "unknown function"},
		{"rate(up)", 5, "expected type range vector"},
		{"up[5m]", 0, ""}, // valid; only its evaluation refuses it
		{"", 0, "no expression found"},
	}
	for _, tt := range tests {
		offset, err := NewChecker().Expr(tt.text)
		if (err == nil) != (tt.err == "") || (err != nil && !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("Expr(%q) = %v, want %q", tt.text, err, tt.err)
		}
		if offset != tt.offset {
			t.Errorf("Expr(%q) is wrong at %d, want %d", tt.text, offset, tt.offset)
		}
	}
}

func TestCheckerFileTellsEveryErrorInOrder(t *testing.T) {
	text := `groups:
- name: a
  rules:
  - alert: First
    expr: up ==
    labels: {b: '{{ $nosuch }}', a: '{{ nosuch }}'}
  - record: second
    expr: nosuch(up)
- name: a
  rules: []
`
	var first string
	for range 10 { // the order must not come from a map
		err := NewChecker().File(rules.File{Name: "x.yml", Text: []byte(text)})
		if err == nil {
			t.Fatal("File takes a file that is wrong")
		}
		if first == "" {
			first = err.Error()
		}
		if err.Error() != first {
			t.Fatalf("File says another thing each time:\n%s\n\n%s", first, err)
		}
	}
	for _, want := range []string{
		`group "a", rule 1, "First": could not parse expression`,
		`label "a": template: __alert_First:1: function "nosuch" not defined`,
		`label "b": template: __alert_First:1: undefined variable "$nosuch"`,
		`group "a", rule 2, "second": could not parse expression`,
		`groupname: "a" is repeated in the same file`,
	} {
		if !strings.Contains(first, want) {
			t.Errorf("File does not say %q, but:\n%s", want, first)
		}
	}
	if strings.Index(first, "rule 2") < strings.Index(first, `5:11: group "a", rule 1`) {
		t.Errorf("errors are not in the order of the lines:\n%s", first)
	}
}

func TestCheckerFileIsBounded(t *testing.T) {
	text := "groups:\n- name: a\n  rules:\n" + strings.Repeat("  - {alert: A, expr: 'up =='}\n", 1000)
	err := NewChecker().File(rules.File{Name: "x.yml", Text: []byte(text)})
	if err == nil || !strings.HasSuffix(err.Error(), "… and 980 more") {
		t.Errorf("File = %v, want 20 errors and the number of the rest", err)
	}
	deep := strings.Repeat("-", 60_000) + "up"
	if _, err := NewChecker().Expr(deep); err == nil || !strings.Contains(err.Error(), "more than 10000") {
		t.Errorf("Expr of 60,000 signs = %v", err)
	}
	err = NewChecker().File(rules.File{Name: "x.yml", Text: []byte("groups: [{name: a, rules: [{alert: A, expr: '" + deep + "'}]}]")})
	if err == nil || !strings.Contains(err.Error(), "more than 10000") {
		t.Errorf("File of 60,000 signs = %v", err)
	}
}

func FuzzCheckerFile(f *testing.F) {
	for _, seed := range []string{
		"groups:\n- name: a\n  rules:\n  - {alert: A, expr: up == 0, for: 1m, labels: {a: b}}\n",
		"groups: [null]", "groups: [{name: a, rules: [null]}]", "{}", "", "\x00", "groups: 7",
		"groups: [{name: a, rules: [{<<: {expr: up}, record: b}]}]", "a: &a [*a]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c := NewChecker()
		if err := c.File(rules.File{Name: "x.yml", Text: text}); err != nil && err.Error() == "" {
			t.Error("an error that says nothing")
		}
		if offset, err := c.Expr(string(text)); err != nil && (offset < 0 || offset > len(text)) {
			t.Errorf("the error is at %d of %d", offset, len(text))
		}
	})
}

package author

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/agent/filekind"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/rules"
)

// checkReport is what `tomeishi check --json` prints.
type checkReport struct {
	Rules    int            `json:"rules"` // of all kinds
	Gates    int            `json:"gates"`
	Took     []tookFile     `json:"files,omitempty"` // those that are no rule files
	Problems []checkProblem `json:"problems"`
	Changes  []changed      `json:"overrides,omitempty"`
	Explain  []explained    `json:"explain,omitempty"`
}

// A changed is what an override changes of a rule.
type changed struct {
	File  string `json:"file"`
	Group string `json:"group"`
	Rule  string `json:"rule"`
	Key   string `json:"key"`
	Was   string `json:"was,omitempty"`
	Is    string `json:"is"`
}

// text says it as a sentence goes on after the name of the file.
func (c changed) text() string {
	switch {
	case c.Key == "disable":
		return "disables " + c.Rule
	case c.Was == "":
		return fmt.Sprintf("gives %s %s: %s", c.Rule, c.Key, c.Is)
	}
	return fmt.Sprintf("changes %s of %s from %s to %s", c.Key, c.Rule, c.Was, c.Is)
}

type checkProblem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Finding bool   `json:"finding"`
	Text    string `json:"text"`
}

type explained struct {
	Rule string `json:"rule"`
	Text string `json:"text"`
}

func newCheckReport(set *rules.Set, problems rules.Problems, explain bool) checkReport {
	r := checkReport{Problems: []checkProblem{}}
	for _, p := range problems {
		r.Problems = append(r.Problems, checkProblem{p.File, p.Line, p.Column, p.Finding, p.Text})
	}
	if set == nil {
		return r
	}
	r.Rules, r.Gates = len(set.Rules)+len(set.Metrics)+len(set.Recording), len(set.Gates)
	for _, o := range set.Overrides {
		r.Changes = append(r.Changes, changed(o))
	}
	if explain {
		r.explain(set)
	}
	return r
}

func (r *checkReport) explain(set *rules.Set) {
	for _, rule := range set.Rules {
		r.Explain = append(r.Explain, explained{rule.Name, rule.Explain()})
	}
	for _, rule := range set.Metrics {
		r.Explain = append(r.Explain, explained{rule.Name, rule.Explain()})
	}
	for _, rule := range set.Recording {
		r.Explain = append(r.Explain, explained{rule.Name, rule.Explain()})
	}
}

func showCheck(t *term.Terminal, r checkReport, problems rules.Problems) {
	errs := 0
	for _, p := range problems {
		t.Printf("%s\n", term.Plain(p.String()))
		if !p.Finding {
			errs++
		}
	}
	for _, c := range r.Changes {
		t.Printf("%s %s\n", term.Line(c.File), term.Line(c.text()))
	}
	for _, e := range r.Explain {
		t.Printf("%s: %s\n", term.Line(e.Rule), term.Line(e.Text))
	}
	for _, f := range r.Took {
		t.Printf("%s is %s\n", term.Line(f.File), f.Kind)
	}
	switch {
	case errs > 0:
		t.Printf("%s, %s: %s\n", term.Count(errs, "error"), term.Count(len(problems)-errs, "finding"), r.refused())
	case len(problems) > 0:
		t.Printf("%s: %s\n", r.counts(), term.Count(len(problems), "finding"))
	default:
		t.Printf("%s: no problems\n", r.counts())
	}
}

// refused is what an error means.
func (r checkReport) refused() string {
	if len(r.Took) == 0 {
		return "a collector would not load this"
	}
	return "this would not be loaded"
}

// counts is what was checked.
func (r checkReport) counts() string {
	var parts []string
	if len(r.Took) == 0 || r.Rules+r.Gates > 0 {
		parts = append(parts, term.Count(r.Rules, "rule"), term.Count(r.Gates, "gate"))
	}
	n := map[filekind.Kind]int{}
	for _, f := range r.Took {
		n[f.kind]++
	}
	for _, kind := range slices.Sorted(maps.Keys(n)) {
		_, noun, _ := strings.Cut(kind.String(), " ")
		parts = append(parts, term.Count(n[kind], noun))
	}
	return strings.Join(parts, ", ")
}

package author

import (
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/rules"
)

// checkReport is what `tomeishi check --json` prints.
type checkReport struct {
	Rules    int            `json:"rules"` // of all kinds
	Gates    int            `json:"gates"`
	Told     int            `json:"alertmanager_files,omitempty"`
	Problems []checkProblem `json:"problems"`
	Explain  []explained    `json:"explain,omitempty"`
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
	for _, e := range r.Explain {
		t.Printf("%s: %s\n", term.Line(e.Rule), term.Line(e.Text))
	}
	what := term.Count(r.Rules, "rule") + ", " + term.Count(r.Gates, "gate") + ": "
	switch {
	case r.Told > 0 && r.Rules+r.Gates == 0:
		what = term.Count(r.Told, "Alertmanager configuration") + ": "
	case r.Told > 0:
		what = term.Count(r.Rules, "rule") + ", " + term.Count(r.Gates, "gate") + ", " + term.Count(r.Told, "Alertmanager configuration") + ": "
	}
	switch {
	case errs > 0:
		t.Printf("%s, %s: a collector would not load this\n", term.Count(errs, "error"), term.Count(len(problems)-errs, "finding"))
	case len(problems) > 0:
		t.Printf("%s%s\n", what, term.Count(len(problems), "finding"))
	default:
		t.Printf("%sno problems\n", what)
	}
}

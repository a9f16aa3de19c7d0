package series

import (
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	promrules "github.com/prometheus/prometheus/rules"
)

// recordedWithin is how long an alert waits for the groups that record what it
// reads. A group with a longer interval leaves its series stale most of the
// time anyway.
const recordedWithin = 15 * time.Minute

// recordings are what records series, by their names.
type recordings map[string][]recording

type recording struct {
	group *promrules.Group
	expr  parser.Expr
}

func recordingsOf(groups []*promrules.Group) recordings {
	out := recordings{}
	for _, g := range groups {
		for _, r := range g.Rules() {
			if r, ok := r.(*promrules.RecordingRule); ok {
				out[r.Name()] = append(out[r.Name()], recording{g, r.Query()})
			}
		}
	}
	return out
}

// needs are the groups that record what an expression reads, also by way of
// other recordings.
func (by recordings) needs(expr parser.Expr) (groups []*promrules.Group) {
	seen := map[string]bool{}
	var walk func(parser.Expr)
	walk = func(expr parser.Expr) {
		for name := range by.read(expr) {
			if seen[name] {
				continue
			}
			seen[name] = true
			for _, r := range by[name] {
				if !slices.Contains(groups, r.group) {
					groups = append(groups, r.group)
				}
				walk(r.expr)
			}
		}
	}
	walk(expr)
	return groups
}

// read is which of the recorded series an expression reads, by their names.
func (by recordings) read(expr parser.Expr) map[string]bool {
	out := map[string]bool{}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		v, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		named := slices.DeleteFunc(slices.Clone(v.LabelMatchers), func(m *labels.Matcher) bool { return m.Name != model.MetricNameLabel })
		if len(named) == 1 && named[0].Type == labels.MatchEqual {
			if _, ok := by[named[0].Value]; ok {
				out[named[0].Value] = true
			}
			return nil
		}
		for name := range by {
			if !slices.ContainsFunc(named, func(m *labels.Matcher) bool { return !m.Matches(name) }) {
				out[name] = true
			}
		}
		return nil
	})
	return out
}

// waits tells whether a group that records what the rule reads has not been
// evaluated since the start. What the alert hangs on may then only be stale
// because nobody was there to record it.
func (a *alerting) waits(since time.Duration) bool {
	return since < recordedWithin && slices.ContainsFunc(a.needs, func(g *promrules.Group) bool {
		return g.GetLastEvaluation().IsZero()
	})
}

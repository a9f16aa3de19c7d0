package series

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	promrules "github.com/prometheus/prometheus/rules"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/series/syntax"
	"github.com/tomeishi/tomeishi/rules"
)

// A ruleSet is a set that was read: Prometheus's rules by file, and what is
// ours by group.
type ruleSet struct {
	name   string
	names  []string // of the files, in their order
	files  map[string]*rulefmt.RuleGroups
	alerts map[string][]parsedAlert // by promrules.GroupKey, in the group's order
}

// A parsedAlert is an alerting rule as it was read.
type parsedAlert struct {
	id          machine.RuleID
	annotations map[string]string // templates
	fixed       []machine.Label   // annotations that are the same for every alert
}

// readSet reads the files, and makes sure that every alerting rule in them is
// the one that metrics has in its place.
func readSet(name string, files []rules.File, metrics []*rules.MetricRule, p parser.Parser) (_ *ruleSet, err error) {
	s := &ruleSet{name: name, files: map[string]*rulefmt.RuleGroups{}, alerts: map[string][]parsedAlert{}}
	ours := map[string][]*rules.MetricRule{}
	for _, m := range metrics {
		key := promrules.GroupKey(m.File, m.Group)
		ours[key] = append(ours[key], m)
	}
	found := 0
	for _, f := range files {
		groups, errs := syntax.ParseRules(f, p)
		if len(errs) > 0 {
			return nil, fmt.Errorf("read the rules of %s: %w", f.Name, errors.Join(errs...))
		}
		s.names = append(s.names, f.Name)
		s.files[f.Name] = groups
		for _, g := range groups.Groups {
			key := promrules.GroupKey(f.Name, g.Name)
			if s.alerts[key], err = alertsOf(g, ours[key]); err != nil {
				return nil, fmt.Errorf("%s: group %s: %w", f.Name, g.Name, err)
			}
			found += len(s.alerts[key])
		}
	}
	if found != len(metrics) {
		return nil, fmt.Errorf("the files have %d alerting rules of PromQL, and the set %d", found, len(metrics))
	}
	return s, nil
}

// alertsOf finds the group's alerting rules in ours. It takes their fixed
// annotations away from Prometheus, which would expand them as templates for
// each alert at each evaluation.
func alertsOf(g rulefmt.RuleGroup, ours []*rules.MetricRule) (out []parsedAlert, err error) {
	for _, r := range g.Rules {
		if r.Alert == "" {
			continue
		}
		n := len(out)
		if n >= len(ours) || ours[n].Name != r.Alert {
			return nil, fmt.Errorf("alert %s is not where the set has it", r.Alert)
		}
		a := parsedAlert{id: ours[n].ID, annotations: map[string]string{}}
		maps.Copy(a.annotations, r.Annotations)
		maps.DeleteFunc(r.Annotations, func(name, text string) bool {
			fixed := !strings.Contains(text, "{{")
			if fixed {
				a.fixed = append(a.fixed, machine.Label{Name: name, Value: text})
			}
			return fixed
		})
		out = append(out, a)
	}
	return out, nil
}

// A source gives the manager the files of a set as if they were on disk.
type source struct {
	parser parser.Parser
	files  map[string]*rulefmt.RuleGroups
}

// Load is the groups of one file.
func (s *source) Load(file string, _ bool, _ model.ValidationScheme) (*rulefmt.RuleGroups, []error) {
	return s.files[file], nil
}

// Parse is an expression of a rule.
func (s *source) Parse(expr string) (parser.Expr, error) { return s.parser.ParseExpr(expr) }

// loaded is what the manager evaluates, and whose alerts are whose.
type loaded struct {
	set    string
	groups []*group // by file and name
	of     map[*promrules.Group]*group
	// recorded is what the groups record.
	recorded recordings
	begun    atomic.Pointer[time.Time] // of the first evaluation
}

// A group is a group of the manager's with what is ours.
type group struct {
	*promrules.Group
	rules  []*alerting
	missed *atomic.Uint64 // evaluations
}

// bind finds the set's rules among the manager's groups.
func (s *ruleSet) bind(groups []*promrules.Group, before *loaded) *loaded {
	out := &loaded{set: s.name, of: make(map[*promrules.Group]*group, len(groups))}
	for _, g := range groups {
		b := &group{Group: g, missed: new(atomic.Uint64)}
		if old := before.named(g); old != nil {
			b.missed = old.missed
			carryRestored(old.Group, g)
		}
		b.rules = alertingRules(g, s.alerts[promrules.GroupKey(g.File(), g.Name())])
		out.groups = append(out.groups, b)
		out.of[g] = b
	}
	out.recorded = recordingsOf(groups)
	for _, g := range out.groups {
		for _, a := range g.rules {
			for _, t := range a.twins {
				a.needs = append(a.needs, out.recorded.needs(t.Query())...)
			}
		}
	}
	return out
}

// alertingRules are a group's alerting rules, and whose they are. Rules with
// one ID are one.
func alertingRules(g *promrules.Group, parsed []parsedAlert) (out []*alerting) {
	byID := map[machine.RuleID]*alerting{}
	for _, rule := range g.Rules() {
		r, ok := rule.(*promrules.AlertingRule)
		if !ok {
			continue
		}
		p := parsed[0]
		parsed = parsed[1:]
		if byID[p.id] == nil {
			byID[p.id] = &alerting{id: p.id}
			out = append(out, byID[p.id])
		}
		byID[p.id].twins = append(byID[p.id].twins, twin{r, p})
		byID[p.id].keep = max(byID[p.id].keep, r.KeepFiringFor())
	}
	return out
}

// carryRestored spares rules that go on with the alerts of old what only rules
// that begin need: their series would have a gap while state is restored that
// is already there.
func carryRestored(old, g *promrules.Group) {
	if old == g {
		return
	}
	same := func(r *promrules.AlertingRule) string { return r.Name() + r.Labels().String() } // as Prometheus tells
	restored := map[string]bool{}
	for _, rule := range old.Rules() {
		if r, ok := rule.(*promrules.AlertingRule); ok && r.Restored() {
			restored[same(r)] = true
		}
	}
	for _, rule := range g.Rules() {
		if r, ok := rule.(*promrules.AlertingRule); ok && restored[same(r)] {
			r.SetRestored(true)
		}
	}
}

// group is nil for one that the set does not have.
func (l *loaded) group(g *promrules.Group) *group {
	if l == nil {
		return nil
	}
	return l.of[g]
}

// named is the group of the same file and name.
func (l *loaded) named(g *promrules.Group) *group {
	if l == nil {
		return nil
	}
	for _, have := range l.groups {
		if have.File() == g.File() && have.Name() == g.Name() {
			return have
		}
	}
	return nil
}

// late counts the evaluations that should have been since the last one.
func (g *group) late(at time.Time) int {
	last := g.GetLastEvalTimestamp()
	if last.IsZero() {
		return 0
	}
	n := max(0, int(at.Sub(last)/g.Interval())-1)
	g.missed.Add(uint64(n))
	return n
}

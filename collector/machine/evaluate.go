package machine

import (
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/window"
)

// evaluate lets every rule of the event's type see it.
func (m *Machine) evaluate(ev *report.Event, ref window.Ref) {
	at := ev.When()
	if at > m.Time+int64(report.MaxAhead) {
		// A host's clock is wrong; what happened on it still counts, as of now.
		m.Events.Ahead++
		at = m.Time
	}
	late := false
	for _, hit := range m.live.matcher.Match(ev) {
		rule, stats := m.live.set.Rules[hit.Rule], m.live.stats[hit.Rule]
		switch {
		case hit.Missing:
			stats.Missing++
			continue
		case hit.Err != nil:
			m.ruleError(rule, stats, hit.Err)
			continue
		case at < m.Time-int64(rule.Lateness):
			stats.Late++
			late = true
			continue
		}
		stats.Matched++
		m.count(hit, rule, stats, at, ref)
	}
	if late {
		m.Events.Late++
	}
}

// count puts a matched event into its rule's window and judges every window
// that now holds it.
func (m *Machine) count(hit rules.Hit, rule *rules.Rule, stats *RuleStats, at int64, ref window.Ref) {
	table := m.live.tables[hit.Rule]
	entry := window.Entry{Time: at, Ref: ref, Nums: hit.Nums, Distinct: m.distinct[:0]}
	for _, v := range hit.Distinct {
		entry.Distinct = append(entry.Distinct, m.hash(v))
	}
	m.distinct = entry.Distinct
	key := m.hash(hit.Key)
	run, place, saturated := table.Add(m.Time, key, &entry)
	if saturated {
		stats.Saturated++
		if m.Time-stats.LastSaturated >= int64(time.Second) {
			stats.LastSaturated = m.Time
			m.builtIn(ruleErrors, Label{Name: "rule", Value: rule.Name}, Label{Name: "error", Value: "saturated"})
		}
	}
	aggs := &m.aggs
	var span window.Span
	var mixed error
	fires := run.Windows(place, func(s window.Span) bool {
		span = s
		said := ask(rule, run, s, aggs)
		if said == unclear && mixed == nil {
			mixed = mixture(rule, run, s, hit)
		}
		return said == isTrue
	})
	if mixed != nil {
		m.ruleError(rule, stats, mixed)
	}
	if fires {
		a := m.fire(rule, key, hit, aggs, run, span)
		stats.LastFired = m.Time
		if !m.wanting(a, rule.Mitigate) {
			return
		}
		fresh := run.Windows(place, func(s window.Span) bool {
			r, s := run.Fresh(s)
			return s.From < s.To && ask(rule, r, s, aggs) == isTrue
		})
		if fresh {
			m.mitigate(a, rule.Name, rule.Mitigate)
		}
		return
	}
	if a := m.alertOf[alertKey{rule.ID, key}]; a != nil {
		m.refute(a, rule, run, place == run.Len()-1)
	}
}

// refute ends an alert whose condition an event has made untrue. One of which
// nothing can be said any more stands: unknown is not untrue.
func (m *Machine) refute(a *Alert, rule *rules.Rule, run window.Run, inOrder bool) {
	var aggs rules.Aggs
	last := run.Time(run.Len() - 1)
	s := run.Recent(max(last, m.Time))
	if s.From == s.To || ask(rule, run, s, &aggs) == untrue {
		cause := record.New(record.Withdrawn)
		if inOrder {
			cause = record.New(record.NoLongerTrue)
		}
		m.end(a, cause)
	}
}

// An answer is what a rule's condition says of one window.
type answer uint8

const (
	untrue answer = iota
	isTrue
	unclear // it holds amounts of several assets, and no number is computed
)

// ask puts the rule's condition to the span; out is what it was asked about.
func ask(rule *rules.Rule, run window.Run, s window.Span, out *rules.Aggs) answer {
	if v, _ := unlike(rule, run, s); v != nil {
		return unclear
	}
	if rule.When.True(aggregate(rule, run, s, out)) {
		return isTrue
	}
	return untrue
}

// unlike is what the span should have in common and has not, and its column;
// nil if there is nothing.
func unlike(rule *rules.Rule, run window.Run, s window.Span) (v *rules.Value, column int) {
	for i := range rule.Values {
		switch v := &rule.Values[i]; v.Kind {
		case rules.Distinct:
			column++
		case rules.Same:
			if !run.Same(column, s) {
				return v, column
			}
			column++
		default: // a number
		}
	}
	return nil, 0
}

// mixture says of what the span should not hold several.
func mixture(rule *rules.Rule, run window.Run, s window.Span, hit rules.Hit) error {
	v, column := unlike(rule, run, s)
	return v.Mixed(hit.Distinct[column])
}

// aggregate computes what the rule's condition asks of the span.
func aggregate(rule *rules.Rule, run window.Run, s window.Span, out *rules.Aggs) *rules.Aggs {
	out.Reset(run.Count(s))
	distinct, num := 0, 0
	for i := range rule.Values {
		switch rule.Values[i].Kind {
		case rules.Same:
			distinct++ // was looked at before
		case rules.Distinct:
			out.AddDistinct(run.Distinct(distinct, s))
			distinct++
		case rules.Sum:
			out.AddNum(run.Sum(num, s))
			num++
		case rules.Min:
			out.AddNum(run.Min(num, s))
			num++
		case rules.Max:
			out.AddNum(run.Max(num, s))
			num++
		}
	}
	return out
}

func (m *Machine) ruleError(rule *rules.Rule, stats *RuleStats, err error) {
	stats.Errors++
	if m.Time-stats.LastErrorAt < int64(time.Second) {
		return // one a second says as much as a thousand
	}
	stats.LastError, stats.LastErrorAt = clean(err.Error()), m.Time
	m.builtIn(ruleErrors, Label{Name: "rule", Value: rule.Name}, Label{Name: "error", Value: "event"})
}

// clean bounds a text that may quote an event, and makes it come back from a
// snapshot as it went in.
func clean(s string) string {
	const most = 500
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

package machine

import (
	"cmp"
	"slices"

	"github.com/tomeishi/tomeishi/rules/decimal"
)

// LargestAlerts are alerts because of which a gate's own holds without match stand, at
// most so many: what a person reads who calls them false. Of each rule and asset the
// largest come first, one group beside another, for amounts of several assets have no
// order.
func (m *Machine) LargestAlerts(gate string, most int) []Alert {
	m.mu.RLock()
	defer m.mu.RUnlock()
	ranked := rank(m.heldBy(m.opened(gate)))
	out := make([]Alert, 0, min(len(ranked), most))
	for _, a := range ranked[:min(len(ranked), most)] {
		out = append(out, a.copy())
	}
	return out
}

// rank orders alerts as LargestAlerts says.
func rank(alerts []*Alert) []*Alert {
	type kind struct {
		rule  RuleID
		asset string
	}
	groups := map[kind][]*Alert{}
	var kinds []kind // in the order of their first alerts
	for _, a := range alerts {
		k := kind{a.RuleID, a.Label("asset")}
		if groups[k] == nil {
			kinds = append(kinds, k)
		}
		groups[k] = append(groups[k], a)
	}
	for _, group := range groups { // the order does not show
		slices.SortStableFunc(group, larger)
	}
	out := make([]*Alert, 0, len(alerts))
	for i := 0; len(out) < len(alerts); i++ {
		for _, k := range kinds {
			if i < len(groups[k]) {
				out = append(out, groups[k][i])
			}
		}
	}
	return out
}

// valueOf is an alert's value; zero if it is no number.
func valueOf(a *Alert) decimal.Decimal {
	d, err := decimal.Parse(a.Value)
	if err != nil {
		return decimal.Decimal{}
	}
	return d
}

// larger puts the alert over a rule's limit first, which stands for many, then those of
// the largest value, then those of the most events.
func larger(a, b *Alert) int {
	return cmp.Or(cmp.Compare(len(b.Keys), len(a.Keys)), valueOf(b).Cmp(valueOf(a)), cmp.Compare(b.Total, a.Total))
}

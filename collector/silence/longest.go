package silence

import (
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/collector/machine"
)

// Longest is how long what says that a payment may pass can be silent: a night and
// a day, and then somebody has to say again that they know.
const Longest = 24 * time.Hour

// Unwatched is a built-in alert that the matchers name, or may name, and that must
// not be silent for longer than Longest; empty if there is none.
func (n Matchers) Unwatched() string {
	for _, b := range machine.BuiltIns() {
		if !b.Unwatched {
			continue
		}
		// Of a label by which its alerts are told apart any value may come.
		likely := n.without(b.Labels)
		for _, severity := range []string{"warning", "critical"} {
			fixed := map[string]string{"alertname": b.Name, "severity": severity, machine.Mark: machine.MarkBuiltIn}
			if likely.Names(func(label string) string { return fixed[label] }) {
				return b.Name
			}
		}
	}
	return ""
}

// without are the matchers of other labels.
func (n Matchers) without(labels []string) (out Matchers) {
	for i, m := range n.matchers {
		if !slices.Contains(labels, m.Name) {
			out.matchers, out.patterns = append(out.matchers, m), append(out.patterns, n.patterns[i])
		}
	}
	return out
}

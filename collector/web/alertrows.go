package web

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
	"github.com/tomeishi/tomeishi/collector/promrule"
)

// An alertRow is one alert in a list.
type alertRow struct {
	machine.Alert
	Pending  bool // its rule says that it may come to stand; it has no id
	Severity string
	Shown    []machine.Label // its labels without its name and severity
	Text     string          // what it says
	Gates    []gateEffect    // what it did, or would have done
	Silences []string        // ids of those that keep it back
}

// A gateEffect is what an alert did about a gate.
type gateEffect struct {
	Gate  string
	State machine.EffectState // of the effect
}

// alertRows are alerts as rows, the gravest and the newest first, at most so
// many, and how many more there are.
func (w *Web) alertRows(r *http.Request, alerts []machine.Alert, most int) (rows []alertRow, more int) {
	for _, a := range alerts {
		rows = append(rows, alertRow{Alert: a, Severity: a.Label("severity")})
	}
	sortAlerts(rows)
	more = max(0, len(rows)-most)
	rows = rows[:len(rows)-more]
	w.fill(r, rows)
	return rows, more
}

func sortAlerts(rows []alertRow) {
	slices.SortStableFunc(rows, func(a, b alertRow) int {
		return cmp.Or(cmp.Compare(gravity(a.Severity), gravity(b.Severity)), strings.Compare(a.Severity, b.Severity), cmp.Compare(b.Raised, a.Raised))
	})
}

// fill adds to rows what has to be looked up, for those that are shown.
func (w *Web) fill(r *http.Request, rows []alertRow) {
	for i := range rows {
		row := &rows[i]
		row.Shown = slices.DeleteFunc(slices.Clone(row.Labels), func(l machine.Label) bool { return machine.Essential(l.Name) })
		row.say(w.o.Message, w.language(r))
		for _, id := range row.Effects {
			if e, ok := w.o.Machine.EffectView(id); ok && !slices.ContainsFunc(row.Gates, func(g gateEffect) bool { return g.Gate == e.Target }) {
				row.Gates = append(row.Gates, gateEffect{e.Target, e.State})
			}
		}
		if w.o.Silences != nil {
			row.Silences = w.o.Silences.SilencedBy(w.o.Machine.Told(row.Alert).Labels)
		}
	}
}

// pendingAlerts are those that only the rules of PromQL know; those that stand
// are not among them, though after a start their rule has to wait again.
func (w *Web) pendingAlerts(standing []alertRow) (out []alertRow) {
	known := map[string]bool{}
	for _, a := range standing {
		if a.Metric {
			known[a.Group+"\x00"+a.Rule+"\x00"+machine.Text(a.Labels)] = true
		}
	}
	for _, g := range w.o.Views.Groups() {
		for _, rule := range g.Rules {
			for _, a := range rule.Alerts {
				if a.State != "pending" {
					continue
				}
				if row := pendingRow(g.Name, rule.Name, a); !known[row.Group+"\x00"+row.Rule+"\x00"+machine.Text(row.Labels)] {
					out = append(out, row)
				}
			}
		}
	}
	return out
}

func pendingRow(group, rule string, a promrule.Alert) alertRow {
	row := alertRow{Pending: true, Severity: a.Labels["severity"]}
	row.Rule, row.Group, row.Metric = rule, group, true
	row.Value = strconv.FormatFloat(a.Value, 'g', -1, 64)
	row.Since, row.Raised = a.ActiveAt.UnixNano(), a.ActiveAt.UnixNano()
	for name, value := range a.Labels {
		row.Labels = append(row.Labels, machine.Label{Name: name, Value: value})
	}
	row.Labels = machine.BoundLabels(row.Labels) // as those that stand are
	row.Text = a.Annotations["summary"]
	return row
}

// say fills in what the alert says: its summary, else its labels, which then
// need not stand beside it.
func (a *alertRow) say(b *message.Writer, l message.Language) {
	if !a.Pending && (isOwn(a.Alert) || b.Annotations(a.Alert, nil)["summary"] != "") {
		a.Text = b.SummaryIn(l, a.Alert)
	}
	if a.Text == "" {
		a.Text, a.Shown = cmp.Or(machine.Text(a.Shown), a.Rule), nil
	}
}

// Number is the value, in few digits if it is a number that has many; empty if
// it says nothing.
func (a alertRow) Number() string {
	f, err := strconv.ParseFloat(a.Value, 64)
	switch {
	case isOwn(a.Alert) && !a.Pending:
		return "" // what it says has it
	case err != nil || !a.Metric || len(a.Value) < 7:
		return a.Value
	}
	return strconv.FormatFloat(f, 'g', 4, 64)
}

// SinceAt is the time of the first evidence.
func (a alertRow) SinceAt() time.Time { return time.Unix(0, a.Since) }

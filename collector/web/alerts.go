package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/collector/machine"
)

// alertsPage is the list of alerts.
type alertsPage struct {
	alertFilter
	Groups     []alertGroup
	All, Found int // that there are; that the filter names
	Pending    int // of all, those that do not stand yet
	More       int // found and not shown
	Severities []string
}

// An alertGroup is the alerts of one name and severity.
type alertGroup struct {
	Name, Severity string
	Count          int // found, shown or not
	Rows           []alertRow
}

// An alertFilter is what the form above the list asks for.
type alertFilter struct {
	Text, Severity, State string
	Rule                  string // its whole name, as links from other pages have it
}

func readAlertFilter(q url.Values) alertFilter {
	return alertFilter{clipText(q.Get("q")), clipText(q.Get("severity")), clipText(q.Get("state")), clipText(q.Get("rule"))}
}

// Standing is how many there are that stand.
func (p alertsPage) Standing() int { return p.All - p.Pending }

// Any tells whether the filter leaves something out.
func (f alertFilter) Any() bool { return f != alertFilter{} }

// takes tells whether the filter names the alert. silenced is asked only if it
// matters.
func (f alertFilter) takes(a *alertRow, silenced func(*alertRow) bool) bool {
	switch {
	case f.Rule != "" && f.Rule != a.Rule:
		return false
	case f.Severity != "" && f.Severity != cmp.Or(a.Severity, "none"):
		return false
	case f.State == "firing" && a.Pending || f.State == "pending" && !a.Pending || f.State == "unheard" && a.Unheard == 0:
		return false
	case f.State == "silenced" && !silenced(a):
		return false
	}
	for word := range strings.FieldsSeq(strings.ToLower(f.Text)) {
		if !a.has(word) {
			return false
		}
	}
	return true
}

// has tells whether the alert's name, labels, id or incident have the word in
// them.
func (a *alertRow) has(word string) bool {
	if strings.Contains(strings.ToLower(a.Rule), word) || a.ID == word || a.Incident == word {
		return true
	}
	return slices.ContainsFunc(a.Labels, func(l machine.Label) bool {
		return strings.Contains(strings.ToLower(l.Name+"="+l.Value), word)
	})
}

func (w *Web) alerts(rw http.ResponseWriter, r *http.Request) {
	p := alertsPage{alertFilter: readAlertFilter(r.URL.Query())}
	var rows []alertRow
	for _, a := range w.o.Machine.AlertsView() {
		rows = append(rows, alertRow{Alert: a, Severity: a.Label("severity")})
	}
	if p.Text == "" && p.Rule == "" {
		rows = slices.DeleteFunc(rows, alwaysStands)
	}
	pending := w.pendingAlerts(rows)
	rows = append(rows, pending...)
	p.All, p.Pending = len(rows), len(pending)
	for _, a := range rows {
		if s := cmp.Or(a.Severity, "none"); !slices.Contains(p.Severities, s) && len(p.Severities) < 10 {
			p.Severities = append(p.Severities, s)
		}
	}
	slices.SortFunc(p.Severities, func(a, b string) int { return cmp.Or(cmp.Compare(gravity(a), gravity(b)), strings.Compare(a, b)) })
	rows = slices.DeleteFunc(rows, func(a alertRow) bool { return !p.takes(&a, w.silenced) })
	p.Found = len(rows)
	sortAlerts(rows)
	p.Groups, p.More = alertGroups(rows)
	for i := range p.Groups {
		w.fill(r, p.Groups[i].Rows)
	}
	w.page(rw, r, "alerts", p)
}

func (w *Web) silenced(a *alertRow) bool {
	return w.o.Silences != nil && len(w.o.Silences.SilencedBy(w.o.Machine.Told(a.Alert).Labels)) > 0
}

// alwaysStands tells whether an alert is the one that stands while all is well:
// it is shown to who asks for it.
func alwaysStands(a alertRow) bool { return isOwn(a.Alert) && a.Rule == watchdog }

// maxOfGroup is how many alerts of one group are shown while there are others.
const maxOfGroup = 50

// alertGroups sorts alerts into groups, those of the first alert first. Few of
// each are shown, so that one rule does not hide the rest, and no more than
// maxRows of all.
func alertGroups(rows []alertRow) (groups []alertGroup, more int) {
	place := map[[2]string]int{}
	for _, row := range rows {
		key := [2]string{row.Rule, row.Severity}
		at, ok := place[key]
		if !ok {
			at = len(groups)
			place[key] = at
			groups = append(groups, alertGroup{Name: row.Rule, Severity: row.Severity})
		}
		groups[at].Count++
		groups[at].Rows = append(groups[at].Rows, row)
	}
	most, shown := maxOfGroup, 0
	if len(groups) == 1 {
		most = maxRows
	}
	for i := range groups {
		n := min(len(groups[i].Rows), most, maxRows-shown)
		groups[i].Rows = groups[i].Rows[:n]
		shown += n
	}
	groups = slices.DeleteFunc(groups, func(g alertGroup) bool { return len(g.Rows) == 0 })
	return groups, len(rows) - shown
}

// MoreOf is how many of the group are not shown.
func (g alertGroup) MoreOf() int { return g.Count - len(g.Rows) }

// URL is the list with this group alone.
func (g alertGroup) URL() string {
	q := url.Values{"rule": {g.Name}}
	if g.Severity != "" {
		q.Set("severity", g.Severity)
	}
	return "/alerts?" + q.Encode()
}

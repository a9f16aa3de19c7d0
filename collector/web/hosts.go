package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/collector/machine"
)

// A hostRow is one agent and how its host does.
type hostRow struct {
	machine.Agent
	Ills     []string // what is wrong with it, the worst first; texts of the catalog
	Alerts   int      // that name it
	Critical int      // of those
	Sparks   []spark
}

// hostsPage is the list of hosts.
type hostsPage struct {
	Rows     []hostRow
	Signals  []signal
	All      int  // that are known
	More     int  // that the filter names and that are not shown
	Pictured bool // their signals were asked
	Filter   string
	Unheard  int
	// Unknown is why the signals are not known; empty if they were asked.
	Unknown string
}

// maxRows bounds what a list shows at once.
const maxRows = 200

// Name is the signal's name, for templates.
func (s signal) Name() string { return s.name }

// agentIlls are the built-in alerts about one agent, the worst first, and what
// to say of it.
var agentIlls = []struct{ alert, text string }{
	{"AgentCloned", "two senders use its name"},
	{"AgentSilent", "silent"},
	{"AgentInDoubt", "in doubt"},
	{"AgentBlind", "blind"},
	{"ClockOff", "clock off"},
}

func (w *Web) hosts(rw http.ResponseWriter, r *http.Request) {
	p := hostsPage{Signals: fleetSignals, Filter: clipText(r.URL.Query().Get("q"))}
	rows := w.hostRows()
	p.All = len(rows)
	if p.Filter != "" {
		rows = slices.DeleteFunc(rows, func(h hostRow) bool { return !strings.Contains(strings.ToLower(h.ID), strings.ToLower(p.Filter)) })
	}
	for _, h := range rows {
		if h.Silent {
			p.Unheard++
		}
	}
	p.Rows = rows[:min(len(rows), maxRows)]
	p.More, p.Pictured = len(rows)-len(p.Rows), w.o.Signals != nil
	if p.Pictured && len(p.Rows) > 0 {
		f, ok := w.fleet.get(r.Context(), "", w.askFleet)
		if !ok {
			return // nobody waits any more
		}
		if err := f.problem(); err != nil {
			p.Unknown = err.Error()
		}
		say := w.words(r).T
		for i := range p.Rows {
			p.Rows[i].Sparks = f.sparks(p.Rows[i].ID, say)
		}
	}
	w.page(rw, r, "hosts", p)
}

// hostRows are all agents, those that need somebody first.
func (w *Web) hostRows() []hostRow {
	about := map[string]*hostRow{}
	agents := w.o.Machine.AgentsView()
	rows := make([]hostRow, len(agents))
	for i, a := range agents {
		rows[i].Agent = a
		about[a.ID] = &rows[i]
	}
	for _, a := range w.o.Machine.AlertsView() {
		row := about[hostOf(a)]
		if row == nil {
			continue
		}
		row.Alerts++
		if a.Label("severity") == "critical" {
			row.Critical++
		}
		if text := illOf(a); text != "" {
			row.Ills = append(row.Ills, text)
		}
	}
	for i := range rows {
		slices.SortFunc(rows[i].Ills, func(x, y string) int { return cmp.Compare(illRank(x), illRank(y)) })
	}
	slices.SortStableFunc(rows, func(x, y hostRow) int {
		return cmp.Or(cmp.Compare(x.rank(), y.rank()), cmp.Compare(y.Critical, x.Critical), cmp.Compare(y.Alerts, x.Alerts), strings.Compare(x.ID, y.ID))
	})
	return rows
}

// hostOf is the agent that an alert is about; empty if it is about none.
func hostOf(a machine.Alert) string { return cmp.Or(a.Label("agent"), a.Label("instance")) }

// illOf is what a built-in alert says of its agent; empty if it says nothing.
func illOf(a machine.Alert) string {
	if !isOwn(a) {
		return ""
	}
	for _, ill := range agentIlls {
		if ill.alert == a.Rule {
			return ill.text
		}
	}
	return ""
}

// rank is where the host stands in the list: what is not heard comes first.
func (h *hostRow) rank() int {
	if len(h.Ills) == 0 {
		return len(agentIlls)
	}
	return illRank(h.Ills[0])
}

func illRank(text string) int {
	return slices.IndexFunc(agentIlls, func(i struct{ alert, text string }) bool { return i.text == text })
}

// HeardAt is when it was heard last.
func (h hostRow) HeardAt() time.Time { return time.Unix(0, h.Heard) }

// clipText bounds what a filter asks for.
func clipText(s string) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, ""))
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "")
	}
	return s
}

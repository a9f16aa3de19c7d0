package web

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// perPage is how many incidents one page lists.
const perPage = 50

// incidents lists them, the newest first: those that are open before the rest.
func (w *Web) incidents(rw http.ResponseWriter, r *http.Request) {
	var open, ended []machine.IncidentHead
	for _, in := range w.o.Machine.IncidentHeads() {
		if in.Ended == 0 {
			open = append(open, in)
		} else {
			ended = append(ended, in)
		}
	}
	from, err := strconv.Atoi(r.URL.Query().Get("from"))
	if err != nil || from < 0 || from > len(ended) {
		from = 0
	}
	page := struct {
		Open, Ended   []machine.IncidentHead
		MoreOpen      int
		Total, Before int // ended ones, and how many of them are before this page
		Next          int // 0 on the last page
	}{Open: open[:min(len(open), 2*perPage)], Total: len(ended), Before: from}
	page.MoreOpen = len(open) - len(page.Open)
	page.Ended = ended[from:min(len(ended), from+perPage)]
	if from+perPage < len(ended) {
		page.Next = from + perPage
	}
	w.page(rw, r, "incidents", page)
}

// maxMembers bounds the alerts and effects that the page of an incident lists.
const maxMembers = 50

// An incidentPage is an incident with what belongs to it.
type incidentPage struct {
	machine.Incident
	Gates       []*gateCard // that are closed
	OpenGates   []string
	Alerts      []cause // those that stand first
	MoreAlerts  int
	Effects     []machine.Effect
	MoreEffects int
	Steps       []step
	Problem     *refused
}

func (w *Web) incident(rw http.ResponseWriter, r *http.Request) {
	w.incidentAs(rw, r, nil)
}

func (w *Web) incidentAs(rw http.ResponseWriter, r *http.Request, p *refused) {
	in, ok := w.o.Machine.IncidentView(r.PathValue("id"))
	if !ok {
		if p != nil {
			w.refusedPage(rw, r, p)
			return
		}
		w.notFound(rw, r)
		return
	}
	page := incidentPage{Incident: in, Problem: p, Steps: w.steps(w.words(r), in)}
	by := w.reader(r)
	for _, name := range in.Gates {
		v, ok := w.o.Machine.GateView(name)
		switch {
		case !ok:
		case v.Closed || len(v.Holds) > 0:
			c := w.gateCard(v, by)
			c.Next = "/incidents/" + in.ID
			page.Gates = append(page.Gates, c)
		default:
			page.OpenGates = append(page.OpenGates, name)
		}
	}
	w.members(&page, by)
	w.pageAs(rw, r, statusOf(p), "incident", page)
}

// members fills in the alerts and effects of an incident.
func (w *Web) members(page *incidentPage, by reader) {
	var over []cause
	for _, id := range slices.Backward(page.Incident.Alerts) {
		a, ok := w.o.Machine.AlertView(id)
		if !ok {
			page.MoreAlerts++
			continue
		}
		c := cause{Alert: &a, Severity: a.Label("severity")}
		if a.Ended == 0 {
			page.Alerts = append(page.Alerts, c)
		} else {
			over = append(over, c)
		}
	}
	page.MoreAlerts += page.Released
	page.Alerts = append(page.Alerts, over...)
	page.MoreAlerts += max(0, len(page.Alerts)-maxMembers)
	page.Alerts = page.Alerts[:min(len(page.Alerts), maxMembers)]
	for i := range page.Alerts {
		c := &page.Alerts[i]
		c.Text, c.Evidence = w.o.Message.SummaryIn(by.Lang, *c.Alert), w.evidence(*c.Alert, 3)
	}
	wanted := map[string]bool{}
	for _, id := range page.Incident.Effects {
		wanted[id] = true
	}
	for _, e := range slices.Backward(by.effects()) {
		switch {
		case !wanted[e.ID]:
		case len(page.Effects) == maxMembers:
			page.MoreEffects++
		default:
			page.Effects = append(page.Effects, e)
		}
	}
}

// postIncident gives an incident its verdict.
func (w *Web) postIncident(rw http.ResponseWriter, r *http.Request) {
	p := w.form(rw, r)
	if p == nil {
		p = w.decide(r, entry.Decision{
			Do: entry.DoVerdict, Incident: r.PathValue("id"), Verdict: r.PostFormValue("verdict"), Reason: r.PostFormValue("reason"),
		})
	}
	if p != nil {
		w.incidentAs(rw, r, p)
		return
	}
	http.Redirect(rw, r, "/incidents/"+r.PathValue("id"), http.StatusSeeOther)
}

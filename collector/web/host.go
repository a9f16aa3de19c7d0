package web

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
	"github.com/tomeishi/tomeishi/collector/web/chart"
)

// hostPage is one host.
type hostPage struct {
	hostRow
	Span    string
	Spans   []span
	Charts  []hostChart
	Alerts  []alertRow // about it, that stand
	More    int        // of those, not shown
	Spools  []machine.Spool
	Unknown string // why there are no pictures
}

// A hostChart is a picture, or why there is none.
type hostChart struct {
	Title   string
	Picture template.HTML
	Problem string
}

func (w *Web) host(rw http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	rows := w.hostRows()
	i := slices.IndexFunc(rows, func(h hostRow) bool { return h.ID == id })
	if i < 0 {
		t := w.words(r)
		w.pageAs(rw, r, http.StatusNotFound, "problem", trouble{
			t.T("This host is not known"), t.T("No agent named %s has been heard, or a person has said that it will not come back.", clipText(id)),
			t.T("An agent is known from the first thing that it sends."),
		})
		return
	}
	s := spanOf(r.URL.Query().Get("span"), rows[i].Frames)
	p := hostPage{hostRow: rows[i], Span: s.ID, Spans: spans}
	for _, spool := range w.o.Machine.SpoolsView() {
		if spool.Agent == id {
			p.Spools = append(p.Spools, spool)
		}
	}
	alerts := slices.DeleteFunc(w.o.Machine.AlertsView(), func(a machine.Alert) bool { return hostOf(a) != id })
	p.Alerts, p.More = w.alertRows(r, alerts, 20)
	if w.o.Signals == nil {
		p.Unknown = w.words(r).T("This collector keeps no metrics.")
		w.page(rw, r, "host", p)
		return
	}
	found, ok := w.pictures.get(r.Context(), s.ID+" "+id, func(ctx context.Context) []hostSignal { return w.askHost(ctx, id, s) })
	if !ok {
		return // nobody waits any more
	}
	p.Charts = hostCharts(w.words(r), found)
	w.page(rw, r, "host", p)
}

// hostCharts draws what was found.
func hostCharts(t *message.Words, found []hostSignal) (out []hostChart) {
	for _, h := range found {
		title := t.T(h.title)
		switch {
		case h.problem != nil:
			out = append(out, hostChart{Title: title, Problem: h.problem.Error()})
			continue
		case len(h.lines) == 0 && !h.always:
			continue
		}
		c := chart.Chart{
			Title: title, Unit: h.unit, Top: h.top, Stacked: h.stacked, From: h.from, To: h.to, Step: h.step, Zone: t.Zone(), T: t.T, For: t.For,
		}
		for _, l := range h.lines {
			if h.by == "" {
				l.Name = t.T(l.Name)
			}
			c.Lines = append(c.Lines, l)
		}
		out = append(out, hostChart{Title: title, Picture: c.SVG()})
	}
	return out
}

// HasBlind tells whether blocks of the agent never came.
func (p hostPage) HasBlind() bool {
	return slices.ContainsFunc(p.Spools, func(s machine.Spool) bool { return len(s.Blind) > 0 })
}

// Clock is by how much its clock is off, as text; empty if it was never judged.
func (p hostPage) Clock() string {
	if p.Judged == 0 {
		return ""
	}
	text := chart.Seconds.Text(time.Duration(p.Offset).Seconds())
	if !strings.HasPrefix(text, "-") {
		text = "+" + text
	}
	return text
}

// SpanURL is this page over another span.
func (p hostPage) SpanURL(s string) string { return "?span=" + url.QueryEscape(s) }

package web

import (
	"net/http"
	"slices"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// toldPage is who was told, the newest first.
type toldPage struct {
	Rows []toldRow
	More int // that are kept and not shown
}

// A toldRow is one notification.
type toldRow struct {
	entry.Notification
	More int // alerts that are not named
}

// Bounds of what the page shows.
const (
	maxTold   = 100
	maxToldOf = 10 // alerts and incidents of one notification
)

func (w *Web) told(rw http.ResponseWriter, r *http.Request) {
	all := w.o.Machine.ToldView()
	slices.Reverse(all)
	n := min(len(all), maxTold)
	p := toldPage{More: len(all) - n}
	for _, t := range all[:n] {
		row := toldRow{Notification: t}
		row.Alerts, row.Incidents = t.Alerts[:min(len(t.Alerts), maxToldOf)], t.Incidents[:min(len(t.Incidents), maxToldOf)]
		row.More = max(0, t.Firing+t.Resolved-len(row.Alerts))
		p.Rows = append(p.Rows, row)
	}
	w.page(rw, r, "told", p)
}

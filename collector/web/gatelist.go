package web

import (
	"net/http"
	"slices"

	"github.com/tomeishi/tomeishi/collector/machine"
)

// gates lists all gates.
func (w *Web) gates(rw http.ResponseWriter, r *http.Request) {
	views, _ := w.o.Machine.GatesView()
	closers := w.closers()
	type row struct {
		machine.GateView
		Since  int64
		Closes []closer
	}
	var rows []row
	for _, v := range views {
		at := row{v, 0, closers[v.Name]}
		for _, h := range v.Holds {
			if h.Match == nil && (at.Since == 0 || h.Since < at.Since) {
				at.Since = h.Since
			}
		}
		rows = append(rows, at)
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		switch {
		case a.Closed == b.Closed:
			return 0
		case a.Closed:
			return -1
		}
		return 1
	})
	w.page(rw, r, "gates", rows)
}

package web

import (
	"net/http"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// postGate opens a gate, closes it, or records that it stays closed.
func (w *Web) postGate(rw http.ResponseWriter, r *http.Request) {
	name := r.PathValue("path")
	p := w.form(rw, r)
	if p == nil {
		p = w.decideGate(r, name)
	}
	if p != nil {
		w.gateAs(rw, r, name, p)
		return
	}
	next := local(r.PostFormValue("next"))
	if _, ok := w.o.Machine.GateView(name); !ok && next == gateURL(name) {
		next = "/" // a gate that left the rule files is gone once its last hold is
	}
	http.Redirect(rw, r, next, http.StatusSeeOther)
}

func (w *Web) decideGate(r *http.Request, name string) *refused {
	t, form := w.words(r), r.PostFormValue
	switch form("do") {
	case "close":
		return w.decide(r, entry.Decision{Do: entry.DoClose, Gate: name, Reason: form("reason")})
	case "false", "open", "hold":
		e := epoch(r)
		if e == nil {
			break
		}
		d := entry.Decision{Do: entry.DoOpen, Gate: name, Reason: form("reason"), Verdict: form("verdict"), Epoch: e, Hold: form("hold")}
		d.AsOf, d.Alerts = asOf(r)
		if rules := r.PostForm["shadow"]; len(rules) > 0 {
			d.Shadow = &entry.Shadow{Rules: rules}
		}
		if d.Hold != "" {
			d.Alerts = nil // they are of all holds
		}
		return w.decide(r, d)
	case "keep":
		if len(r.PostForm["incident"]) == 0 {
			break
		}
		for i, id := range r.PostForm["incident"] {
			d := entry.Decision{Do: entry.DoVerdict, Incident: id, Verdict: machine.VerdictReal, Reason: form("reason")}
			p := w.decide(r, d)
			if p != nil && i > 0 { // those before have their verdict
				p.Remedy = t.T("Check on this page whether it took effect before you decide again.")
			}
			if p != nil {
				return p
			}
		}
		return nil
	}
	return w.refuse(r, &refused{
		Status: http.StatusBadRequest, Text: t.T("The form does not say what it is about."), Remedy: t.T("Nothing was changed. Complete the form and send it again."),
	})
}

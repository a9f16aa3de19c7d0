package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/tomeishi/tomeishi/collector/access"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
)

// maxForm bounds a form, in bytes.
const maxForm = 64 << 10

// A refused form is shown again with what was written into it, and why.
type refused struct {
	Status int
	Field  string // the input that is wrong; empty if it is none of them
	Text   string // what is wrong
	Remedy string // what to do
	Form   map[string]string
}

// Was is what was written into an input, or what it begins with.
func (p *refused) Was(field, begins string) string {
	if p == nil {
		return begins
	}
	if v, ok := p.Form[field]; ok {
		return v
	}
	return begins
}

// Is tells whether this form was refused, which sent that as field "do".
func (p *refused) Is(do string) bool { return p != nil && p.Form["do"] == do }

// form reads a form, nil if it is well.
func (w *Web) form(rw http.ResponseWriter, r *http.Request) *refused {
	r.Body = http.MaxBytesReader(rw, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		t := w.words(r)
		return &refused{Status: http.StatusBadRequest, Text: t.T("The form could not be read: %s.", err.Error()), Remedy: t.T("Send it again, with less text.")}
	}
	return nil
}

// decide puts a decision into the ledger under the asker's name. What it needs
// beside is in the form that has been read. A machine.Pending is no refusal:
// the gate says who has agreed.
func (w *Web) decide(r *http.Request, d entry.Decision) *refused {
	_, err := w.o.Decider.Decide(r, d)
	if errors.As(err, new(*access.ForbiddenError)) {
		return w.mayNot(r, err)
	}
	if err == nil {
		return nil
	}
	return w.refuse(r, why(w.words(r), err))
}

// refuse adds what was written into the form.
func (w *Web) refuse(r *http.Request, p *refused) *refused {
	p.Form = map[string]string{}
	for name, values := range r.PostForm {
		p.Form[name] = strings.Join(values, " ")
	}
	return p
}

// why says what became of a decision that was not simply carried out.
func why(t *message.Words, err error) *refused {
	var refusal *machine.Refusal
	switch {
	case errors.As(err, &refusal) && refusal.Reason == machine.Invalid:
		return &refused{Status: http.StatusBadRequest, Field: refusal.Field, Text: t.Record(refusal.Why), Remedy: t.T("Nothing was changed. Complete the form and send it again.")}
	case errors.As(err, &refusal) && refusal.Reason == machine.NotFound:
		return &refused{Status: http.StatusNotFound, Text: t.Record(refusal.Why), Remedy: t.T("Nothing was changed. This page shows how it stands now.")}
	case errors.As(err, &refusal):
		return &refused{Status: http.StatusConflict, Text: t.Record(refusal.Why), Remedy: t.T("Nothing was changed. This page shows how it stands now: read it, then decide again.")}
	}
	fate, ok := entry.FateOf(err)
	if !ok { // whatever else broke: it may have been after the ledger took it
		fate = entry.Fate{Err: entry.ErrUnknown, Status: http.StatusServiceUnavailable}
	}
	switch {
	case errors.Is(fate.Err, entry.ErrFull):
		return &refused{Status: fate.Status, Text: t.T("The collector's disk is full: nothing was stored."), Remedy: t.T("Free space on its disk, then try again.")}
	case errors.Is(fate.Err, entry.ErrNotStored):
		return &refused{Status: fate.Status, Text: t.T("The collector could not store this now: nothing was changed."), Remedy: t.T("Try again.")}
	}
	return &refused{
		Status: fate.Status, Text: t.T("It is not known whether this was stored."),
		Remedy: t.T("Check on this page whether it took effect before you decide again."),
	}
}

// epoch is the epoch of the gate as the asker read it.
func epoch(r *http.Request) *uint64 {
	n, err := strconv.ParseUint(r.PostFormValue("epoch"), 10, 64)
	if err != nil {
		return nil
	}
	return &n
}

// asOf is up to which entry of the ledger the gate was read, and how many alerts
// kept it closed then.
func asOf(r *http.Request) (index uint64, alerts *int) {
	index, err := strconv.ParseUint(r.PostFormValue("as_of"), 10, 64)
	if err != nil {
		return 0, nil
	}
	n, err := strconv.Atoi(r.PostFormValue("alerts"))
	if err != nil {
		return index, nil
	}
	return index, &n
}

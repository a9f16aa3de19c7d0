package web

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/collector/access"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
	"github.com/tomeishi/tomeishi/collector/record"
)

// Bounds of what one card shows of a gate.
const (
	maxCauses   = 20
	maxEvidence = 10
)

// A gateCard is a gate with all that a person needs who decides about it.
type gateCard struct {
	machine.GateView
	Since     int64 // the oldest hold that closes it; 0 while it is open
	Causes    []cause
	More      int      // holds that are not shown
	Parent    string   // that closes it; empty if none does
	Incidents []string // of its own holds
	ByRule    bool     // a rule put one of its own holds
	Own       int      // holds on the gate itself
	Needed    int      // people that opening it takes
	AloneAt   int64    // ledger time from which one person may open it with verdict false; 0 for never
	Agreed1   bool     // the asker has agreed
	Second    bool     // the asker may be the second of two people
	Awaited   bool     // somebody else has agreed, and the asker would be the second
	Unseen    int      // holds that not every agent is known to follow yet
	Kept      string   // who said that it stays closed, because it is real
	Problem   *refused
	Verified  bool            // an effect was seen to arrive at every agent
	Next      string          // where the forms lead when they are done
	Largest   []machine.Alert // because of which its own holds stand, where those are several
	Rules     []string        // because of which its own holds close it, by group and name
}

// A cause is one hold and why.
type cause struct {
	machine.Hold
	Text     string
	Severity string
	Alert    *machine.Alert // nil if none is kept
	Evidence []string       // the latest first, some
	Effect   *machine.Effect
}

// gateCard gathers what is known of a gate.
func (w *Web) gateCard(v machine.GateView, by reader) *gateCard {
	c := &gateCard{GateView: v, Needed: max(1, v.Opening.Approvals)}
	effects := by.effectsOf(v.Holds)
	for _, h := range v.Holds {
		if h.Match == nil && (c.Since == 0 || h.Since < c.Since) {
			c.Since = h.Since
		}
		if h.Cause == machine.ByParent {
			c.Parent = h.By
		} else {
			c.own(h)
		}
		e := effects[h.Effect]
		if e != nil && e.State == machine.Applied {
			c.Unseen++
		}
		c.Verified = c.Verified || e != nil && e.State == machine.Verified
		if len(c.Causes) == maxCauses {
			c.More++
			continue
		}
		c.Causes = append(c.Causes, w.cause(h, e, by.Lang))
	}
	c.More += max(0, v.Closers-closers(v.Holds))
	if c.ByRule {
		c.Rules = w.o.Machine.HeldByRules(v.Name)
	}
	if v.Opening.Alone == 0 {
		c.AloneAt = 0
	}
	c.Agreed1 = slices.ContainsFunc(v.Approvals, func(a machine.Approval) bool { return a.Actor == by.Name })
	c.Awaited = v.Awaits(by.Name)
	c.Second = c.Awaited && slices.Contains(by.May, access.MayApprove)
	for _, id := range c.Incidents {
		if in, ok := w.o.Machine.IncidentView(id); ok && in.Verdict == machine.VerdictReal {
			c.Kept = w.judge(in)
		}
	}
	return c
}

// closers is how many of the holds close the gate.
func closers(holds []machine.Hold) (n int) {
	for _, h := range holds {
		if h.Match == nil {
			n++
		}
	}
	return n
}

// own counts a hold on the gate itself.
func (c *gateCard) own(h machine.Hold) {
	c.Own++
	c.ByRule = c.ByRule || h.Cause == machine.ByRule
	if h.Match == nil {
		c.AloneAt = max(c.AloneAt, max(h.Since, h.Joined)+int64(c.Opening.Alone))
	}
	if h.Incident != "" && !slices.Contains(c.Incidents, h.Incident) {
		c.Incidents = append(c.Incidents, h.Incident)
	}
}

// effectsOf are the effects that put these holds.
func (by reader) effectsOf(holds []machine.Hold) map[string]*machine.Effect {
	out := map[string]*machine.Effect{}
	for _, h := range holds {
		if h.Effect != "" {
			out[h.Effect] = nil
		}
	}
	if len(out) == 0 {
		return out
	}
	for _, e := range by.effects() {
		if _, ok := out[e.ID]; ok {
			out[e.ID] = &e
		}
	}
	return out
}

func (w *Web) cause(h machine.Hold, e *machine.Effect, lang message.Language) cause {
	c := cause{Hold: h, Text: cmp.Or(h.Reason, w.o.Message.Words(lang).Record(h.Because)), Effect: e}
	a, ok := w.o.Machine.AlertView(h.Alert)
	if !ok {
		return c
	}
	c.Alert, c.Severity = &a, a.Label("severity")
	if c.Text == "" {
		c.Text = w.o.Message.SummaryIn(lang, a)
	}
	c.Evidence = w.evidence(a, maxEvidence)
	return c
}

// evidence names the latest events of an alert's evidence, the latest first.
func (w *Web) evidence(a machine.Alert, most int) []string {
	if len(a.Evidence) == 0 {
		return nil
	}
	out := w.o.Views.Evidence(a.Evidence[max(0, len(a.Evidence)-most):])
	slices.Reverse(out)
	return out
}

// judge is who gave an incident its verdict last.
func (w *Web) judge(in machine.Incident) string {
	for _, s := range slices.Backward(in.Log) {
		if s.Said.Kind == record.VerdictGiven {
			return s.Actor
		}
	}
	return ""
}

// A gatePage is the one-screen view of a gate.
type gatePage struct {
	Display *gateCard
	Name    string
	Closes  []closer // what may close it by itself
	Steps   []step   // of the incidents of its holds, the newest first
	Last    string   // the newest incident at this gate; empty if there was none
	Waiting int      // effects that would close it, and wait for a person's approval
}

func (w *Web) gate(rw http.ResponseWriter, r *http.Request) {
	w.gateAs(rw, r, r.PathValue("path"), nil)
}

// gateAs answers with the page of a gate, and with what was wrong with a form.
func (w *Web) gateAs(rw http.ResponseWriter, r *http.Request, name string, p *refused) {
	v, ok := w.o.Machine.GateView(name)
	if !ok {
		if p != nil {
			w.refusedPage(rw, r, p)
			return
		}
		w.notFound(rw, r)
		return
	}
	by := w.reader(r)
	c := w.gateCard(v, by)
	c.Problem, c.Next = p, gateURL(name)
	if v.Alerts > 1 {
		c.Largest = w.o.Machine.LargestAlerts(name, machine.ShownAlerts)
	}
	page := gatePage{Display: c, Name: name, Closes: w.closers()[name], Waiting: len(w.waitingFor(by, name))}
	for _, in := range w.o.Machine.IncidentHeads() {
		if slices.Contains(in.Gates, name) {
			page.Last = in.ID
			break
		}
	}
	of := c.Incidents
	if len(of) == 0 && page.Last != "" {
		of = []string{page.Last}
	}
	for _, id := range of {
		if in, ok := w.o.Machine.IncidentView(id); ok {
			page.Steps = append(page.Steps, w.steps(w.words(r), in)...)
		}
	}
	slices.SortStableFunc(page.Steps, func(a, b step) int { return int(b.At/1e6 - a.At/1e6) })
	page.Steps = page.Steps[:min(len(page.Steps), maxSteps)]
	w.pageAs(rw, r, statusOf(p), "gate", page)
}

// statusOf is the status of a page on which a form was perhaps refused.
func statusOf(p *refused) int {
	if p == nil {
		return http.StatusOK
	}
	return p.Status
}

// refusedPage says why a form was refused that no page shows any more.
func (w *Web) refusedPage(rw http.ResponseWriter, r *http.Request, p *refused) {
	w.pageAs(rw, r, p.Status, "problem", trouble{w.words(r).T("Not done"), p.Text, p.Remedy})
}

// Alone tells how long until one person may open the gate with verdict false; 0
// once they may.
func (c *gateCard) Alone() time.Duration {
	if c.AloneAt == 0 {
		return 0
	}
	return max(0, time.Until(time.Unix(0, c.AloneAt)))
}

// MayAlone tells whether the asker alone would open the gate now with verdict
// false, though it takes more people for another verdict.
func (c *gateCard) MayAlone() bool {
	return c.Needed > 1 && c.AloneAt != 0 && c.Alone() == 0 && !c.Awaited
}

package machine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// formsGroup has rules of each form, on types of their own, and formsMitigations what
// they do to the gate forms.
const formsGroup = `- name: forms
  rules:
  - {alert: FAbsent, event: f.sent, by: [data.k], unless: {event: f.recorded, within: 30s}, limit: 3, mitigate: [stop-forms]}
  - {alert: FLasting, event: f.chain, by: [data.k], unless: {event: f.moved, within: 20s}, for: 10s, keep_firing_for: 1m}
  - {alert: FSides, reconcile: {a: {event: f.recorded, key: [data.k]}, b: {event: f.chain, key: [data.k]}}, except: {event: f.moved, key: [data.k]}, settle: 20s, within: 20m, lateness: 10m, when: a != b, mitigate: [hold-forms]}
  - {alert: FJoin, join: {a: {event: f.sent, by: [data.k]}, b: {event: f.chain, by: [data.k]}, c: {event: f.moved, by: []}}, within: 10m, settle: 10s, when: count(b) > count(a) && count(c) > 0, mitigate: [stop-forms]}
  - {alert: FLevels, join: {owed: {event: f.sent, by: [data.k], max_age: 2m}, held: {event: f.recorded, by: [data.k], max_age: 2m}}, within: 10m, when: last(owed.data.n) > last(held.data.n), for: 20s}
  - {alert: FResent, sequence: [{event: f.sent}, {not: f.recorded}, {event: f.sent}], by: [data.k], within: 10m, mitigate: [hold-forms]}
  - {alert: FShare, event: f.chain, by: [data.k], within: 5m, when: share() > 0.4 && count() >= 3, for: 30s, mitigate: [hold-forms]}
  - {alert: FSpike, event: f.recorded, by: [data.k], within: 10m, when: last(data.n) > 2 * max_before(data.n), limit: 2}
  - {record: f_total, event: f.sent, by: [data.k], value: sum(data.n)}
`

const formsMitigations = `- {name: stop-forms, action: gate.close, target: forms, mode: enforce}
- {name: hold-forms, action: gate.hold, target: forms, match: {request: '{{ $labels.k }}'}, mode: enforce}
`

// withForms is a file of rules with those of each form.
func withForms(text string) string {
	return strings.Replace(text, "gates:\n", formsGroup+"gates:\n- {name: forms, mode: enforce}\n", 1) + formsMitigations
}

var formTypes = []string{"f.sent", "f.recorded", "f.chain", "f.moved"}

func formEvent(kind string, k, n int) report.Event {
	return report.Event{Type: kind, Data: fmt.Appendf(nil, `{"k":"k%d","n":%d}`, k, n)}
}

// formsStep applies one entry of what the rules of other forms are about: from the
// collector's own intake and from agents, some of it late and some again.
func (s *simulation) formsStep() {
	s.later(time.Duration(s.rnd.Int64N(int64(5 * time.Second))))
	switch s.rnd.IntN(8) {
	case 0:
		s.both(entry.KindTick, nil)
	case 1:
		s.decidesForms()
	case 2, 3:
		agent := s.anyAgent()
		events := s.formEvents()
		events = append(events, report.Event{Type: report.ProgressType, Data: fmt.Appendf(nil, `{"ledger":%d}`, s.now.UnixNano())})
		s.both(entry.KindBlocks, s.own(agent, events...))
		s.heard[agent] = s.now.UnixNano()
		delete(s.silent, agent)
	default:
		var b report.Builder
		for _, e := range s.formEvents() {
			e.Source, e.ID = "forms", fmt.Sprint("f", s.rnd.IntN(2000))
			b.Add(&e)
		}
		s.both(entry.KindBatch, b.Bytes())
	}
	s.recounts()
	s.formed(s.m)
}

func (s *simulation) formEvents() (events []report.Event) {
	for range 1 + s.rnd.IntN(3) {
		e := formEvent(formTypes[s.rnd.IntN(len(formTypes))], s.rnd.IntN(5), 1+s.rnd.IntN(9))
		if e.Seen = s.now.UnixNano(); s.rnd.IntN(4) == 0 {
			e.Time = s.now.Add(-time.Duration(s.rnd.Int64N(int64([]time.Duration{time.Minute, time.Hour}[s.rnd.IntN(2)])))).UnixNano()
		}
		events = append(events, e)
	}
	return events
}

// decidesForms opens the gate, releases one hold, or approves what is not proven. It may
// be too late for that.
func (s *simulation) decidesForms() {
	v := s.gate("forms")
	d := entry.Decision{Do: entry.DoOpen, Actor: "alice", Gate: "forms", Reason: "r", Verdict: []string{VerdictReal, VerdictFalse, VerdictTest}[s.rnd.IntN(3)], AsOf: s.index}
	if len(v.Holds) > 0 && s.rnd.IntN(2) == 0 {
		d.Hold = v.Holds[s.rnd.IntN(len(v.Holds))].ID
	}
	for _, e := range s.m.EffectsView() {
		if e.Target == "forms" && e.State == Planned && s.rnd.IntN(2) == 0 {
			d = entry.Decision{Do: entry.DoApprove, Actor: "carol", Effect: e.ID}
			break
		}
	}
	s.both(entry.KindDecision, entry.Marshal(d))
}

// formed counts of which rules alerts were seen, and how many were not proven.
func (s *simulation) formed(m *Machine) {
	for _, a := range m.AlertsView() {
		if a.Group == "forms" {
			s.raisedBy[a.Rule] = true
			if a.unproven() {
				s.raisedBy[a.Rule+"?"] = true
			}
		}
	}
}

// everyForm is a history of rules of each form: some of it proven, some not, some of it
// over because of what came late.
func (r *rig) everyForm() {
	r.t.Helper()
	r.load(withForms(testRules))
	if r.m.Recounter() != nil {
		r.recount(false)
	}
	send := func(kind string, k, n int, ago time.Duration) {
		r.next++
		e := formEvent(kind, k, n)
		e.ID, e.Source, e.Time = fmt.Sprint("form", r.next), "forms", r.now.Add(-ago).UnixNano()
		r.send(e)
	}
	h := r.host("forms")
	h.accepts(formEvent("f.recorded", 9, 1), formEvent("f.moved", 9, 1))
	r.lives(3*time.Second, h)
	for i := range 60 {
		send(formTypes[i*i*7%11%4], i*i%3, 1+i*i%9, time.Duration(i%5*i)*time.Second)
		switch {
		case i%20 < 10:
			r.lives(2*time.Second, h)
		case i%20 == 19:
			h.accepts(formEvent("f.recorded", i%3, 3))
			h.delivers()
		default: // it is not heard
			r.later(9 * time.Second)
			r.tick()
		}
		if r.m.Recounter() != nil {
			r.recount(false)
		}
	}
	send("f.recorded", 7, 1, time.Second)
	send("f.recorded", 7, 9, 0)
	v := r.gate("forms")
	for _, hold := range v.Holds {
		r.json(entry.KindDecision, entry.Decision{Do: entry.DoOpen, Actor: "alice", Gate: "forms", Hold: hold.ID, AsOf: r.index, Reason: "looked", Verdict: VerdictFalse})
	}
	r.lives(2*time.Minute, h)
	raised := map[string]bool{}
	for _, a := range slices.Concat(r.m.Alerts, r.m.Gone) {
		if a.Group == "forms" {
			raised[a.Rule] = true
		}
	}
	if len(raised) < strings.Count(formsGroup, "alert:") {
		r.t.Fatalf("alerts of %v only", raised)
	}
}

package machine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/rules"
)

// simulationRules take two people to open eth, or one after two minutes.
var simulationRules = withForms(strings.Replace(metricTestRules, "- {name: eth}", "- {name: eth, open: {approvals: 2, alone: {after: 2m}}}", 1))

// people is what the simulation knows of the gate eth, which only people close,
// and of the switch.
type people struct {
	holds    int
	newest   int64            // ledger time of the last of them
	agreed   map[string]int64 // ledger time, by person
	offUntil int64            // ledger time

	pairs, singles, pendings, planned int
}

func (s *simulation) isOff() bool { return s.now.UnixNano() < s.offUntil }

// peopleStep lets people decide, at times several at once.
func (s *simulation) peopleStep() {
	for range 1 + s.rnd.IntN(3) {
		s.decides()
	}
}

func (s *simulation) decides() {
	switch s.rnd.IntN(8) {
	case 0, 1:
		s.both(entry.KindDecision, entry.Marshal(entry.Decision{Do: entry.DoClose, Actor: "bob", Gate: "eth", Reason: fmt.Sprint(s.index)}))
		s.holds, s.newest, s.agreed = s.holds+1, s.now.UnixNano(), map[string]int64{}
	case 2:
		d := entry.Decision{Do: entry.DoSwitch, Actor: "bob", Reason: "r", For: time.Duration(1+s.rnd.IntN(9)) * time.Minute}
		s.offUntil = s.now.Add(d.For).UnixNano()
		if s.rnd.IntN(4) == 0 {
			d.On, d.For, s.offUntil = true, 0, 0
		}
		s.both(entry.KindDecision, entry.Marshal(d))
	case 3:
		s.approves()
	default:
		s.opensEth()
	}
}

// opensEth lets somebody open eth, and tells what has to become of it.
func (s *simulation) opensEth() {
	actor := []string{"alice", "bob", "local", "uid:7"}[s.rnd.IntN(4)]
	verdict := []string{"", VerdictReal, VerdictFalse}[s.rnd.IntN(3)]
	now, second := s.now.UnixNano(), false
	for other, at := range s.agreed {
		byName := !strings.Contains(actor+other, "local") && !strings.Contains(actor+other, "uid:")
		second = second || byName && other != actor && now-at < int64(time.Hour)
	}
	var want any
	switch {
	case s.holds == 0:
	case second:
		s.pairs++
	case verdict == VerdictFalse && now-s.newest >= int64(2*time.Minute):
		s.singles++
	default:
		s.agreed[actor] = now
		pending := Pending{Needed: 2}
		for who, at := range s.agreed {
			if now-at < int64(time.Hour) && (who == "alice" || who == "bob") {
				pending.Approvals = 1
			}
		}
		want = pending
		s.pendings++
	}
	got := s.both(entry.KindDecision, entry.Marshal(entry.Decision{Do: entry.DoOpen, Actor: actor, Gate: "eth", Reason: "r", Verdict: verdict}))
	if got != want {
		s.t.Fatalf("entry %d: %s opens with verdict %q: %v, want %v; %d holds since %d, agreed %v", s.index, actor, verdict, got, want, s.holds, s.newest, s.agreed)
	}
	if want == nil {
		s.holds, s.agreed = 0, map[string]int64{}
	}
}

// approves approves the first effect that waits, of an alert that stands.
func (s *simulation) approves() {
	for _, e := range s.m.EffectsView() {
		if e.State != Planned || e.Mode != rules.Approve || e.Target == "forms" || s.m.over(&e) {
			continue
		}
		asks := slices.DeleteFunc(s.m.AlertsView(), func(a Alert) bool { return !slices.Contains(a.Effects, e.ID) })
		if out := s.both(entry.KindDecision, entry.Marshal(entry.Decision{Do: entry.DoApprove, Actor: "carol", Effect: e.ID})); out != nil {
			// Its alert may end in this very entry, but not before it.
			s.t.Fatalf("entry %d: approve %+v: %v", s.index, e, out)
		}
		for _, a := range asks {
			if b := s.believed[Text(a.Labels)]; b != nil {
				b.closed = true
			}
		}
		s.planned++
		return
	}
}

// checkPeople compares what the machine says with what was decided.
func (s *simulation) checkPeople() {
	s.t.Helper()
	_, _, ledger := s.m.At() // nothing happens by itself between two entries
	now := ledger.UnixNano()
	isOff := now < s.offUntil
	var closed, want, agreed []string
	wanted, off := 0, 0
	for _, a := range s.m.AlertsView() {
		switch a.Rule {
		case gateClosed:
			closed = append(closed, a.Label("gate"))
		case approvalWanted:
			wanted++
		case automaticOff:
			off++
		}
	}
	gates, _ := s.m.GatesView()
	for _, g := range gates {
		if slices.ContainsFunc(g.Holds, func(h Hold) bool { return h.Cause != ByParent && h.Match == nil }) {
			want = append(want, g.Name)
		}
	}
	if slices.Sort(closed); !slices.Equal(closed, want) {
		s.t.Fatalf("entry %d: said to be closed %v, are %v", s.index, closed, want)
	}
	for actor, at := range s.agreed {
		if now-at < int64(time.Hour) {
			agreed = append(agreed, actor)
		}
	}
	slices.Sort(agreed)
	var have []string
	for _, a := range s.gate("eth").Approvals {
		have = append(have, a.Actor)
	}
	if slices.Sort(have); !slices.Equal(have, agreed) || (wanted == 1) != (len(agreed) > 0) {
		s.t.Fatalf("entry %d: agreed %v, want %v; %d alerts", s.index, have, agreed, wanted)
	}
	if v := s.gate("eth"); v.Closers != s.holds || v.Closed != (s.holds > 0) {
		s.t.Fatalf("entry %d: %+v, want %d holds", s.index, v, s.holds)
	}
	if got := s.m.AutomaticView(); got.Off != isOff || (off == 1) != isOff || got.Off && s.m.Due() > got.Until {
		s.t.Fatalf("entry %d: the switch %+v, off until %d, %d alerts, due %d", s.index, got, s.offUntil, off, s.m.Due())
	}
}

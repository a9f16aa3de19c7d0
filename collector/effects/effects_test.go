package effects

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

const length = 30 * time.Second

func gate(lease time.Duration, keep bool) machine.GateView {
	return machine.GateView{Gate: machine.Gate{Name: "g", Lease: lease, KeepUnreachable: keep}}
}

func told(gates ...machine.GateView) []machine.GateView { return gates }

func TestConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLeases(nil)
		want := func(know, open int, sure bool) {
			t.Helper()
			k, o := l.Confirmed(5, "g")
			if s := l.Sure(5, gate(length, false).Gate, nil); k != know || o != open || s != sure {
				t.Errorf("know %d, open %d, sure %v; want %d, %d, %v", k, o, s, know, open, sure)
			}
		}
		want(0, 0, false)
		l.Asked("a", 4)
		l.Told("a", told(gate(length, false)))
		want(0, 1, false)
		time.Sleep(length)
		want(0, 0, true) // its lease has run out
		l.Asked("a", 4)
		l.Told("a", told(gate(length, false)))
		l.Asked("b", 5)
		l.Told("b", told(gate(length, false)))
		want(1, 1, true)
		l.Asked("a", 6)
		want(2, 0, true)
	})
}

// TestOpenCopies has an agent that never confirms, and asks how long its copy
// of the gate g may let payments pass.
func TestOpenCopies(t *testing.T) {
	below := machine.GateView{Gate: machine.Gate{Name: "g/a", Lease: time.Minute}}
	beside := machine.GateView{Gate: machine.Gate{Name: "ga", Lease: time.Hour, KeepUnreachable: true}}
	for _, c := range []struct {
		name string
		told [][]machine.GateView
		open map[time.Duration]int
	}{
		{"one lease", [][]machine.GateView{told(gate(length, false))}, map[time.Duration]int{length - 1: 1, length: 0}},
		{"the lease became shorter", [][]machine.GateView{told(gate(time.Hour, false)), told(gate(time.Second, false))}, map[time.Duration]int{time.Minute: 1, time.Hour: 0}},
		{"kept for ever", [][]machine.GateView{told(gate(length, true))}, map[time.Duration]int{time.Minute: 1, 1000 * time.Hour: 1}},
		{"kept once", [][]machine.GateView{told(gate(length, true)), told(gate(length, false))}, map[time.Duration]int{1000 * time.Hour: 1}},
		{"a gate below", [][]machine.GateView{told(gate(length, false), below)}, map[time.Duration]int{length: 1, time.Minute: 0}},
		{"a gate beside", [][]machine.GateView{told(gate(length, false), beside)}, map[time.Duration]int{length: 0}},
	} {
		for wait, open := range c.open {
			synctest.Test(t, func(t *testing.T) {
				l := NewLeases(nil)
				for _, gates := range c.told {
					l.Told("a", gates)
				}
				time.Sleep(wait)
				l.Told("other", nil)
				if _, o := l.Confirmed(5, "g"); o != open {
					t.Errorf("%s, after %s: %d open, want %d", c.name, wait, o, open)
				}
			})
		}
	}
}

// TestSure is what is not known after a start.
func TestSure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLeases([]machine.Gate{gate(time.Hour, false).Gate})
		time.Sleep(time.Hour - 1)
		if l.Sure(5, gate(time.Second, false).Gate, nil) {
			t.Error("sure while a lease from before the start may run")
		}
		time.Sleep(time.Nanosecond)
		if !l.Sure(5, gate(time.Second, false).Gate, []string{"silent"}) {
			t.Error("not sure after every lease has run out")
		}
		if l.Sure(5, gate(time.Second, true).Gate, []string{"silent"}) {
			t.Error("sure of a kept copy whose agent was never heard from")
		}
		l.Asked("silent", 4)
		if l.Sure(5, gate(time.Second, true).Gate, []string{"silent"}) {
			t.Error("sure of a kept copy whose agent has not confirmed and was told nothing")
		}
		l.Told("silent", told(gate(time.Second, true)))
		if !l.Sure(5, gate(time.Second, true).Gate, []string{"silent"}) {
			t.Error("not sure though every agent was heard from")
		}
	})
}

// TestKeptBefore is a gate that was kept until the start, and is not any more:
// agents may still hold the copy that they were told to keep.
func TestKeptBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLeases([]machine.Gate{gate(time.Second, true).Gate})
		time.Sleep(time.Hour)
		if l.Sure(5, gate(time.Second, false).Gate, []string{"silent"}) {
			t.Error("sure of a copy that was kept before the start")
		}
		l.Asked("silent", 5)
		if !l.Sure(5, gate(time.Second, false).Gate, []string{"silent"}) {
			t.Error("not sure though its agent has confirmed")
		}
	})
}

// TestLongestLease is what agents were told long before the start, and that the rule
// files no longer say.
func TestLongestLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := machine.Gate{Name: "g", Lease: time.Second, Longest: time.Hour, EverKept: true}
		l := NewLeases([]machine.Gate{g})
		time.Sleep(time.Hour - 1)
		if l.Sure(5, g, nil) {
			t.Error("sure while a lease of before may run")
		}
		time.Sleep(time.Nanosecond)
		if !l.Sure(5, g, nil) || l.Sure(5, g, []string{"silent"}) {
			t.Error("not sure after every lease, or sure of a copy that was once kept")
		}
	})
}

// TestManyAgents bounds what is remembered, and says nothing is sure then.
func TestManyAgents(t *testing.T) {
	l := NewLeases(nil)
	for i := range maxAgents {
		l.Told(strconv.Itoa(i), told(gate(length, true)))
	}
	if !l.Sure(5, gate(0, false).Gate, nil) {
		t.Error("not sure though all are remembered")
	}
	l.Told("one more", told(gate(length, true)))
	if l.Sure(5, gate(0, false).Gate, nil) || len(l.agents) != maxAgents {
		t.Errorf("sure with %d agents remembered and one not", len(l.agents))
	}
}

// state is one effect on one gate.
type state struct{ effect machine.Effect }

func (s *state) Unverified() []machine.Effect {
	if s.effect.State != machine.Applied {
		return nil
	}
	return []machine.Effect{s.effect}
}

func (s *state) Gate(string) (machine.Gate, bool) { return gate(length, false).Gate, true }

func (s *state) SpoolsView() []machine.Spool { return nil }

func TestVerifier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &state{machine.Effect{ID: "e1", Target: "g", State: machine.Applied, Epoch: 5}}
		l := NewLeases(nil)
		var texts []string
		fails := 1
		v := &Verifier{State: s, Leases: l, Submit: func(_ context.Context, r entry.Result) error {
			if fails > 0 {
				fails--
				return errors.New("unknown")
			}
			texts = append(texts, r.Said.String())
			s.effect.State = machine.EffectState(r.State)
			return nil
		}}
		done := make(chan struct{})
		go func() { v.Run(ctx); close(done) }()
		time.Sleep(length - time.Second)
		l.Asked("late", 4)
		l.Told("late", told(gate(length, false)))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(texts) != 0 {
			t.Fatalf("verified while an agent may not know: %v", texts)
		}
		l.Asked("late", 5)
		time.Sleep(time.Second)
		synctest.Wait()
		if len(texts) != 1 || s.effect.State != machine.Verified {
			t.Errorf("results %v, after one that failed; effect %+v", texts, s.effect)
		}
		cancel()
		<-done
	})
}

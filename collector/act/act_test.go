package act

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tomeishi/tomeishi/collector/machine"
)

const length = 30 * time.Second

func TestConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLeases()
		want := func(know, open int, sure bool) {
			t.Helper()
			if k, o, s := l.Confirmed(5, length); k != know || o != open || s != sure {
				t.Errorf("know %d, open %d, sure %v; want %d, %d, %v", k, o, s, know, open, sure)
			}
		}
		want(0, 0, false)
		l.Asked("a", 4)
		l.Told("a")
		want(0, 1, false)
		time.Sleep(length)
		want(0, 0, true) // its lease has run out
		l.Asked("a", 4)
		l.Told("a")
		l.Asked("b", 5)
		l.Told("b")
		want(1, 1, true)
		l.Asked("a", 6)
		want(2, 0, true)
	})
}

// state is one effect on one gate.
type state struct{ effect machine.Effect }

func (s *state) Unverified() []machine.Effect {
	if s.effect.State != machine.Applied {
		return nil
	}
	return []machine.Effect{s.effect}
}

func (s *state) GateView(string) (machine.GateView, bool) {
	return machine.GateView{Gate: machine.Gate{Name: "g", Lease: length}}, true
}

func TestVerifier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &state{machine.Effect{ID: "e1", Target: "g", State: machine.Applied, Epoch: 5}}
		l := NewLeases()
		var texts []string
		fails := 1
		v := &Verifier{State: s, Leases: l, Submit: func(_ context.Context, r machine.Result) error {
			if fails > 0 {
				fails--
				return errors.New("unknown")
			}
			texts = append(texts, r.Text)
			s.effect.State = r.State
			return nil
		}}
		done := make(chan struct{})
		go func() { v.Run(ctx); close(done) }()
		time.Sleep(length - time.Second)
		l.Asked("late", 4)
		l.Told("late")
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

package reconcile

import (
	"cmp"
	"slices"
	"testing"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// A wait is what is owed of a key, as the machine notes it.
type wait struct {
	key      int64
	first    window.Ref
	from, to int64
}

func (w *world) owe(e arrived) {
	reach := w.s.(form.Recounter).Reach()
	from, to := e.time-reach, e.time+reach
	for _, o := range w.waiting {
		if o.key == e.key && from <= o.to && o.from <= to {
			o.from, o.to = min(o.from, from), max(o.to, to)
			return
		}
	}
	w.waiting = append(w.waiting, &wait{e.key, e.ref, from, to})
}

func (w *world) waits(key int64) bool {
	return slices.ContainsFunc(w.waiting, func(o *wait) bool { return o.key == key })
}

// recount gives the state what the tape holds of all that waits.
func (w *world) recount() {
	for _, o := range w.waiting {
		s := w.s.(form.Recounter)
		held := s.Held(w.key(o.key))
		var back []form.Back
		for _, e := range w.all {
			if e.key == o.key && e.time >= o.from && e.time <= o.to && !slices.Contains(held, e.ref) {
				back = append(back, form.Back{Source: e.side, Entry: window.Entry{Time: e.time, Ref: e.ref}})
			}
		}
		say := form.Say{Text: []byte{byte(o.key)}}
		if n := s.Recount(w.now, w.key(o.key), back, o.first, &say); n != len(back) || say.Wake == 0 {
			w.fatalf("recounted %d of %d: %+v", n, len(back), say)
		}
		w.saw.recounts++
	}
	w.waiting = nil
}

// TestLate sends events that are late by any amount. Until the tape was read nothing is
// certain that they may have changed; then all is as if nothing had ever been forgotten.
func TestLate(t *testing.T) {
	t.Parallel()
	for name, sides := range asked {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var recounts, proven, unknown int
			for seed := range *histories {
				w := newWorld(t, ruleOf(sides, seed%2 == 0), seed, 25, true)
				for i := range w.future {
					if w.rnd.IntN(12) == 0 {
						w.future[i].unheard = true
						w.future[i].came += w.rnd.Int64N(300) * tick
					}
				}
				slices.SortStableFunc(w.future, func(a, b arrived) int { return cmp.Compare(a.came, b.came) })
				for i := range w.future {
					w.future[i].ref = window.MakeRef(uint64(i+1), 0)
				}
				w.live(func() {
					if w.rnd.IntN(3) == 0 || len(w.future) == 0 || w.future[0].came > w.now+5*tick {
						w.recount()
					}
					w.expire()
					if w.rnd.IntN(10) == 0 {
						w.restart()
					}
				})
				recounts, proven, unknown = recounts+w.saw.recounts, proven+w.saw.proven, unknown+w.saw.unknown
			}
			if min(recounts, proven, unknown) < 20 {
				t.Errorf("this shows little: %d recounts, %d proven, %d unknown", recounts, proven, unknown)
			}
		})
	}
}

// TestFill gives a new rule what came before it: what was over then stands for what was
// true, without being a reason to act; what was under way goes on.
func TestFill(t *testing.T) {
	r := ruleOf([2]bool{true, false}, false)
	s, live := r.State().(*state), int64(1e18)/tick*tick
	at := func(n int64) int64 { return live + n*tick }
	key, text := window.Key{1, 2}, []byte("key")
	s.Forget(live, 100, live)
	event := func(side int, n int64, ref int) {
		var say form.Say
		s.Add(at(n), &form.Event{Hit: &match.Hit{Source: side, Key: text}, Time: at(n), Ref: window.MakeRef(100+uint64(ref), 0), Key: key}, &say)
		if n <= 6 && !say.Recount {
			t.Errorf("at %d: it is not said that its partner may not be known", n)
		}
	}
	event(first, 5, 1)  // its partner came before the rule
	event(second, 9, 2) // of what came before
	var back []form.Back
	for i, e := range []arrived{{side: first, time: -30}, {side: first, time: -20}, {side: second, time: -18}, {side: first, time: 0}, {side: first, time: 3}, {side: second, time: 0}} {
		back = append(back, form.Back{Source: e.side, Entry: window.Entry{Time: at(e.time), Ref: window.MakeRef(uint64(i+1), 0)}})
	}
	say := form.Say{Text: text}
	if n := s.Recount(at(10), key, back, window.MakeRef(100, 0), &say); n != len(back) {
		t.Fatalf("%d came back", n)
	}
	say.Reset()
	if s.Find(at(10), key, &say); say.Answer != form.True || say.Fresh || !slices.Equal(say.Evidence, []window.Ref{window.MakeRef(1, 0)}) {
		t.Errorf("before the rule: %+v", say)
	}
	s.Forget(at(10), 110, live-int64(r.Horizon()))
	said := map[window.Ref]bool{}
	for say.Reset(); s.Expire(form.Clock{Now: at(20), Heard: []int64{at(20), at(20)}}, &say); say.Reset() {
		for _, ref := range say.Evidence {
			said[ref] = true
		}
		if say.Uncertain || string(say.Text) != "key" {
			t.Errorf("said %+v", say)
		}
	}
	if len(said) != 2 || !said[window.MakeRef(101, 0)] {
		t.Errorf("after the rule: %v, want what came before it, and the event of 5, which came last of three", said)
	}
}

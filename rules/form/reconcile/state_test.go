package reconcile

import (
	"bytes"
	"cmp"
	"flag"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

var histories = flag.Uint64("histories", 80, "how many histories of each kind are compared with the oracle")

// tick is the unit of times in these tests: whole grains, about a second.
const tick = int64(1000 << 20)

func ticks(n int64) time.Duration { return time.Duration(n * tick) }

// arrived is an event as the oracle keeps it: for good.
type arrived struct {
	side       int
	key        int64
	time, came int64
	ref        window.Ref
	unheard    bool // nobody knew that it would come
}

// alone is the oracle: which events of a key have no partner, of all that have arrived.
func alone(r *rule, all []arrived, key int64) (out []arrived) {
	by := slices.DeleteFunc(slices.Clone(all), func(e arrived) bool { return e.key != key })
	slices.SortFunc(by, func(a, b arrived) int { return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.ref, b.ref)) })
	type use struct{ event, side int }
	used := map[use]bool{}
	pair := func(a, b int, from, to time.Duration) {
		for i, e := range by {
			for j, p := range by {
				it, other := use{i, a}, use{j, b}
				if b == except {
					other = use{j, a}
				}
				if apart := p.time - e.time; e.side == a && p.side == b && !used[it] && !used[other] && apart >= int64(from) && apart <= int64(to) {
					used[it], used[other] = true, true
				}
			}
		}
	}
	pair(first, second, -r.settle, r.settle)
	pair(first, except, -r.within, r.within)
	pair(second, except, -r.within, r.within)
	switch {
	case r.asked[first] && r.asked[second]:
		pair(first, second, -r.within, r.within)
	case r.asked[first]:
		pair(first, second, 1, r.within)
	default:
		pair(second, first, 1, r.within)
	}
	for i, e := range by {
		if e.side != except && r.asked[e.side] && !used[use{i, e.side}] {
			out = append(out, e)
		}
	}
	return out
}

// A world is a history of events, and what a state says of them.
type world struct {
	t        *testing.T
	seed     uint64 // of the history
	r        *rule
	rnd      *rand.Rand
	future   []arrived // by when they come
	all      []arrived
	s        form.State
	now      int64
	heard    []int64
	told     map[window.Ref]bool // and whether it was proven
	accepted map[window.Ref]bool
	lonely   map[int64][]arrived // by key: what the oracle says
	waiting  []*wait             // for a recount
	saw      struct{ proven, unknown, upgraded, cured, withdrawn, recounts int }
}

func (w *world) fatalf(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("history %d: "+format, append([]any{w.seed}, args...)...)
}

func ruleOf(asked [2]bool, excepts bool) *rule {
	r := &rule{
		sources: make([]match.Source, 2), names: [2]string{"a", "b"}, asked: asked,
		settle: ticks(6), within: ticks(30), grace: ticks(4), lateness: ticks(25), spare: ticks(25),
	}
	if excepts {
		r.sources = make([]match.Source, 3)
	}
	return r
}

// newWorld makes a history: what belongs together comes within a time, most of it in time;
// some comes twice, or not at all.
func newWorld(t *testing.T, r *rule, seed uint64, lateness int64, pause bool) *world {
	w := &world{t: t, seed: seed, r: r, rnd: rand.New(rand.NewPCG(seed, 7)), s: r.State(), lonely: map[int64][]arrived{}, told: map[window.Ref]bool{}, accepted: map[window.Ref]bool{}}
	w.heard = make([]int64, len(r.sources))
	start := int64(1e18) / tick * tick
	add := func(side int, key, at int64) {
		delay := w.rnd.Int64N(4) - 1
		if w.rnd.IntN(6) == 0 {
			delay = w.rnd.Int64N(lateness)
		}
		w.future = append(w.future, arrived{side: side, key: key, time: at, came: max(at+delay*tick, start)})
	}
	step, most := int64(12), start+100*tick
	if pause {
		step, most = 1, start+400*tick
	}
	for at := start; at < most; at += w.rnd.Int64N(step) * tick {
		key := w.rnd.Int64N(2)
		if pause && w.rnd.IntN(5) == 0 {
			at += 60 * tick
		}
		for side := range r.sources {
			for n := [...]int{0, 1, 1, 1, 1, 1, 1, 2}[w.rnd.IntN(8)]; n > 0; n-- {
				if side == except && w.rnd.IntN(3) > 0 {
					continue
				}
				lag := w.rnd.Int64N(5)
				if w.rnd.IntN(5) == 0 {
					lag = w.rnd.Int64N(20)
				}
				add(side, key, at+lag*tick)
			}
		}
	}
	slices.SortStableFunc(w.future, func(a, b arrived) int { return cmp.Compare(a.came, b.came) })
	for i := range w.future {
		w.future[i].ref = window.MakeRef(uint64(i+1), 0)
	}
	w.now = start
	return w
}

// hear raises up to when all has come, honestly.
func (w *world) hear() {
	for source := range w.heard {
		most := w.now
		for _, e := range w.future {
			if e.side == source && !e.unheard {
				most = min(most, e.time-1)
			}
		}
		if w.rnd.IntN(3) == 0 && most > w.heard[source] {
			w.heard[source] = most - w.rnd.Int64N(2)*w.rnd.Int64N(min(20*tick, most-w.heard[source]))
		}
	}
}

func (w *world) clock() form.Clock { return form.Clock{Now: w.now, Heard: w.heard} }

// want is what must have been told of a key, and whether it is proven.
func (w *world) want(key int64) map[window.Ref]bool {
	out := map[window.Ref]bool{}
	heard := w.r.heard(w.clock())
	for _, e := range w.lonely[key] {
		it := item{time: e.time}
		if w.r.deadline(&it) <= e.came {
			it.came = e.came
		}
		if sure := w.r.deadline(&it) <= heard; sure || w.now >= w.r.patience(&it) {
			out[e.ref] = sure
		}
	}
	return out
}

func (w *world) key(key int64) window.Key { return window.Key{uint64(key) * 0x9e3779b97f4a7c15, 7} }

func (w *world) add(e arrived) {
	w.all = append(w.all, e)
	w.lonely[e.key] = alone(w.r, w.all, e.key)
	ev := &form.Event{Behavior: form.LateCounts, Hit: &match.Hit{Source: e.side, Key: []byte{byte(e.key)}}, Time: e.time, Ref: e.ref, Key: w.key(e.key)}
	var say form.Say
	w.s.Add(w.now, ev, &say)
	if say.Answer != form.Untrue {
		w.fatalf("an event says %+v", say)
	}
	if say.Recount {
		w.owe(e)
	}
	if say.Withdrawn {
		w.saw.withdrawn++
	}
	if due := w.s.Due(w.clock()); due != 0 && (say.Wake == 0 || say.Wake > max(due, w.now)) {
		w.fatalf("due at %d, and nobody is told to look before %d", due, say.Wake)
	}
}

// expire hears all that is due, and compares it with what must be told.
func (w *world) expire() {
	said := map[window.Ref]bool{}
	want := map[int64]map[window.Ref]bool{0: w.want(0), 1: w.want(1)}
	var say form.Say
	due := w.s.Due(w.clock())
	for n := 0; w.s.Expire(w.clock(), &say); n++ {
		if say.Answer != form.True || due == 0 || due > w.now || n > 50 {
			w.fatalf("due at %d, said at %d: %+v", due, w.now, say)
		}
		if len(say.Text) != 1 || w.key(int64(say.Text[0])) != say.Key {
			w.fatalf("said %+v", say)
		}
		fresh, sure, sureFresh := false, false, false
		for _, ref := range say.Evidence {
			said[ref] = true
			proven := want[int64(say.Text[0])][ref]
			sure, fresh, sureFresh = sure || proven, fresh || !w.accepted[ref], sureFresh || proven && !w.accepted[ref]
		}
		if fresh {
			sure = sureFresh
		}
		if waits := w.waits(int64(say.Text[0])); say.Total != len(say.Evidence) || fresh != say.Fresh || !waits && say.Uncertain == sure {
			w.fatalf("said %+v, fresh %v, sure %v", say, fresh, sure)
		}
		say.Reset()
	}
	for key := range int64(2) {
		w.compare(key, want[key], said)
	}
	if len(said) > 0 {
		w.fatalf("told of what has a partner, or of what is not due: %v", said)
	}
}

// compare holds what was said of a key against what must be told of it.
func (w *world) compare(key int64, want, said map[window.Ref]bool) {
	if w.waits(key) {
		w.doubts(key, said)
		return
	}
	for _, e := range w.all {
		sure, is := want[e.ref]
		proven, was := w.told[e.ref]
		if e.key != key {
			continue
		}
		now := said[e.ref]
		delete(said, e.ref)
		switch {
		case !is && now:
			w.fatalf("told of %+v, which has a partner or is not due", e)
		case !is && was:
			delete(w.told, e.ref)
			w.saw.cured++
		case !is:
		case !was && !now, sure && !proven && !now:
			w.fatalf("at %d: not told of %+v: deadline %d, was %v %v, sure %v", w.now, e, e.time+int64(w.r.settle), was, proven, sure)
		case !was && sure:
			w.saw.proven++
		case !was:
			w.saw.unknown++
		case sure && !proven:
			w.saw.upgraded++
		}
		if is {
			w.told[e.ref] = sure
		}
	}
	var say form.Say
	w.s.Ask(w.now, w.key(key), &say)
	if say.Answer == form.True && len(want) == 0 || say.Answer != form.True && len(want) > 0 {
		w.fatalf("asked, it is %v; must be told: %v", say.Answer, want)
	}
	if say.Answer == form.True && (say.Total != len(want) || say.Due <= w.now) {
		w.fatalf("asked, there are %d; must be told: %v", say.Total, want)
	}
}

// doubts notes what was said of a key that waits for a recount.
func (w *world) doubts(key int64, said map[window.Ref]bool) {
	for _, e := range w.all {
		if e.key == key && said[e.ref] {
			delete(said, e.ref)
			if _, was := w.told[e.ref]; !was {
				w.told[e.ref] = false
			}
		}
	}
}

// live lets all come, with looks in between.
func (w *world) live(between func()) {
	for len(w.future) > 0 {
		e := w.future[0]
		if w.rnd.IntN(2) == 0 && e.came > w.now {
			w.now += w.rnd.Int64N((e.came-w.now)/tick+1) * tick
			w.hear()
			w.expire()
		}
		w.future, w.now = w.future[1:], e.came
		w.add(e)
		if w.rnd.IntN(2) == 0 {
			w.hear()
		}
		between()
	}
	for range 20 {
		w.now += 10 * tick
		w.hear()
		w.expire()
	}
}

func (w *world) restart() {
	saved := w.s.Append(nil)
	again, rest, err := w.r.Load(saved)
	if err != nil || len(rest) > 0 || !bytes.Equal(again.Append(nil), saved) {
		w.fatalf("restarted: %v, %d bytes left", err, len(rest))
	}
	w.s = again
}

func (w *world) accept() {
	key, upTo := w.rnd.Int64N(2), uint64(w.rnd.IntN(len(w.all)+1))
	w.s.Accept(w.key(key), upTo)
	var since form.Say
	w.s.Since(w.now, w.key(key), upTo, &since)
	later := 0
	for _, e := range w.all {
		if _, told := w.told[e.ref]; !told || e.key != key {
			continue
		}
		if e.ref.Index() <= upTo {
			w.accepted[e.ref] = true
		} else if !w.accepted[e.ref] {
			later++
		}
	}
	if since.Total != later || (since.Answer == form.True) != (later > 0) {
		w.fatalf("since %d: %+v, want %d", upTo, since, later)
	}
}

var asked = map[string][2]bool{"a > b": {true, false}, "b > a": {false, true}, "a != b": {true, true}}

// TestExact compares what a state says with the oracle, at every event and in between:
// nothing missed, nothing told that is not so, and proven when it is. Events come in any
// order, late by up to what they may be; the state is restarted in between, and forgets
// what it keeps no longer.
func TestExact(t *testing.T) {
	t.Parallel()
	for name, sides := range asked {
		for _, excepts := range []bool{false, true} {
			if excepts {
				name += " except"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				var all world
				for seed := range *histories {
					w := newWorld(t, ruleOf(sides, excepts), seed, 25, false)
					w.live(func() {
						w.expire()
						if w.rnd.IntN(10) == 0 {
							w.restart()
						}
						if w.rnd.IntN(10) == 0 {
							w.accept()
						}
					})
					if len(w.waiting) > 0 {
						t.Fatalf("seed %d: a recount is wanted", seed)
					}
					all.saw.proven += w.saw.proven
					all.saw.unknown += w.saw.unknown
					all.saw.upgraded += w.saw.upgraded
					all.saw.cured += w.saw.cured
					all.saw.withdrawn += w.saw.withdrawn
				}
				if min(all.saw.proven, all.saw.unknown, all.saw.upgraded, all.saw.cured, all.saw.withdrawn) < 20 {
					t.Errorf("this shows little: %+v", all.saw)
				}
				t.Logf("%+v", all.saw)
			})
		}
	}
}

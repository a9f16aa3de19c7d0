package formtest

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/rules/decimal"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// Suite sees what must hold of the state of any rule, with events of a few keys
// at random, some of them late: that what was saved and loaded goes on as what
// was not, in what it says and byte for byte; that Due is never later than what
// Expire says, however much was heard; and that what is damaged is refused or sound.
func Suite(t *testing.T, r form.Rule) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(3, 9))
	a := r.State()
	now := int64(1e18)
	hears, heard := rand.New(rand.NewPCG(4, 9)), make([]int64, len(r.Sources()))
	for round := range 300 {
		saved := a.Append(nil)
		b, rest, err := r.Load(append(saved, "rest"...))
		if err != nil || string(rest) != "rest" {
			t.Fatalf("round %d: load: %v, rest %q", round, err, rest)
		}
		now += rnd.Int64N(int64(r.Horizon()) / 3)
		for i := range heard {
			heard[i] = max(heard[i], now-hears.Int64N(2)*hears.Int64N(int64(r.Horizon())))
		}
		c := form.Clock{Now: now, Heard: heard}
		e := event(rnd, r, now)
		if round > 100 {
			e.Behavior = form.LateCounts
		}
		if s, ok := a.(form.Shedder); ok && (round%50 == 49 || s.Shedding()) {
			spared := func(k window.Key) bool { return k[0]%3 == 0 }
			if x, y := s.Shed(now, 500, round%100 == 99, spared), b.(form.Shedder).Shed(now, 500, round%100 == 99, spared); x != y {
				t.Fatalf("round %d: %d and %d keys were shed", round, x, y)
			}
		}
		if diff := cmp.Diff(step(t, a, c, e), step(t, b, c, e)); diff != "" {
			t.Fatalf("round %d (-kept +loaded)\n%s", round, diff)
		}
		if !bytes.Equal(a.Append(nil), b.Append(nil)) {
			t.Fatalf("round %d: what was loaded went on with other bytes", round)
		}
		if a.Keys() != b.Keys() || a.Due(c) != b.Due(c) || a.Keys() > 5 || a.Keys() > 0 && a.Bytes() == 0 {
			t.Fatalf("round %d: %d and %d keys, due at %d and %d", round, a.Keys(), b.Keys(), a.Due(c), b.Due(c))
		}
		a = b
	}
	saved := a.Append(nil)
	for n := range min(len(saved), 4096) {
		if _, _, err := r.Load(saved[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes load", n, len(saved))
		}
	}
}

// event makes one of the rule's events.
func event(rnd *rand.Rand, r form.Rule, now int64) *form.Event {
	sources := r.Sources()
	e := &form.Event{
		Behavior: form.LateCounts - 1,

		Hit:  &match.Hit{Source: rnd.IntN(len(sources))},
		Time: now - rnd.Int64N(2)*rnd.Int64N(int64(r.Horizon())),
		Ref:  window.MakeRef(uint64(now)>>20, rnd.IntN(9)),
	}
	text := strconv.Itoa(rnd.IntN(5))
	e.Hit.Key, e.Key = append([]byte{0, 0, 0, 1}, text...), window.Key{uint64(text[0]) * 0x9e3779b97f4a7c15, 7}
	distinct, nums := sources[e.Hit.Source].Columns()
	for range distinct {
		v := byte(rnd.IntN(3))
		e.Hit.Distinct, e.Distinct = append(e.Hit.Distinct, []byte{0, 0, 0, 1, v}), append(e.Distinct, window.Key{uint64(v), 1})
	}
	for range nums {
		e.Hit.Nums = append(e.Hit.Nums, decimal.FromInt(rnd.Int64N(100)-20))
	}
	return e
}

// step is all that a state says of an event and of its time.
func step(t *testing.T, s form.State, clock form.Clock, e *form.Event) (said []form.Say) {
	t.Helper()
	now := clock.Now
	collect := func(say *form.Say) {
		c := *say
		c.Evidence = append([]window.Ref(nil), say.Evidence...)
		c.Text = append([]byte(nil), say.Text...)
		said = append(said, c)
		if len(c.Evidence) > form.MaxEvidence || c.Answer == form.True && (c.Value == "" || c.Total == 0 || c.Due <= now) {
			t.Fatalf("at %s: incomplete: %+v", time.Unix(0, now), c)
		}
	}
	var say form.Say
	due := s.Due(clock)
	for n := 0; s.Expire(clock, &say); n++ {
		if due == 0 || due > now || n > 100 {
			t.Fatalf("due at %d, but something is said at %d", due, now)
		}
		collect(&say)
		say.Reset()
	}
	say.Reset()
	before := s.Due(clock)
	s.Add(now, e, &say)
	collect(&say)
	if due := s.Due(clock); due != 0 && (before == 0 || due < before) && (say.Wake == 0 || say.Wake > max(due, now)) {
		t.Fatal("an event made something due, and nobody is told when")
	}
	say.Reset()
	s.Ask(now, e.Key, &say)
	collect(&say)
	if say.Answer == form.True && !say.Withdrawn {
		s.Accept(e.Key, e.Ref.Index())
	}
	return said
}

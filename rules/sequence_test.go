package rules

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

const sequenceFor = int64(10e9)

// A came is an event as the oracle keeps it: for good.
type came struct {
	kind      byte
	key, time int64
	ref       window.Ref
	accepted  bool
}

// sequences calls see with each choice of events, in their order, that are the steps,
// until it returns true. "a!ba" is a, no b, a.
func sequences(all []came, steps string, fresh bool, see func(chosen []came) bool) bool {
	var choose func(steps string, from int, chosen []came) bool
	choose = func(steps string, from int, chosen []came) bool {
		if steps == "" {
			return see(chosen)
		}
		not := ""
		for ; steps[0] == '!'; steps = steps[2:] {
			not += steps[1:2]
		}
		for i := from; i < len(all); i++ {
			e := all[i]
			if e.kind == steps[0] && !(fresh && e.accepted) && (len(chosen) == 0 || e.time-chosen[0].time <= sequenceFor) &&
				choose(steps[1:], i+1, append(slices.Clip(chosen), e)) {
				return true
			}
			if strings.IndexByte(not, e.kind) >= 0 {
				return false
			}
		}
		return false
	}
	return choose(steps, 0, nil)
}

type sequenceRun struct {
	t       *testing.T
	rnd     *rand.Rand
	steps   string
	forgets bool
	body    form.Rule
	state   form.State
	now     int64
	n       uint64
	all     []came
	seen    map[string]int
}

// of are the events of a key in their order.
func (r *sequenceRun) of(key int64) (out []came) {
	for _, e := range r.all {
		if e.key == key {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b came) int { return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.ref, b.ref)) })
	return out
}

func among(chosen []came, ref window.Ref) bool {
	return slices.ContainsFunc(chosen, func(e came) bool { return e.ref == ref })
}

// ends is how many events end a sequence in the hour up to a time.
func (r *sequenceRun) ends(key, end int64) (n int) {
	last := map[window.Ref]bool{}
	sequences(r.of(key), r.steps, false, func(chosen []came) bool {
		if e := chosen[len(chosen)-1]; e.time <= end && e.time > end-int64(time.Hour) {
			last[e.ref] = true
		}
		return false
	})
	return len(last)
}

// add gives the rule an event, as often as it has sources of its type.
func (r *sequenceRun) add(e came) {
	r.n++
	e.ref = window.MakeRef(r.n, 3)
	r.all = append(r.all, e)
	var say, last form.Say
	is, fresh, recount := false, false, false
	for i, s := range r.body.Sources() {
		if s.Event != string(e.kind) {
			continue
		}
		say.Reset()
		hit := &match.Hit{Source: i, Key: textOf(e.key)}
		r.state.Add(r.now, &form.Event{Behavior: form.LateCounts, Hit: hit, Time: e.time, Ref: e.ref, Key: keyOf(e.key)}, &say)
		recount = recount || say.Recount
		if say.Answer == form.True {
			is, fresh = true, fresh || say.Fresh
			last = say
			last.Evidence = slices.Clone(say.Evidence)
		}
	}
	if is && !recount {
		r.sound(&last, e)
	}
	of := r.of(e.key)
	want := sequences(of, r.steps, false, func(chosen []came) bool { return among(chosen, e.ref) })
	wantFresh := sequences(of, r.steps, true, func(chosen []came) bool { return among(chosen, e.ref) })
	r.seen["add"+yesNo[want]]++
	if recount {
		r.recount(e, is, want)
		return
	}
	if is != want || fresh != wantFresh {
		r.t.Fatalf("event %d: true %v and fresh %v, want %v and %v: %+v", r.n, is, fresh, want, wantFresh, of)
	}
}

// sound holds what is said to be true, of all roles of an event, against the events.
func (r *sequenceRun) sound(say *form.Say, e came) {
	of, end := r.of(e.key), int64(0)
	sequences(of, r.steps, false, func(chosen []came) bool {
		if among(chosen, e.ref) {
			end = max(end, chosen[len(chosen)-1].time)
		}
		return false
	})
	ok := sequences(of, r.steps, false, func(chosen []came) bool {
		return slices.EqualFunc(chosen, say.Evidence, func(e came, ref window.Ref) bool { return e.ref == ref }) && chosen[0].time == say.Since
	})
	last := of[slices.IndexFunc(of, func(o came) bool { return o.ref == say.Evidence[len(say.Evidence)-1] })]
	if want := fmt.Sprint(r.ends(e.key, last.time)); !ok || last.time != end || !slices.Contains(say.Evidence, e.ref) || !r.forgets && say.Value != want {
		r.t.Fatalf("event %d: %+v, want %s, of %+v", r.n, say, want, of)
	}
}

// recount gives the rule what the tape holds around an event.
func (r *sequenceRun) recount(e came, is, want bool) {
	state := r.state.(form.Recounter)
	held := state.Held(keyOf(e.key))
	var back []form.Back
	for i, s := range r.body.Sources() {
		for _, o := range r.of(e.key) {
			if s.Event == string(o.kind) && max(o.time-e.time, e.time-o.time) <= state.Reach() && !slices.Contains(held, o.ref) {
				back = append(back, form.Back{Source: i, Entry: window.Entry{Time: o.time, Ref: o.ref}})
			}
		}
	}
	var say form.Say
	n := state.Recount(r.now, keyOf(e.key), back, e.ref, &say)
	found := say.Answer == form.True
	r.seen["recount"+yesNo[found]]++
	if found && !want || want && !found && !is || n > 0 && found != want && !is {
		r.t.Fatalf("event %d: a recount of %d is true %v, and it was %v, want %v", r.n, n, found, is, want)
	}
}

// ask compares what is true now and what has been since an entry.
func (r *sequenceRun) ask() {
	key, after := r.rnd.Int64N(2), r.rnd.Uint64N(r.n+1)
	of := r.of(key)
	var say form.Say
	r.state.Ask(r.now, keyOf(key), &say)
	want := sequences(of, r.steps, false, func(chosen []came) bool {
		return chosen[len(chosen)-1].time > r.now-int64(time.Hour)
	})
	if r.seen["ask"+yesNo[want]]++; want != (say.Answer == form.True) || want && say.Due <= r.now {
		r.t.Fatalf("after event %d, at %d: %+v, want %v: %+v", r.n, r.now, say, want, of)
	}
	say.Reset()
	r.state.Since(r.now, keyOf(key), after, &say)
	want = sequences(of, r.steps, true, func(chosen []came) bool {
		return slices.ContainsFunc(chosen, func(e came) bool { return e.ref.Index() > after })
	})
	if r.seen["since"+yesNo[want]]++; want != (say.Answer == form.True && say.Fresh) || want && say.Due <= r.now {
		r.t.Fatalf("after event %d, since %d: %+v, want %v: %+v", r.n, after, say, want, of)
	}
}

func (r *sequenceRun) accept() {
	key, upTo := r.rnd.Int64N(2), r.rnd.Uint64N(r.n+1)
	r.state.Accept(keyOf(key), upTo)
	for i := range r.all {
		if e := &r.all[i]; e.key == key && e.ref.Index() <= upTo {
			e.accepted = true
		}
	}
}

func (r *sequenceRun) load() {
	saved := r.state.Append(nil)
	again, rest, err := r.body.Load(saved)
	if err != nil || len(rest) > 0 || !bytes.Equal(again.Append(nil), saved) {
		r.t.Fatalf("load: %v, and %d bytes", err, len(rest))
	}
	r.state = again
}

func (r *sequenceRun) step() {
	const beat = int64(1e9) // so that equal times are common
	kinds := strings.ReplaceAll(r.steps, "!", "")
	r.now += r.rnd.Int64N(4) * beat
	e := came{kind: kinds[r.rnd.IntN(len(kinds))], key: r.rnd.Int64N(2), time: r.now + (2-r.rnd.Int64N(8))*beat}
	switch r.rnd.IntN(10) {
	case 0:
		e.time = r.now - r.rnd.Int64N(40)*beat
	case 1:
		r.now += r.rnd.Int64N(2 * int64(time.Hour))
	case 2:
		if r.forgets {
			e.time = r.now - r.rnd.Int64N(int64(3*time.Hour))/beat*beat
			if len(r.all) > 0 {
				e.time = r.all[r.rnd.IntN(len(r.all))].time + r.rnd.Int64N(4)*beat
			}
		}
	}
	r.add(e)
	if r.forgets {
		return
	}
	r.ask()
	switch r.rnd.IntN(12) {
	case 0:
		r.load()
	case 1:
		r.accept()
	}
}

// TestSequence sends events that are late by any amount, of equal times, or on time,
// and compares what a rule says with each choice of all events that ever came. It is
// restarted in between, and people accept some of it.
func TestSequence(t *testing.T) {
	t.Parallel()
	for _, steps := range []string{"a!ba", "aa", "ab!cd", "aaa", "a!b!cba", "a!bab", "a!aba", "abab!ca"} {
		for _, forgets := range []bool{false, true} {
			t.Run(fmt.Sprint(steps, " ", forgets), func(t *testing.T) {
				t.Parallel()
				lateness := "30d"
				if forgets {
					lateness = "0s"
				}
				body, seen := absenceRule(t, "{alert: A, by: [data.k], within: 10s, lateness: "+lateness+", sequence: "+written(steps)+"}"), map[string]int{}
				for seed := range uint64(250 * *histories) {
					r := &sequenceRun{t: t, rnd: rand.New(rand.NewPCG(seed, 8)), steps: steps, forgets: forgets, body: body, state: body.State(), now: 1e15, seen: seen}
					for range 30 {
						r.step()
					}
				}
				if min(seen["add yes"], seen["add no"]) < 20 || forgets && seen["recount yes"]+seen["recount no"] < 50 || !forgets && min(seen["ask yes"], seen["since yes"]) < 20 {
					t.Errorf("this shows little: %v", seen)
				}
			})
		}
	}
}

// written are steps as a rule file has them.
func written(steps string) string {
	var b strings.Builder
	for i := 0; i < len(steps); i++ {
		word := "event"
		if steps[i] == '!' {
			word, i = "not", i+1
		}
		fmt.Fprintf(&b, ", {%s: %c}", word, steps[i])
	}
	return "[" + b.String()[2:] + "]"
}

package rules

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tomeishi/tomeishi/rules/decimal"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// arrived is an event as the oracle keeps it: for good, in the order of arrival.
type arrived struct {
	key, time, n int64
	ref          window.Ref
}

const (
	lateWithin = int64(10e9)
	lateSpare  = int64(60e9)
)

// lateRules are conditions with what they mean, said once more. The first ones stay
// true when more comes.
var lateRules = []struct {
	when   string
	grows  bool
	oracle func(window []arrived) bool
	own    func(e arrived, before []arrived) bool // instead: of one event and what came before it
}{
	{"count() >= 3", true, func(w []arrived) bool { return len(w) >= 3 }, nil},
	{"distinct(data.n) >= 3", true, func(w []arrived) bool { return len(distinctN(w)) >= 3 }, nil},
	{"sum(data.n) > 20", true, func(w []arrived) bool { return sumN(w) > 20 }, nil},
	{"min(data.n) < 1 && max(data.n) > 8", true, func(w []arrived) bool { return distinctN(w)[0] < 1 && slices.Max(distinctN(w)) > 8 }, nil},
	{"count() == 2", false, func(w []arrived) bool { return len(w) == 2 }, nil},
	{"2 * sum(data.n) - 3 > 2 * max(data.n) + count()", false, func(w []arrived) bool { return 2*sumN(w)-3 > 2*slices.Max(distinctN(w))+int64(len(w)) }, nil},
	{"last(data.n) > 2 * max_before(data.n)", false, nil, func(e arrived, w []arrived) bool { return len(w) > 0 && e.n > 2*slices.Max(distinctN(w)) }},
	{"last(data.n) + sum_before(data.n) == 10 || min_before(data.n) > last(data.n) + 5", false, nil, func(e arrived, w []arrived) bool {
		return e.n+sumN(w) == 10 || len(w) > 0 && distinctN(w)[0] > e.n+5
	}},
	{"count_before() > 1 && distinct(data.n) == count()", false, nil, func(e arrived, w []arrived) bool { return len(w) > 1 && len(distinctN(append(w, e))) == len(w)+1 }},
	{"min(data.n) >= 6 && count() > 1", false, func(w []arrived) bool { return distinctN(w)[0] >= 6 && len(w) > 1 }, nil},
}

func distinctN(w []arrived) (out []int64) {
	for _, e := range w {
		out = append(out, e.n)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func sumN(w []arrived) (sum int64) {
	for _, e := range w {
		sum += e.n
	}
	return sum
}

// truth tells whether the condition is true of a window that ends at an event and
// holds the last of those that have arrived; or, if it is about one event, of the last
// and those before it in the window that ends there.
func (l *lateRun) truth(by []arrived) bool {
	last := by[len(by)-1]
	if l.own != nil {
		var before []arrived
		for _, e := range by[:len(by)-1] {
			if e.key == last.key && e.time <= last.time && e.time >= last.time-lateWithin {
				before = append(before, e)
			}
		}
		return l.own(last, before)
	}
	for _, end := range by {
		if end.key != last.key || end.time < last.time || end.time-lateWithin > last.time {
			continue
		}
		var in []arrived
		for _, e := range by {
			if e.key == last.key && e.time <= end.time && e.time >= end.time-lateWithin {
				in = append(in, e)
			}
		}
		if l.oracle(in) {
			return true
		}
	}
	return false
}

// TestLateIsRight sends events that are late by any amount, ahead, or on time, and
// compares what a rule says with a recount of all that ever arrived: at once where
// nothing was forgotten, and else when it was told again what the tape holds. It is
// restarted in between.
func TestLateIsRight(t *testing.T) {
	t.Parallel()
	for _, c := range lateRules {
		t.Run(c.when, func(t *testing.T) {
			t.Parallel()
			set, problems := Parse([]File{{Name: "f.yml", Text: []byte("groups:\n- name: g\n  rules:\n  - {alert: A, event: e, by: [data.k], within: 10s, when: '" + c.when + "'}\n")}})
			if set == nil {
				t.Fatal(problems)
			}
			var seen struct{ true, false, recountTrue, recountFalse int }
			for seed := range uint64(10) {
				l := &lateRun{t: t, body: set.Rules[0].Body, grows: c.grows, oracle: c.oracle, own: c.own, rnd: rand.New(rand.NewPCG(seed, 5))}
				l.state, l.now = l.body.State(), int64(1000e9)
				for range 400 {
					l.step()
				}
				seen.true += l.said[0]
				seen.false += l.said[1]
				seen.recountTrue += l.said[2]
				seen.recountFalse += l.said[3]
			}
			if min(seen.true, seen.false, seen.recountTrue, seen.recountFalse) < 20 {
				t.Errorf("this shows little: %+v", seen)
			}
		})
	}
}

type lateRun struct {
	t      *testing.T
	body   form.Rule
	state  form.State
	grows  bool
	oracle func([]arrived) bool
	own    func(arrived, []arrived) bool
	rnd    *rand.Rand
	now    int64
	all    []arrived
	due    *lateDue
	said   [4]int // true and false at once, true and false by a recount
}

// lateDue is a key that waits for a recount.
type lateDue struct {
	key    int64
	first  int // of all
	ranges [][2]int64
}

func (l *lateRun) step() {
	l.now += l.rnd.Int64N(8e9)
	e := arrived{l.rnd.Int64N(3), l.now + int64(5e9) - l.rnd.Int64N(20e9), l.rnd.Int64N(10), window.MakeRef(uint64(len(l.all)+1), 0)}
	switch l.rnd.IntN(8) {
	case 0:
		e.time = l.now - l.rnd.Int64N(l.now)
	case 1:
		e.time = l.rnd.Int64N(15e9) // 1970
	}
	l.all = append(l.all, e)
	data := []byte(fmt.Sprint(e.n))
	event := &form.Event{Behavior: form.LateCounts, Hit: &match.Hit{}, Time: e.time, Ref: e.ref, Key: window.Key{uint64(e.key), 7}}
	distinct, nums := l.body.Sources()[0].Columns()
	for range distinct {
		event.Hit.Distinct, event.Distinct = append(event.Hit.Distinct, data), append(event.Distinct, window.Key{uint64(e.n), 1})
	}
	for range nums {
		event.Hit.Nums = append(event.Hit.Nums, decimal.FromInt(e.n))
	}
	var say form.Say
	l.state.Add(l.now, event, &say)
	want, is := l.truth(l.all), say.Answer == form.True
	switch {
	case !say.Recount && (l.due == nil || l.due.key != e.key):
		if is != want {
			l.t.Fatalf("event %d: true %v, want %v", len(l.all), is, want)
		}
		l.count(0, is)
	case is && !want && l.grows:
		l.t.Fatalf("event %d is true, and should not be", len(l.all))
	}
	if say.Recount && (l.due == nil || l.due.key == e.key) {
		if l.due == nil {
			l.due = &lateDue{key: e.key, first: len(l.all) - 1}
		}
		l.due.ranges = append(l.due.ranges, [2]int64{e.time - lateWithin, e.time + lateWithin})
	} else if say.Recount { // one at a time is enough to test
		l.recount(&lateDue{e.key, len(l.all) - 1, [][2]int64{{e.time - lateWithin, e.time + lateWithin}}})
	}
	if l.due != nil && l.rnd.IntN(3) == 0 {
		l.recount(l.due)
		l.due = nil
	}
	if l.own != nil && l.due == nil {
		l.stands(e.key)
	}
	if l.rnd.IntN(20) == 0 {
		again, _, err := l.body.Load(l.state.Append(nil))
		if err != nil {
			l.t.Fatal(err)
		}
		l.state = again
	}
}

// stands compares whether a rule about one event is true of a key now with whether it
// was of any event that is still in the window.
func (l *lateRun) stands(key int64) {
	want := false
	for i, e := range l.all {
		want = want || e.key == key && e.time >= l.now-lateWithin && l.truth(l.all[:i+1])
	}
	var say form.Say
	l.state.Ask(l.now, window.Key{uint64(key), 7}, &say)
	if is := say.Answer == form.True; is != want || is && (say.Due <= l.now || say.Value == "") {
		l.t.Fatalf("event %d: stands %+v, want %v", len(l.all), say, want)
	}
}

// recount gives the rule what the tape holds of a key.
func (l *lateRun) recount(due *lateDue) {
	var back []form.Back
	want := false
	distinct, nums := l.body.Sources()[0].Columns()
	for i, e := range l.all {
		if e.key != due.key {
			continue
		}
		in := slices.ContainsFunc(due.ranges, func(r [2]int64) bool { return e.time >= r[0] && e.time <= r[1] })
		if i >= due.first {
			want = want || l.truth(l.all[:i+1])
		}
		if !in {
			continue
		}
		entry := window.Entry{Time: e.time, Ref: e.ref}
		for range distinct {
			entry.Distinct = append(entry.Distinct, window.Key{uint64(e.n), 1})
		}
		for range nums {
			entry.Nums = append(entry.Nums, decimal.FromInt(e.n))
		}
		back = append(back, form.Back{Entry: entry})
	}
	var say form.Say
	n := l.state.(form.Recounter).Recount(l.now, window.Key{uint64(due.key), 7}, back, l.all[due.first].ref, &say)
	is := say.Answer == form.True
	switch {
	case is && !want:
		l.t.Fatalf("event %d: a recount is true, and should not be", len(l.all))
	case n > 0 && due.first == len(l.all)-1 && is != want:
		l.t.Fatalf("event %d: a recount of %d is true %v, want %v", len(l.all), n, is, want)
	case n > 0:
		l.count(2, is)
	}
}

func (l *lateRun) count(from int, is bool) {
	if !is {
		from++
	}
	l.said[from]++
}

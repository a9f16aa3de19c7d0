package rules

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// shareRules are conditions with what they mean of n events of a key among all.
var shareRules = []struct {
	when string
	own  bool
	is   func(n, all int64) bool
}{
	{"share() > 0.5 && count() >= 3", false, func(n, all int64) bool { return 2*n > all && n >= 3 }},
	{"count() >= 2 && share() == 0.4", false, func(n, all int64) bool { return 5*n == 2*all && n >= 2 }},
	{"!(share() < 0.75) && count() > 1", false, func(n, all int64) bool { return 4*n >= 3*all && n > 1 }},
	{"share() < 0.2", false, func(n, all int64) bool { return 5*n < all }},
	{"share() >= 0.5 && count_before() == 2", true, func(n, all int64) bool { return 2*n >= all && n == 3 }},
}

// shareTruth tells whether the condition is true of a window that ends at an event of
// the last one's key and holds the last of those that have arrived, or ends there.
func shareTruth(by []arrived, own bool, is func(n, all int64) bool) bool {
	last := by[len(by)-1]
	for i, end := range by {
		if end.key != last.key || end.time < last.time || end.time-lateWithin > last.time || own && i < len(by)-1 {
			continue
		}
		n, all := int64(0), int64(0)
		for _, e := range by {
			if e.time <= end.time && e.time >= end.time-lateWithin {
				all++
				if e.key == end.key {
					n++
				}
			}
		}
		if is(n, all) {
			return true
		}
	}
	return false
}

type shareRun struct {
	t     *testing.T
	own   bool
	is    func(n, all int64) bool
	body  form.Rule
	state form.State
	rnd   *rand.Rand
	now   int64
	all   []arrived
	due   []lateDue
	said  [4]int // true and false at once, true and false by a recount
}

// TestShareIsRight sends events of a few keys, on time, late by any amount or ahead, and
// compares what a rule says of a key's part with a count of all that ever arrived. It is
// restarted in between, and told again what the tape holds.
func TestShareIsRight(t *testing.T) {
	t.Parallel()
	for _, c := range shareRules {
		t.Run(c.when, func(t *testing.T) {
			t.Parallel()
			set, problems := Parse([]File{{Name: "f.yml", Text: []byte("groups:\n- name: g\n  rules:\n  - {alert: A, event: e, by: [data.k], within: 10s, when: '" + c.when + "'}\n")}})
			if set == nil {
				t.Fatal(problems)
			}
			var seen [4]int
			for seed := range uint64(8) {
				l := &shareRun{t: t, own: c.own, is: c.is, body: set.Rules[0].Body, rnd: rand.New(rand.NewPCG(seed, 8)), now: 1000e9}
				l.state = l.body.State()
				for range 500 {
					l.step()
				}
				for i, n := range l.said {
					seen[i] += n
				}
			}
			if min(seen[0], seen[1], seen[2], seen[3]) < 20 {
				t.Errorf("this shows little: %v", seen)
			}
		})
	}
}

func (l *shareRun) step() {
	l.now += l.rnd.Int64N(4e9)
	e := arrived{min(l.rnd.Int64N(4), l.rnd.Int64N(4)), l.now + int64(3e9) - l.rnd.Int64N(15e9), 0, window.MakeRef(uint64(len(l.all)+1), 0)}
	switch l.rnd.IntN(8) {
	case 0:
		e.time = l.now - l.rnd.Int64N(l.now)
	case 1:
		e.time = l.rnd.Int64N(25e9) // 1970
	}
	l.all = append(l.all, e)
	event := &form.Event{Behavior: form.LateCounts, Hit: &match.Hit{}, Time: e.time, Ref: e.ref, Key: window.Key{uint64(e.key), 7}}
	var say form.Say
	l.state.Add(l.now, event, &say)
	want, is := shareTruth(l.all, l.own, l.is), say.Answer == form.True
	switch {
	case say.Recount:
		l.due = append(l.due, lateDue{e.key, len(l.all) - 1, [][2]int64{{e.time - lateWithin, e.time + lateWithin}}})
	case is != want:
		l.t.Fatalf("event %d %+v: true %v, want %v", len(l.all), e, is, want)
	default:
		l.count(0, is)
	}
	for len(l.due) > 0 && l.rnd.IntN(3) == 0 {
		l.recount(l.due[0])
		l.due = l.due[1:]
	}
	if l.rnd.IntN(20) == 0 {
		again, _, err := l.body.Load(l.state.Append(nil))
		if err != nil {
			l.t.Fatal(err)
		}
		l.state = again
	}
}

// recount gives the rule what the tape holds of all keys, then of one.
func (l *shareRun) recount(due lateDue) {
	var all, back []form.Back
	r := due.ranges[0]
	for _, e := range l.all {
		if e.time < r[0] || e.time > r[1] {
			continue
		}
		b := form.Back{Entry: window.Entry{Time: e.time, Ref: e.ref}}
		if all = append(all, b); e.key == due.key {
			back = append(back, b)
		}
	}
	state := l.state.(form.Whole)
	var say form.Say
	state.Known(r[0], r[1])
	state.Recount(l.now, form.WholeKey, all, l.all[due.first].ref, &say)
	state.Known(r[0], r[1])
	state.Recount(l.now, window.Key{uint64(due.key), 7}, back, l.all[due.first].ref, &say)
	is, some := say.Answer == form.True, false
	for i := due.first; i < len(l.all); i++ {
		some = some || l.all[i].key == due.key && shareTruth(l.all[:i+1], l.own, l.is)
	}
	late := shareTruth(l.all[:due.first+1], l.own, l.is)
	if is && !some || late && !is {
		l.t.Fatalf("event %d of %d: a recount is true %v, of some %v, of the late %v (%s)", due.first+1, len(l.all), is, some, late, fmt.Sprint(l.all[due.first]))
	}
	l.count(2, is)
}

func (l *shareRun) count(from int, is bool) {
	if !is {
		from++
	}
	l.said[from]++
}

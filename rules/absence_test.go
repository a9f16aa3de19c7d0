package rules

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

const (
	grain       = int64(1) << 20 // of the times at which an absence is told
	absentFor   = int64(10e9)    // within
	absentGrace = int64(5e9)
)

// histories makes the tests of forms longer.
var histories = flag.Int("histories", 1, "how many times as many random histories")

// A fact is an event as the oracle keeps it: for good.
type fact struct {
	excuse, accepted, gone bool
	key, time, came        int64
	ref                    window.Ref
	told                   int // 1 without proof, 2 with it
	over                   bool
}

// An absenceOracle knows all that came, and what was said of it when.
type absenceOracle struct {
	all  []*fact
	said map[int64]int64 // by key, when something was last said
}

func deadlineOf(f *fact) int64 { return (f.time + absentFor + 1 + grain - 1) / grain * grain }

// followed tells whether another event excuses this one.
func (o *absenceOracle) followed(a *fact) bool {
	return slices.ContainsFunc(o.all, func(b *fact) bool {
		return b.excuse && b.key == a.key && b.ref != a.ref && b.time >= a.time && b.time <= a.time+absentFor
	})
}

// later tells whether something followed too late.
func (o *absenceOracle) later(a *fact) bool {
	return slices.ContainsFunc(o.all, func(b *fact) bool { return b.excuse && b.key == a.key && b.time > a.time })
}

// expire is what must be said at a time of those of a key that nothing followed, and
// whether anything must.
func (o *absenceOracle) expire(key, now, heard int64) (some bool) {
	o.forget(key, now)
	for _, a := range o.of(key) {
		is := 0
		if now >= max(deadlineOf(a), a.came)+absentGrace || now >= deadlineOf(a)+absentGrace && a.came < deadlineOf(a) {
			is = 1
		}
		if deadlineOf(a) <= heard {
			is = 2
		}
		if !o.followed(a) && is > a.told {
			a.over = a.over || a.told == 0 && o.later(a)
			some, a.told = true, is
		}
	}
	if some {
		o.said[key] = now
	}
	return some
}

// forget leaves out what was said so long ago that its alert is over.
func (o *absenceOracle) forget(key, now int64) {
	for _, a := range o.of(key) {
		a.gone = a.told == 2 && now >= o.said[key]+int64(time.Hour) || a.told == 1 && now >= o.said[key]+int64(24*time.Hour)
	}
}

// add takes in an event and tells whether it shows that what was said never was so.
func (o *absenceOracle) add(f *fact) (withdrawn bool) {
	o.all = append(o.all, f)
	for _, a := range o.of(f.key) {
		switch followed := f.excuse && o.followed(a); {
		case followed && a.told > 0:
			a.gone, withdrawn = true, true
		case f.excuse && a.told > 0 && f.time > a.time:
			a.over = true
		}
	}
	return withdrawn
}

// of are the events of a key that must be followed, in order.
func (o *absenceOracle) of(key int64) (out []*fact) {
	for _, f := range o.all {
		if f.key == key && !f.excuse && !f.gone {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b *fact) int { return int(min(max(a.time-b.time, -1), 1)) })
	return out
}

// say is what is true of a key because of some of its events.
func (o *absenceOracle) say(key int64, which func(*fact) bool) (say form.Say) {
	sure, fresh := false, false
	for _, a := range o.of(key) {
		if a.told == 0 || !which(a) {
			continue
		}
		if say.Answer = form.True; say.Total == 0 {
			say.Since = a.time
		}
		say.Total, say.Evidence = say.Total+1, append(say.Evidence, a.ref)
		say.Fresh, sure, fresh = say.Fresh || !a.accepted, sure || a.told == 2, fresh || !a.accepted && a.told == 2
	}
	if say.Answer == form.True {
		say.Value, say.Uncertain = fmt.Sprint(say.Total), !fresh && (say.Fresh || !sure)
	}
	return say
}

// told is what must be said of a key when something new is true of it.
func (o *absenceOracle) told(key int64) form.Say {
	say := o.say(key, func(a *fact) bool { return !a.over })
	if say.Answer != form.True {
		say = o.say(key, func(*fact) bool { return true })
		say.Past = true
	}
	return say
}

type absenceRun struct {
	t          *testing.T
	rnd        *rand.Rand
	body       form.Rule
	state      form.State
	same       bool // both are of one type, so that one event may be both
	forgets    bool // what came too late is forgotten, and so whether something is over
	now, heard int64
	n          uint64
	oracle     absenceOracle
	seen       map[string]int
}

func keyOf(k int64) window.Key { return window.Key{uint64(k) * 0x9e3779b97f4a7c15, uint64(k)} }

func textOf(k int64) []byte { return append([]byte{0, 0, 0, 2}, 'k', byte('0'+k)) }

// bare is a say as the oracle makes it.
func bare(say *form.Say) form.Say {
	return form.Say{Answer: say.Answer, Fresh: say.Fresh, Uncertain: say.Uncertain, Past: say.Past, Value: say.Value, Since: say.Since, Total: say.Total, Evidence: slices.Clone(say.Evidence)}
}

var yesNo = map[bool]string{true: " yes", false: " no"}

func (r *absenceRun) equal(what string, key int64, want, got form.Say) {
	r.t.Helper()
	r.seen[what+yesNo[want.Answer == form.True]+yesNo[want.Uncertain]]++
	if r.forgets {
		if want.Answer != got.Answer || !got.Uncertain && !slices.ContainsFunc(r.oracle.of(key), func(a *fact) bool { return a.told == 2 }) {
			r.t.Fatalf("%s of key %d at %d, heard to %d: want %+v, got %+v", what, key, r.now, r.heard, want, got)
		}
		return
	}
	evidence := slices.Equal(want.Evidence, got.Evidence)
	want.Evidence, got.Evidence = nil, nil
	if !evidence || !reflect.DeepEqual(want, got) {
		diff := cmp.Diff(want, got)
		r.t.Fatalf("%s of key %d at %d, heard to %d (-want +got)\n%s", what, key, r.now, r.heard, diff)
	}
}

// expire goes on to a time and compares what becomes true by it.
func (r *absenceRun) expire() {
	c := form.Clock{Now: r.now, Heard: []int64{0, r.heard}}
	due, said := r.state.Due(c), map[int64]bool{}
	var say form.Say
	want := map[int64]bool{}
	for key := range int64(3) {
		want[key] = r.oracle.expire(key, r.now, r.heard)
	}
	for ; r.state.Expire(c, &say); say.Reset() {
		key := int64(say.Text[5] - '0')
		if say.Key != keyOf(key) || said[key] || !want[key] || due == 0 || due > r.now || say.Due <= r.now {
			r.t.Fatalf("at %d, due at %d, heard to %d: %+v", r.now, due, r.heard, say)
		}
		said[key] = true
		r.equal("expire", key, r.oracle.told(key), bare(&say))
	}
	for key, is := range want {
		if is && !said[key] {
			r.t.Fatalf("at %d, heard to %d, nothing is said of key %d", r.now, r.heard, key)
		}
	}
	if due := r.state.Due(c); due != 0 && due <= r.now {
		r.t.Fatalf("at %d, what was said is due again at %d", r.now, due)
	}
}

// ask compares what is true now and what has been since an entry.
func (r *absenceRun) ask() {
	if r.forgets {
		return
	}
	for key := range int64(3) {
		r.oracle.forget(key, r.now)
		want := r.oracle.say(key, func(a *fact) bool { return !a.over })
		if r.now >= r.oracle.said[key]+int64(time.Hour) {
			want = form.Say{}
		}
		var say form.Say
		r.state.(form.Recounter).Find(r.now, keyOf(key), &say)
		r.equal("find", key, want, bare(&say))
		say.Reset()
		r.state.Ask(r.now, keyOf(key), &say)
		want.Evidence = nil
		got := bare(&say)
		got.Evidence = nil
		r.equal("ask", key, want, got)

		after := r.rnd.Uint64N(r.n + 1)
		want = form.Say{}
		fresh := func(a *fact) bool { return !a.accepted }
		if slices.ContainsFunc(r.oracle.of(key), func(a *fact) bool { return a.told > 0 && fresh(a) && a.ref.Index() > after }) {
			want = r.oracle.say(key, fresh)
		}
		say.Reset()
		r.state.Since(r.now, keyOf(key), after, &say)
		r.equal("since", key, want, bare(&say))
	}
}

// event adds one event, which may be of both sources.
func (r *absenceRun) event(f fact) {
	r.n++
	f.came, f.ref = r.now, window.MakeRef(r.n, int(r.n%3))
	sources := []int{0}
	if f.excuse {
		sources = []int{1}
	}
	if r.same {
		sources = []int{0, 1}
	}
	for _, source := range sources {
		f := f
		f.excuse = source == 1
		var say form.Say
		r.state.Add(r.now, &form.Event{Behavior: form.LateCounts, Hit: &match.Hit{Source: source, Key: textOf(f.key)}, Time: f.time, Ref: f.ref, Key: keyOf(f.key)}, &say)
		withdrawn := r.oracle.add(&f)
		r.seen["withdrawn"+yesNo[withdrawn]]++
		if say.Answer != form.Untrue || say.Withdrawn != withdrawn {
			r.t.Fatalf("event %d: %+v, want withdrawn %v", r.n, say, withdrawn)
		}
		if say.Recount {
			r.recount(&f)
		}
	}
}

// recount gives the rule what the tape holds around an event.
func (r *absenceRun) recount(f *fact) {
	r.seen["recount"]++
	state := r.state.(form.Recounter)
	held := state.Held(keyOf(f.key))
	var back []form.Back
	for _, e := range r.oracle.all {
		if e.key == f.key && e.time >= f.time-state.Reach() && e.time <= f.time+state.Reach() && !slices.Contains(held, e.ref) {
			source := 0
			if e.excuse {
				source = 1
			}
			back = append(back, form.Back{Source: source, Entry: window.Entry{Time: e.time, Ref: e.ref}})
		}
	}
	say := form.Say{Text: textOf(f.key)}
	state.Recount(r.now, keyOf(f.key), back, f.ref, &say)
}

func (r *absenceRun) load() {
	saved := r.state.Append(nil)
	again, rest, err := r.body.Load(saved)
	if err != nil || len(rest) > 0 || !bytes.Equal(again.Append(nil), saved) {
		r.t.Fatalf("load: %v, and %d bytes", err, len(rest))
	}
	r.state = again
}

func (r *absenceRun) accept() {
	key, upTo := r.rnd.Int64N(3), r.rnd.Uint64N(r.n+1)
	r.state.Accept(keyOf(key), upTo)
	for _, a := range r.oracle.of(key) {
		a.accepted = a.accepted || a.told > 0 && a.ref.Index() <= upTo
	}
}

// times are on the grain, so that equal ones are common.
func (r *absenceRun) before(most int64) int64 { return r.rnd.Int64N(most/grain) * grain }

func absenceRule(t testing.TB, text string) form.Rule {
	t.Helper()
	set, problems := Parse([]File{{Name: "f.yml", Text: []byte("groups:\n- name: g\n  rules:\n  - " + text + "\n")}})
	if set == nil {
		t.Fatal(problems)
	}
	return set.Rules[0].Body
}

// TestAbsence sends events that are late by any amount, ahead, or on time, while those
// who report them are heard or not, and compares all that a rule says with what all
// events that ever came say. It is restarted in between, and people accept some of it.
func TestAbsence(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, rule string
		same       bool
		late       int64
	}{
		{"two types", "{alert: A, event: e, by: [data.k], unless: {event: f, within: 10s}, grace: 5s, lateness: 30d}", false, int64(20e9)},
		{"one type", "{alert: A, event: e, by: [data.k], unless: {event: e, within: 10s}, grace: 5s, lateness: 30d}", true, int64(20e9)},
		{"forgotten", "{alert: A, event: e, by: [data.k], unless: {event: f, within: 10s}, grace: 5s, lateness: 0s}", false, int64(600e9)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			body, seen := absenceRule(t, c.rule), map[string]int{}
			for seed := range uint64(400 * *histories) {
				r := &absenceRun{t: t, rnd: rand.New(rand.NewPCG(seed, 7)), body: body, state: body.State(), same: c.same, forgets: c.name == "forgotten", now: 1000e9 / grain * grain, seen: seen}
				r.oracle.said = map[int64]int64{}
				for range 30 {
					r.step(c.late)
				}
			}
			for _, what := range []string{"expire yes yes", "expire yes no", "withdrawn yes"} {
				if seen[what] < 50 {
					t.Errorf("this shows little: %v", seen)
				}
			}
			if c.name == "forgotten" && seen["recount"] < 20 || c.name != "forgotten" && min(seen["ask yes no"], seen["ask yes yes"], seen["since yes no"]) < 50 {
				t.Errorf("this shows little: %v", seen)
			}
		})
	}
}

func (r *absenceRun) step(late int64) {
	r.now += r.before(6e9)
	switch r.rnd.IntN(30) {
	case 0:
		r.now += r.before(2 * int64(time.Hour))
	case 1:
		r.now += r.before(30 * int64(time.Hour))
	}
	switch r.rnd.IntN(4) {
	case 0:
		r.heard = r.now
	case 1:
		r.heard = max(r.heard, r.now-r.before(30e9))
	}
	r.expire()
	r.ask()
	f := fact{excuse: r.rnd.IntN(2) == 0, key: r.rnd.Int64N(3), time: max(0, r.now+2e9/grain*grain-r.before(10e9))}
	if r.rnd.IntN(4) == 0 {
		f.time = max(0, r.now-r.before(late))
	}
	r.event(f)
	r.ask()
	switch r.rnd.IntN(12) {
	case 0:
		r.load()
	case 1:
		r.accept()
	}
}

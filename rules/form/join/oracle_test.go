package join_test

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/decimal"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

const (
	sec    = int64(1e9)
	within = 20 * sec
	never  = -int64(1) << 60
)

// An event is one as the oracle keeps it: for good, in the order of arrival.
type event struct {
	side, key     int
	time, came, n int64
	accepted      bool
}

// holds is what the sides hold at a time, oldest first.
type holds struct {
	at    int64
	sides [4][]event
}

func (h *holds) window(side int) []event {
	return slices.DeleteFunc(slices.Clone(h.sides[side]), func(e event) bool { return e.time < h.at-within })
}
func (h *holds) count(side int) int64 { return int64(len(h.window(side))) }
func (h *holds) sum(side int) (n int64) {
	for _, e := range h.window(side) {
		n += e.n
	}
	return n
}

// last is the newest value of a side that is no older than an age.
func (h *holds) last(side int, age int64) (int64, bool) {
	all := h.sides[side]
	if len(all) == 0 || all[len(all)-1].time < h.at-age {
		return 0, false
	}
	return all[len(all)-1].n, true
}

func truth(is bool) form.Answer {
	if is {
		return form.True
	}
	return form.Untrue
}

// cases are rules with what they mean, said once more.
var cases = []struct {
	name, join, when, more string
	sides                  int
	common                 int // the side that belongs to every key; -1 for none
	settle, grace, reach   int64
	levels                 bool
	read                   []int
	oracle                 func(h *holds) form.Answer
}{
	{
		name: "totals", join: "{a: {event: e0, by: [data.k]}, b: {event: e1, by: [data.k]}}", when: "sum(b.data.n) > sum(a.data.n)", more: "settle: 5s, grace: 3s",
		sides: 2, common: -1, settle: 5 * sec, grace: 3 * sec, reach: within, read: []int{0, 1},
		oracle: func(h *holds) form.Answer { return truth(h.sum(1) > h.sum(0)) },
	},
	{
		name: "differ", join: "{a: {event: e0, by: [data.k]}, b: {event: e1, by: [data.k]}, c: {event: e2, by: [data.k]}}", when: "sum(a.data.n) + count(c) != sum(b.data.n) * 2", more: "settle: 4s",
		sides: 3, common: -1, settle: 4 * sec, grace: 4 * sec, reach: within, read: []int{0, 1, 2},
		oracle: func(h *holds) form.Answer { return truth(h.sum(0)+h.count(2) != 2*h.sum(1)) },
	},
	{
		name: "levels", join: "{a: {event: e0, by: [data.k], max_age: 10s}, b: {event: e1, by: [data.k], max_age: 30s}, c: {event: e2, by: [data.k]}}", when: "last(a.data.n) > last(b.data.n) + sum(c.data.n)", more: "grace: 2s",
		sides: 3, common: -1, grace: 2 * sec, reach: 30 * sec, levels: true,
		oracle: func(h *holds) form.Answer {
			a, isA := h.last(0, 10*sec)
			b, isB := h.last(1, 30*sec)
			if !isA || !isB {
				return form.Unclear
			}
			return truth(a > b+h.sum(2))
		},
	},
	{
		name: "common", join: "{a: {event: e0, by: [data.k]}, b: {event: e1, by: [data.k]}, c: {event: e2, by: []}}", when: "count(a) > 2 * count(b) && count(c) == 0 || count(a) > 3", more: "settle: 3s, grace: 1s",
		sides: 3, common: 2, settle: 3 * sec, grace: sec, reach: within, read: []int{0, 1, 2},
		oracle: func(h *holds) form.Answer {
			return truth(h.count(0) > 2*h.count(1) && h.count(2) == 0 || h.count(0) > 3)
		},
	},
	{
		name: "extremes", join: "{a: {event: e0, by: [data.k]}, b: {event: e1, by: [data.k]}, c: {event: e2, by: [data.k]}, d: {event: e3, by: [data.k]}}", when: "max(a.data.n) > min(b.data.n) && distinct(b.data.n) >= 2 || count(d) == 3", more: "settle: 5s, grace: 0s",
		sides: 4, common: -1, settle: 5 * sec, reach: within, read: []int{0, 1, 3},
		oracle: func(h *holds) form.Answer {
			third := h.count(3) == 3
			a, b := numbers(h.window(0)), numbers(h.window(1))
			several := len(slices.Compact(slices.Clone(b))) >= 2
			switch {
			case third || several && len(a) > 0 && a[len(a)-1] > b[0]:
				return form.True
			case several && len(a) == 0:
				return form.Unclear
			}
			return form.Untrue
		},
	},
	{
		name: "without", join: "{a: {event: e0, by: [data.k]}, b: {event: e1, by: [data.k]}}", when: "count(a) == 0 || last(b.data.n) > 8", more: "settle: 2s",
		sides: 2, common: -1, settle: 2 * sec, grace: 2 * sec, reach: within,
		oracle: func(h *holds) form.Answer {
			b, is := h.last(1, within)
			switch {
			case h.count(0) == 0 || is && b > 8:
				return form.True
			case !is:
				return form.Unclear
			}
			return form.Untrue
		},
	},
}

func numbers(all []event) (out []int64) {
	for _, e := range all {
		out = append(out, e.n)
	}
	slices.Sort(out)
	return out
}

// A history is a run of a rule beside its oracle.
type history struct {
	t      *testing.T
	rnd    *rand.Rand
	c      int // of cases
	body   form.Rule
	state  form.State
	now    int64
	heard  []int64
	coming []event // that have not come, in the order of arrival
	all    []event // that have
	points map[[2]int64]*point
	said   map[string]int
}

// A point is a time of events of a key.
type point struct{ touched, told, asked int64 } // when it was touched, 0 for proven; told without proof; may be told

// at is what the sides hold of a key at a time.
func (h *history) at(key int, at int64, fresh bool) *holds {
	out := &holds{at: at}
	for _, e := range h.all {
		if e.time <= at && (e.key == key || e.side == cases[h.c].common) && !(fresh && e.accepted) {
			out.sides[e.side] = append(out.sides[e.side], e)
		}
	}
	for i := range out.sides {
		slices.SortStableFunc(out.sides[i], func(a, b event) int { return cmp.Compare(a.time, b.time) })
	}
	return out
}

// times are the points of a key.
func (h *history) times(key int) (out []int64) {
	for _, e := range h.all {
		if e.key == key && e.side != cases[h.c].common {
			out = append(out, e.time)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// outcome tells whether it is true at a point: the condition is, and is not untrue
// within settle.
func (h *history) outcome(key int, at int64) bool {
	c := cases[h.c]
	if c.oracle(h.at(key, at, false)) != form.True {
		return false
	}
	return !slices.ContainsFunc(h.times(key), func(t int64) bool {
		return t > at && t <= at+c.settle && c.oracle(h.at(key, t, false)) == form.Untrue
	})
}

// alive tells whether an event of the key itself still counts.
func (h *history) alive(key int, at int64, fresh bool) bool {
	w := h.at(key, at, fresh)
	for side := range w.sides {
		if n := len(w.sides[side]); side != cases[h.c].common && n > 0 && w.sides[side][n-1].time >= at-cases[h.c].reach {
			return true
		}
	}
	return false
}

func TestOracle(t *testing.T) {
	t.Parallel()
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := "groups:\n- name: g\n  rules:\n  - {alert: A, join: " + c.join + ", within: 20s, when: '" + c.when + "', " + c.more + "}\n"
			set, problems := rules.Parse([]rules.File{{Name: "f.yml", Text: []byte(text)}})
			if set == nil {
				t.Fatal(problems)
			}
			said := map[string]int{}
			for seed := range uint64(200) {
				h := &history{t: t, rnd: rand.New(rand.NewPCG(seed, 11)), c: i, body: set.Rules[0].Body, said: said, points: map[[2]int64]*point{}}
				if h.run(); t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
			for _, what := range []string{"true", "silent", "uncertain", "proven", "stale", "withdrawn", "refuted"} {
				if said[what] < 10 {
					t.Errorf("this shows little: %v", said)
					break
				}
			}
		})
	}
}

func (h *history) run() {
	c := cases[h.c]
	h.state, h.now, h.heard = h.body.State(), 1000*sec, make([]int64, c.sides)
	h.state.(form.Recounter).Forget(h.now-300*sec, 0, never) // it has counted for long
	at := h.now
	for range 24 {
		at += h.rnd.Int64N(4) * sec
		e := event{side: h.rnd.IntN(c.sides), key: h.rnd.IntN(2), came: at, time: at, n: h.rnd.Int64N(10)}
		switch h.rnd.IntN(6) {
		case 0:
			e.time -= h.rnd.Int64N(30) * sec
		case 1:
			e.time += h.rnd.Int64N(3) * sec
		}
		h.coming = append(h.coming, e)
	}
	deaf := h.rnd.IntN(3) == 0
	for len(h.coming) > 0 || h.now < at+30*sec {
		h.now += h.rnd.Int64N(3) * sec
		if !deaf || h.rnd.IntN(12) == 0 {
			h.hear()
		}
		h.expire()
		if len(h.coming) > 0 && h.coming[0].came <= h.now {
			h.add()
		}
		h.ask()
		if h.rnd.IntN(60) == 0 {
			h.restart()
		}
	}
}

// hear says how far was heard, which is never more than is so.
func (h *history) hear() {
	for i := range h.heard {
		most := h.now
		for _, e := range h.coming {
			if e.side == i {
				most = min(most, e.time)
			}
		}
		if more := most - h.heard[i]; more > 0 && h.rnd.IntN(3) > 0 {
			h.heard[i] += max(0, more-h.rnd.Int64N(3)*sec)
		}
	}
}

func (h *history) add() {
	c, e := cases[h.c], h.coming[0]
	h.coming = h.coming[1:]
	newest := never
	for _, t := range h.times(e.key) {
		newest = max(newest, t)
	}
	h.all = append(h.all, e)
	v := window.Key{uint64(e.n), 1}
	in := &form.Event{Behavior: form.LateCounts, Hit: &match.Hit{Source: e.side, Key: []byte{byte(e.key)}}, Time: e.time, Ref: window.MakeRef(uint64(len(h.all)), 0), Key: window.Key{uint64(e.key), 7}}
	if e.side == c.common {
		in.Key, in.Hit.Key = window.Key{99, 99}, nil
	}
	distinct, nums := h.body.Sources()[e.side].Columns()
	for range distinct {
		in.Hit.Distinct, in.Distinct = append(in.Hit.Distinct, nil), append(in.Distinct, v)
	}
	for range nums {
		in.Hit.Nums = append(in.Hit.Nums, decimal.FromInt(e.n))
	}
	var say form.Say
	h.state.Add(h.now, in, &say)
	if say.Answer != form.Untrue || say.Fault != nil || say.Saturated || say.Recount {
		h.t.Errorf("an event says %+v", say)
	}
	if e.side != c.common && say.Withdrawn != (newest > e.time) && e.time != newest {
		h.t.Errorf("withdrawn %v, newest %d, time %d", say.Withdrawn, newest, e.time)
	}
	if say.Withdrawn {
		h.said["withdrawn"]++
	}
	for key := range 2 {
		from := e.time - c.settle
		switch {
		case e.side == c.common:
			from = e.time
		case key != e.key:
			continue
		}
		for _, at := range h.times(key) {
			if at < from || at > e.time+c.reach {
				continue
			}
			p := h.points[[2]int64{int64(key), at}]
			if p == nil {
				p = &point{}
				h.points[[2]int64{int64(key), at}] = p
			}
			p.touched, p.told, p.asked = h.now, 0, max(at+c.settle, h.now)+c.grace+1
		}
	}
}

// expire compares what is said by time with what is so.
func (h *history) expire() {
	c := cases[h.c]
	clock := form.Clock{Now: h.now, Heard: h.heard}
	heard := min(h.now, slices.Min(h.heard))
	due := h.state.Due(clock)
	certain, unsure := map[int]form.Say{}, map[int]bool{}
	var say form.Say
	for ; h.state.Expire(clock, &say); say.Reset() {
		key := int(say.Key[0])
		if due == 0 || due > h.now {
			h.t.Errorf("due at %d, now %d", due, h.now)
		}
		if say.Stale.Side != "" {
			continue
		}
		if say.Answer != form.True || say.Value == "" || say.Due <= h.now || say.Total == 0 || len(say.Evidence) == 0 || !bytes.Equal(say.Text, []byte{byte(key)}) {
			h.t.Errorf("incomplete: %+v", say)
		}
		if say.Uncertain {
			unsure[key] = true
			continue
		}
		kept := say
		kept.Evidence = slices.Clone(say.Evidence)
		certain[key] = kept
	}
	for key := range 2 {
		is, fresh, last, doubtful, mustDoubt := false, false, never, false, false
		for _, at := range h.times(key) {
			p := h.points[[2]int64{int64(key), at}]
			if p.touched == 0 || !h.outcome(key, at) {
				continue
			}
			switch {
			case at+c.settle < heard:
				is, last = true, at
				fresh = fresh || c.oracle(h.at(key, at, true)) == form.True && h.alive(key, at, true)
			case at+c.settle+c.grace < h.now:
				doubtful = true
				mustDoubt = mustDoubt || p.told == 0 && p.asked <= h.now
			}
		}
		if got, said := certain[key]; said != is || said && got.Fresh != fresh {
			h.t.Errorf("at %d key %d: true %v fresh %v, want %v %v", h.now, key, said, got.Fresh, is, fresh)
		} else if said {
			h.evidence(key, last, &got)
		}
		if unsure[key] && !doubtful || !unsure[key] && mustDoubt {
			h.t.Errorf("at %d key %d: uncertain %v, may be %v, must be %v", h.now, key, unsure[key], doubtful, mustDoubt)
		}
		h.passed(key, heard, unsure[key], is)
	}
}

// passed notes what was judged.
func (h *history) passed(key int, heard int64, unsure, is bool) {
	c := cases[h.c]
	for _, at := range h.times(key) {
		p := h.points[[2]int64{int64(key), at}]
		switch {
		case p.touched == 0:
		case at+c.settle < heard:
			if p.told != 0 && is {
				h.said["proven"]++
			}
			h.count(is)
			p.touched, p.told = 0, 0
		case unsure && at+c.settle+c.grace < h.now:
			h.said["uncertain"]++
			p.told = h.now
		}
	}
}

func (h *history) count(is bool) {
	if is {
		h.said["true"]++
	} else {
		h.said["silent"]++
	}
}

// evidence compares on which events it rests.
func (h *history) evidence(key int, at int64, say *form.Say) {
	if h.rnd.IntN(4) == 0 {
		h.state.Accept(say.Key, uint64(len(h.all)))
		for i := range h.all {
			h.all[i].accepted = h.all[i].accepted || h.all[i].key == key && h.all[i].side != cases[h.c].common
		}
	}
	if cases[h.c].read == nil {
		return
	}
	want := map[window.Ref]bool{}
	for i, e := range h.all {
		reads := slices.Contains(cases[h.c].read, e.side)
		of := e.key == key || e.side == cases[h.c].common
		if of && (reads && e.time <= at && e.time >= at-within || e.time == at) {
			want[window.MakeRef(uint64(i+1), 0)] = true
		}
	}
	for _, ref := range say.Evidence {
		if !want[ref] {
			h.t.Errorf("%d is no evidence", ref.Index())
		}
	}
	if len(say.Evidence) != len(want) || say.Total != len(want) {
		h.t.Errorf("%d of %d are evidence, want %d", len(say.Evidence), say.Total, len(want))
	}
}

// ask compares what is true now.
func (h *history) ask() {
	c := cases[h.c]
	for key := range 2 {
		var say form.Say
		h.state.Ask(h.now, window.Key{uint64(key), 7}, &say)
		at := h.now
		for _, t := range h.times(key) {
			at = max(at, t)
		}
		want := c.oracle(h.at(key, at, false))
		switch {
		case !h.alive(key, at, false):
			h.said["stale"]++
			if say.Answer == form.True || say.Answer == form.Unclear && !c.levels {
				h.t.Errorf("%v of nothing", say.Answer)
			}
			continue
		case want == form.Untrue:
			h.said["refuted"]++
		}
		if say.Answer != want || say.Answer != form.Untrue && say.Due <= h.now {
			h.t.Errorf("at %d key %d is %v, want %v, due %d", h.now, key, say.Answer, want, say.Due)
		}
		for _, e := range h.all { // until then it stays so
			if say.Answer == form.True && e.time > h.now {
				say.Due = 0
			}
		}
		if say.Due > 0 && say.Answer == form.True && c.oracle(h.at(key, say.Due-1, false)) != form.True {
			h.t.Errorf("at %d key %d: asked again at %d, and was untrue before", h.now, key, say.Due)
		}
	}
}

func (h *history) restart() {
	saved := h.state.Append(nil)
	again, rest, err := h.body.Load(saved)
	if err != nil || len(rest) > 0 || !bytes.Equal(again.Append(nil), saved) {
		h.t.Errorf("load: %v, %d bytes left", err, len(rest))
		return
	}
	h.state = again
}

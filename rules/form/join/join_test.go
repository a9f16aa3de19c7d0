package join_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/decimal"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// A bench is one rule to which events are given as they are sent.
type bench struct {
	t       testing.TB
	body    form.Rule
	state   form.State
	matcher *match.Matcher
	now     int64
	index   uint64
	say     form.Say
}

func read(t testing.TB, keys string) *rules.Set {
	t.Helper()
	set, problems := rules.Parse([]rules.File{{Name: "f.yml", Text: []byte("groups:\n- name: g\n  rules:\n  - {alert: A, " + keys + "}\n")}})
	if set == nil {
		t.Fatal(problems)
	}
	return set
}

func start(t testing.TB, keys string) *bench {
	set := read(t, keys)
	b := &bench{t: t, body: set.Rules[0].Body, matcher: set.Matcher(form.LateCounts), now: 1000 * sec}
	b.state = b.body.State()
	b.state.(form.Recounter).Forget(b.now-1000*sec, 0, never)
	return b
}

// hash is good enough for few keys.
func hash(b []byte) window.Key {
	k := window.Key{14695981039346656037, uint64(len(b))}
	for _, c := range b {
		k[0] = (k[0] ^ uint64(c)) * 1099511628211
	}
	return k
}

// send gives the rule an event of now and is what it says.
func (b *bench) send(event, data string) form.Say {
	b.t.Helper()
	return b.sendAt(b.now, event, data)
}

func (b *bench) sendAt(at int64, event, data string) form.Say {
	b.t.Helper()
	b.index++
	hits := b.matcher.Match(&report.Event{Type: event, Data: []byte(data)})
	if len(hits) != 1 || hits[0].Missing || hits[0].Fault != nil {
		b.t.Fatalf("%s %s: %+v", event, data, hits)
	}
	e := &form.Event{Behavior: form.LateCounts, Hit: &hits[0], Time: at, Ref: window.MakeRef(b.index, 0), Key: hash(hits[0].Key)}
	for _, d := range hits[0].Distinct {
		e.Distinct = append(e.Distinct, hash(d))
	}
	b.say.Reset()
	b.state.Add(b.now, e, &b.say)
	return b.say
}

// wait lets time pass in which all was heard, and is what is said then: one thing, or
// nothing.
func (b *bench) wait(seconds int64) form.Say {
	b.t.Helper()
	b.now += seconds*sec + 1
	return b.expire(b.now)
}

func (b *bench) expire(heard int64) (first form.Say) {
	b.t.Helper()
	clock := form.Clock{Now: b.now, Heard: make([]int64, len(b.body.Sources()))}
	for i := range clock.Heard {
		clock.Heard[i] = heard
	}
	var say form.Say
	for n := 0; b.state.Expire(clock, &say); n++ {
		if n > 0 {
			b.t.Fatal("more is said than one thing")
		}
		first = say
		say.Reset()
	}
	return first
}

func (b *bench) ask(key string) form.Say {
	var say form.Say
	b.state.Ask(b.now, hash([]byte(key)), &say)
	return say
}

const refunds = "join: {charged: {event: charge.captured, by: [data.charge]}, refunded: {event: refund.sent, by: [data.charge]}}, within: 400d, when: sum(refunded.data.amount) > sum(charged.data.amount)"

// TestRefunds is what a charge of which more is refunded looks like.
func TestRefunds(t *testing.T) {
	t.Parallel()
	b := start(t, refunds)
	b.send("charge.captured", `{"charge":"c","asset":"EUR","amount":"100.10"}`)
	b.wait(3600)
	b.send("refund.sent", `{"charge":"c","asset":"EUR","amount":"100.1"}`)
	if say := b.wait(40); say.Answer != form.Untrue {
		t.Fatalf("all of it was refunded: %+v", say)
	}
	b.send("refund.sent", `{"charge":"c","asset":"EUR","amount":"0.01"}`)
	if say := b.wait(29); say.Answer != form.Untrue {
		t.Fatalf("not settled: %+v", say)
	}
	say := b.wait(1)
	if say.Answer != form.True || say.Uncertain || !say.Fresh || say.Value != "100.11" || say.Total != 3 || len(say.Evidence) != 3 || say.Evidence[2].Index() != 3 {
		t.Fatalf("a cent too much: %+v", say)
	}
	key := "\x00\x00\x00\x01c"
	if say := b.ask(key); say.Answer != form.True {
		t.Fatalf("it stands: %+v", say)
	}
	b.send("charge.captured", `{"charge":"c","asset":"EUR","amount":"5"}`)
	if say := b.ask(key); say.Answer != form.Untrue {
		t.Fatalf("it was charged: %+v", say)
	}
}

// TestUnheard sends a refund while nobody is heard who reports charges.
func TestUnheard(t *testing.T) {
	t.Parallel()
	b := start(t, refunds)
	sent := b.now
	b.send("refund.sent", `{"charge":"c","asset":"EUR","amount":"1"}`)
	b.now += 60 * sec
	if say := b.expire(sent); say.Answer != form.Untrue {
		t.Fatalf("before grace: %+v", say)
	}
	b.now++
	if say := b.expire(sent); say.Answer != form.True || !say.Uncertain {
		t.Fatalf("after grace: %+v", say)
	}
	if say := b.expire(sent); say.Answer != form.Untrue {
		t.Fatalf("said twice: %+v", say)
	}
	if say := b.expire(sent + 30*sec + 1); say.Answer != form.True || say.Uncertain {
		t.Fatalf("heard: %+v", say)
	}
}

// TestAssets mixes assets within a side and between sides.
func TestAssets(t *testing.T) {
	t.Parallel()
	b := start(t, refunds)
	b.send("charge.captured", `{"charge":"c","asset":"JPY","amount":"100"}`)
	if say := b.send("refund.sent", `{"charge":"c","asset":"BTC","amount":"1"}`); say.Fault == nil || say.Fault.Kind != match.MixedAssets || say.Fault.Value != "BTC" {
		t.Errorf("between sides: %+v", say.Fault)
	}
	if say := b.wait(30); say.Answer != form.Unclear || say.Fault == nil {
		t.Errorf("what cannot be compared is true: %+v", say)
	}
	if say := b.ask("\x00\x00\x00\x01c"); say.Answer != form.Unclear {
		t.Errorf("what cannot be compared is %v", say.Answer)
	}
	b.send("refund.sent", `{"charge":"d","asset":"BTC","amount":"1"}`)
	if say := b.send("refund.sent", `{"charge":"d","asset":"ETH","amount":"1"}`); say.Fault == nil || say.Fault.Value != "ETH" {
		t.Errorf("within a side: %+v", say.Fault)
	}
	if say := b.wait(30); say.Fault == nil {
		t.Errorf("within a side, when it is judged: %+v", say)
	}
	// One has the asset in its key, the other in its condition.
	b = start(t, "join: {a: {event: e, by: [data.asset]}, b: {event: f, by: [data.k], where: 'data.asset == \"BTC\"'}}, within: 1h, settle: 0s, when: sum(a.data.amount) > sum(b.data.amount)")
	b.send("e", `{"asset":"x","amount":"2"}`)
	if say := b.send("f", `{"k":"x","asset":"BTC","amount":"1"}`); say.Fault == nil {
		t.Error("an asset of the key beside one of the condition")
	}
	if say := b.wait(0); say.Fault == nil {
		t.Errorf("when it is judged: %+v", say)
	}
	b.send("e", `{"asset":"BTC","amount":"2"}`)
	if say := b.send("f", `{"k":"BTC","asset":"BTC","amount":"1"}`); say.Fault != nil {
		t.Errorf("one asset: %v", say.Fault)
	}
	if say := b.wait(0); say.Answer != form.True || say.Value != "2" {
		t.Errorf("one asset: %+v", say)
	}
}

// TestSilence ends no alert of levels.
func TestSilence(t *testing.T) {
	t.Parallel()
	b := start(t, "join: {owed: {event: e, by: [data.asset], max_age: 2m}, held: {event: f, by: [data.asset], max_age: 2m}}, within: 10m, when: last(owed.data.amount) > last(held.data.amount)")
	key := "\x00\x00\x00\x03BTC"
	b.send("e", `{"asset":"BTC","amount":"2"}`)
	if say := b.wait(0); say.Answer != form.Untrue {
		t.Fatalf("one side only: %+v", say)
	}
	b.send("f", `{"asset":"BTC","amount":"1"}`)
	if say := b.wait(0); say.Answer != form.True || say.Total != 2 {
		t.Fatalf("it owes more: %+v", say)
	}
	if b.now += 121 * sec; b.ask(key).Answer != form.Unclear {
		t.Errorf("stale: %+v", b.ask(key))
	}
	b.now += 30 * 24 * 3600 * sec
	for i := range 2000 { // the table forgets
		b.send("e", fmt.Sprintf(`{"asset":"%d","amount":"2"}`, i))
	}
	if b.ask(key).Answer != form.Unclear {
		t.Errorf("after a month: %+v", b.ask(key))
	}
	b.send("e", `{"asset":"BTC","amount":"2"}`)
	b.send("f", `{"asset":"BTC","amount":"2"}`)
	if b.ask(key).Answer != form.Untrue {
		t.Errorf("it holds enough: %+v", b.ask(key))
	}
}

// TestTotals counts and adds exactly beyond the entries for which there is room, and
// says so where it cannot.
func TestTotals(t *testing.T) {
	t.Parallel()
	b := start(t, "join: {a: {event: e, by: [data.k]}, b: {event: f, by: [data.k]}}, within: 1h, settle: 0s, when: 'sum(a.data.n) + count(a) > 400000 || max(b.data.n) > 5'")
	const n = window.MaxSummed + 1000
	start := b.now
	for range n {
		b.now += sec / 100
		b.send("e", `{"k":"x","n":2}`)
		b.expire(b.now)
	}
	again, rest, err := b.body.Load(b.state.Append(nil))
	if err != nil || len(rest) > 0 {
		t.Fatal(err)
	}
	b.state = again
	b.send("e", fmt.Sprintf(`{"k":"x","n":%d}`, 400000-3*n))
	say := b.wait(0)
	if say.Answer != form.True || say.Value != decimal.FromInt(400000-n).String() || say.Saturated || say.Total != n+1 || say.Since != start+sec/100 {
		t.Errorf("%+v", say)
	}
	b.wait(0)
	b.now = start + 3600*sec + 5*sec // the window begins among what gave way
	if say := b.send("e", `{"k":"x","n":2}`); !say.Saturated {
		t.Error("nobody is told that the total is not known")
	}
	if say := b.wait(0); say.Answer == form.True {
		t.Errorf("a total that is not known: %+v", say)
	}
	b.now = start + 3600*sec + 20*sec // and after it
	if say := b.send("e", `{"k":"x","n":2}`); say.Saturated {
		t.Error("the total is known again")
	}
}

// TestRecount gives a rule what it forgot.
func TestRecount(t *testing.T) {
	t.Parallel()
	b := start(t, strings.ReplaceAll(refunds, "400d", "1h"))
	late := b.now
	b.now += 48 * 3600 * sec
	b.send("charge.captured", `{"charge":"x","amount":"1"}`)
	r := b.state.(form.Recounter)
	r.Forget(b.now, b.index, b.now-24*3600*sec)
	say := b.sendAt(late, "refund.sent", `{"charge":"c","amount":"1"}`)
	if !say.Recount || !say.Late {
		t.Fatalf("it may have been charged: %+v", say)
	}
	if say := b.wait(31); say.Answer != form.True || !say.Uncertain {
		t.Fatalf("not told again yet: %+v", say)
	}
	charged := form.Back{Entry: window.Entry{Time: late - sec, Ref: window.MakeRef(0, 7), Distinct: []window.Key{hash(nil)}, Nums: []decimal.Decimal{decimal.FromInt(1)}}}
	say.Reset()
	if n := r.Recount(b.now, hash([]byte("\x00\x00\x00\x01c")), []form.Back{charged, charged}, window.MakeRef(b.index, 0), &say); n != 1 || say.Wake == 0 {
		t.Fatalf("%d came back, %+v", n, say)
	}
	if say := b.wait(1); say.Answer != form.Untrue {
		t.Fatalf("it was charged: %+v", say)
	}
	if refs := r.Held(hash([]byte("\x00\x00\x00\x01c"))); len(refs) != 2 {
		t.Errorf("holds %v", refs)
	}
}

// TestSince judges what came after a person looked.
func TestSince(t *testing.T) {
	t.Parallel()
	b := start(t, refunds)
	key := hash([]byte("\x00\x00\x00\x01c"))
	b.send("charge.captured", `{"charge":"c","amount":"1"}`)
	b.send("refund.sent", `{"charge":"c","amount":"2"}`)
	b.wait(30)
	b.send("refund.sent", `{"charge":"c","amount":"3"}`)
	b.wait(30)
	b.state.Accept(key, 2)
	var say form.Say
	if b.state.Since(b.now, key, 2, &say); say.Answer != form.True || !say.Fresh || say.Value != "5" {
		t.Errorf("a refund came since: %+v", say)
	}
	b.state.Accept(key, 3)
	say.Reset()
	if b.state.Since(b.now, key, 2, &say); say.Answer != form.Untrue {
		t.Errorf("nothing came since: %+v", say)
	}
	b.send("refund.sent", `{"charge":"c","amount":"1"}`)
	if b.state.Since(b.now, key, 3, &say); say.Answer != form.Untrue {
		t.Errorf("it is not judged yet: %+v", say)
	}
	if say := b.wait(30); say.Answer != form.True || !say.Fresh {
		t.Errorf("one more: %+v", say)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	for keys, want := range map[string]string{
		refunds: "raises an alert when, after an event of charged and refunded and within 400d before it, the sum of data.amount of refunded is more than the sum of data.amount of charged, where charged are the charge.captured events of one data.charge and refunded are the refund.sent events of one data.charge; sides may lag 30s behind each other.",
		"join: {owed: {event: e, by: [data.a], max_age: 2m}, held: {event: f, by: [data.a], where: 'data.x == 1'}, moved: {event: g, by: []}}, within: 10m, when: last(owed.data.n) > last(held.data.n) || count(moved) >= 3": "raises an alert when, after an event of owed and held and within 10m before it, the newest data.n of owed is more than the newest data.n of held or there are at least 3 moved events, where owed are the e events of one data.a (none if the newest is older than 2m), held are the f events of one data.a where data.x == 1 and moved are the g events of any key.",
	} {
		if got := read(t, keys).Rules[0].Explain(); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", keys, got, want)
		}
	}
}

// BenchmarkState is the step of one event while nothing is true, and what is held of
// a key.
func BenchmarkState(b *testing.B) {
	for _, keys := range []int{1000, 1_000_000} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			set := read(b, "join: {a: {event: e, by: [data.asset, data.k]}, b: {event: f, by: [data.asset, data.k]}}, within: 1h, when: sum(b.data.amount) > sum(a.data.amount)")
			state := set.Rules[0].Body.State()
			clock := form.Clock{Heard: make([]int64, 2)}
			var say form.Say
			one, two := []decimal.Decimal{decimal.FromInt(1)}, []decimal.Decimal{decimal.FromInt(2)}
			e := &form.Event{Behavior: form.LateCounts, Hit: &match.Hit{Key: make([]byte, 24)}}
			now, n := 1000*sec, uint64(0)
			b.ReportAllocs()
			for b.Loop() {
				n++
				now += 10_000
				k := n / 2 % uint64(keys)
				e.Hit.Source, e.Hit.Nums = int(n%2), one
				if n%2 == 0 {
					e.Hit.Source, e.Hit.Nums = 0, two
				} else {
					k = (n / 2) % uint64(keys)
				}
				e.Time, e.Ref, e.Key = now, window.MakeRef(n/1000, int(n%1000)), window.Key{k * 0x9e3779b97f4a7c15, k * 0xc2b2ae3d27d4eb4f}
				say.Reset()
				state.Add(now, e, &say)
				if n%1000 == 0 {
					clock.Now, clock.Heard[0], clock.Heard[1] = now, now, now
					for say.Reset(); state.Expire(clock, &say); say.Reset() {
					}
				}
			}
			b.ReportMetric(float64(state.Bytes())/float64(max(1, state.Keys())), "B/key")
		})
	}
}

package machine

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

// sheds does what the leader does for a bound of what rules remember, and tells which rules
// forgot how many keys, in their order.
func (r *rig) sheds(bound int) (rules []string, keys map[string]int, longest time.Duration) {
	r.t.Helper()
	keys = map[string]int{}
	spent := map[entry.Shed]bool{}
	of := func(s entry.Shed) entry.Shed { s.Part = 0; return s }
	for {
		step, _ := r.m.ToShed(bound, func(s entry.Shed) bool { return spent[of(s)] })
		if step.Rule == "" {
			return rules, keys, longest
		}
		place, _ := r.m.recounted(step.Rule)
		name := r.m.live.set.Rules[place].Name
		n := 0
		for more := true; more; {
			began := time.Now()
			out := r.json(entry.KindShed, step)
			longest = max(longest, time.Since(began))
			r.must(out)
			n, more = n+out.(ShedOutcome).Keys, out.(ShedOutcome).More
		}
		if spent[of(step)] = n == 0; n > 0 && keys[name] == 0 {
			rules = append(rules, name)
		}
		keys[name] += n
	}
}

// held is how much rules remember.
func (r *rig) held() int {
	_, held := r.m.ToShed(math.MaxInt, func(entry.Shed) bool { return true })
	return held
}

const shedRules = `groups:
- name: test
  rules:
  - {alert: Closes, event: payout.sent, by: [data.request], within: 24h, when: distinct(data.payment) >= 2, mitigate: [stop]}
  - {alert: Asks, event: payout.sent, by: [data.request], within: 24h, when: distinct(data.payment) >= 3, mitigate: [{use: stop, mode: approve}]}
  - {alert: Shadows, event: payout.sent, by: [data.request], within: 24h, when: distinct(data.payment) >= 4, mitigate: [{use: stop, mode: shadow}]}
  - {alert: Tells, event: payout.sent, by: [data.request], within: 24h, when: distinct(data.payment) >= 5}
gates:
- {name: btc, mode: enforce}
mitigations:
- {name: stop, action: gate.close, target: btc, mode: enforce}
`

// flood pays that many requests, once each.
func (r *rig) flood(name string, n int) {
	r.t.Helper()
	for n > 0 {
		var events []report.Event
		for range min(n, 5000) {
			events = append(events, payout(fmt.Sprint(name, n), fmt.Sprint(name, n), "p", "a", "1"))
			n--
		}
		r.send(events...)
	}
}

// TestShedOrder has rules forget by how dangerous that is: what can close a gate last, and
// only what must be.
func TestShedOrder(t *testing.T) {
	r := newRig(t, shedRules)
	r.flood("w", 20_000)
	all := r.held()
	for _, c := range []struct {
		bound int
		want  []string
	}{
		{all * 9 / 10, []string{"Tells"}},
		{all * 6 / 10, []string{"Tells", "Shadows"}},
		{all * 35 / 100, []string{"Shadows", "Asks"}},
		{all / 10, []string{"Asks", "Closes"}},
	} {
		rules, _, _ := r.sheds(c.bound)
		if !slices.Equal(rules, c.want) {
			t.Errorf("%d of %d bytes: %v forgot, want %v", c.bound, all, rules, c.want)
		}
		if held := r.held(); held > c.bound {
			t.Errorf("%d bytes are held, at most %d should be", held, c.bound)
		}
		r.restarted()
	}
	severity := map[string]string{}
	for _, a := range r.named(ruleErrors) {
		severity[a.Label("rule")] = a.Label("severity")
		if a.Label("error") != "memory" || a.About.Kind != record.AboutShed || a.Total == 0 || uint64(a.Total) != r.stats(a.Label("rule")).Shed {
			t.Errorf("%+v", a)
		}
	}
	if len(severity) != 4 || severity["Closes"] != "critical" || severity["Asks"] != "warning" || severity["Tells"] != "warning" {
		t.Errorf("told: %v", severity)
	}
}

// TestShedComesBack pays again a request of which the rule has forgotten the first payment
// for want of memory: that comes back from the tape, and the gate closes.
func TestShedComesBack(t *testing.T) {
	r := newRig(t, shedRules)
	r.pay("w1", "p1")
	r.later(time.Hour)
	r.flood("x", 5000)
	if _, keys, _ := r.sheds(1); keys["Closes"] != 5001 {
		t.Fatalf("forgot %v", keys)
	}
	r.pay("w1", "p2")
	r.wantClosed("btc", false)
	r.restarted()
	if n := r.recount(false); n == 0 {
		t.Error("nothing came back")
	}
	r.wantClosed("btc", true)
	r.restarted()
}

// TestShedSpares sheds all that can be: a key with an alert goes last, and its alert does
// not end because of it; one that waits for the tape stays.
func TestShedSpares(t *testing.T) {
	r := newRig(t, shedRules)
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	r.flood("x", 1000)
	spared := r.m.live.set.Rules[0]
	step := entry.Shed{Rule: fmt.Sprintf("%x", spared.ID), Part: 1000}
	if out := r.json(entry.KindShed, step).(ShedOutcome); out.Keys != 1000 || out.More {
		t.Errorf("%+v", out)
	}
	step.Last = true
	if out := r.json(entry.KindShed, step).(ShedOutcome); out.Keys != 1 || out.More {
		t.Errorf("%+v", out)
	}
	r.pay("w1", "p3")
	if !slices.Contains(r.standing(), "Closes") {
		t.Error("what is not known any more ended an alert")
	}
	if out := r.json(entry.KindShed, step).(ShedOutcome); out.Keys != 0 {
		t.Errorf("a key that waits for the tape was forgotten: %+v", out)
	}
	if n := r.recount(false); n != 2 {
		t.Errorf("%d payments came back", n)
	}
	r.restarted()
}

// floods is how many times 10,000 new keys come.
const floods = 15

// TestFlood has new keys come, a million a second: what rules remember
// stays under its bound, no entry takes long, gates answer, and what closes forgets nothing.
func TestFlood(t *testing.T) {
	const closes = `groups:
- name: test
  rules:
  - {alert: Closes, event: payout.sent, by: [data.request], within: 24h, when: distinct(data.payment) >= 2, mitigate: [stop]}
  - {alert: Tells, event: page.rendered, by: [data.page], within: 24h, when: count() >= 2}
gates:
- {name: btc, mode: enforce}
mitigations:
- {name: stop, action: gate.close, target: btc, mode: enforce}
`
	const bound = 3 << 20
	r := newRig(t, closes)
	r.flood("w", 1000)
	most, longest := 0, time.Duration(0)
	for i := range floods {
		var events []report.Event
		for j := range 10_000 {
			id := fmt.Sprint(i, ".", j)
			events = append(events, report.Event{ID: id, Source: "web", Type: "page.rendered", Time: r.now.UnixNano(), Data: fmt.Appendf(nil, `{"page":%q}`, id)})
		}
		r.send(events...)
		r.later(10 * time.Millisecond)
		_, _, took := r.sheds(bound)
		longest = max(longest, took)
		most = max(most, r.held())
	}
	t.Logf("at most %d MB, the longest entry took %v", most>>20, longest)
	if most > bound {
		t.Errorf("%d bytes were held, at most %d should be", most, bound)
	}
	if closes, tells := r.stats("Closes").Shed, r.stats("Tells").Shed; closes != 0 || tells < floods*5000 {
		t.Errorf("Closes forgot %d keys, Tells %d", closes, tells)
	}
	r.pay("w7", "p2")
	r.wantClosed("btc", true)
}

// TestShedPartners has rules about an absence and about two sides forget what was settled:
// an event that comes late is told with what it had, and not alone.
func TestShedPartners(t *testing.T) {
	r := newRig(t, `groups:
- name: test
  rules:
  - {alert: Absent, event: a, by: [data.k], unless: {event: b, within: 1h}}
  - {alert: Unlike, reconcile: {a: {event: a, key: [data.k]}, b: {event: b, key: [data.k]}}, settle: 30s, within: 2h, when: a > b}
`)
	at := r.now
	send := func(kind, key string, at time.Time) {
		t.Helper()
		r.next++
		r.send(report.Event{ID: fmt.Sprint(kind, r.next), Source: "s", Type: kind, Time: at.UnixNano(), Data: fmt.Appendf(nil, `{"k":%q}`, key)})
	}
	for _, key := range []string{"k1", "k2"} {
		send("a", key, at)
		send("b", key, at.Add(time.Second))
	}
	r.later(2 * time.Hour)
	r.tick()
	if _, keys, _ := r.sheds(1); keys["Absent"] != 2 || keys["Unlike"] != 2 {
		t.Fatalf("forgot %v", keys)
	}
	send("a", "k1", at.Add(-time.Minute)) // before b: it is excused, and has no partner of its own
	send("a", "k3", at.Add(-time.Minute))
	r.restarted()
	r.recount(false)
	for range 3 {
		r.later(time.Minute)
		r.tick()
	}
	want := []string{"Absent k3", "Unlike k1", "Unlike k3"}
	var got []string
	for _, a := range r.m.AlertsView() {
		if !a.builtIn() && a.Ended == 0 {
			got = append(got, a.Rule+" "+a.Label("k"))
		}
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("told: %v, want %v", got, want)
	}
	r.restarted()
}

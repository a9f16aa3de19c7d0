package machine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine/dedup"
	"github.com/tomeishi/tomeishi/collector/record"
)

// reusedAlert is the one alert that ids were used again.
func (r *rig) reusedAlert() Alert {
	r.t.Helper()
	all := r.named(eventIDReused)
	if len(all) != 1 {
		r.t.Fatalf("%d alerts %s: %+v", len(all), eventIDReused, all)
	}
	return all[0]
}

// TestUsedID: nobody can hide a payment behind an id that was there before.
func TestUsedID(t *testing.T) {
	base := payout("w-77", "w-77", "tx-a", "a", "1")
	second := payout("w-77", "w-77", "tx-b", "a", "1")
	for _, c := range []struct {
		name   string
		before []report.Event
		closed bool
		reused string // severity of the alert
	}{
		{"the request's id for both payments", []report.Event{base, second}, true, "critical"},
		{"in one batch with a third", []report.Event{base, second, base, second}, true, "critical"},
		{"one id for the attempt and for what was sent", []report.Event{event("w-77", "payout.attempt", `{"request":"w-77"}`), base}, false, ""},
		{"a stranger was first with another type", []report.Event{event("w-77", "noise", `{}`), base, second}, true, "critical"},
		{"a stranger was first with the type", []report.Event{event("w-77", "payout.sent", `{}`), base}, false, "critical"},
		{"a field that no rule reads", []report.Event{base, with(base, `"payment"`, `"memo":"x","payment"`)}, false, "warning"},
		{"the subject", []report.Event{base, about(base, "x")}, false, "warning"},
		{"equal", []report.Event{base, base}, false, ""},
		{"an amount spelled otherwise", []report.Event{base, with(base, `"amount":"1"`, `"amount":"1.00"`)}, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, testRules)
			for i, e := range c.before {
				r.send(e)
				if i%2 == 0 {
					r.restarted()
				}
			}
			r.wantClosed("btc", c.closed)
			got := ""
			if all := r.named(eventIDReused); len(all) == 1 {
				got = all[0].Label("severity")
			} else if len(all) > 1 {
				t.Errorf("alerts %+v", all)
			}
			if got != c.reused {
				t.Errorf("EventIdReused is %q, want %q", got, c.reused)
			}
		})
	}
}

// with changes the data of an event, and about what it is about.
func with(e report.Event, old, is string) report.Event {
	data := strings.Replace(string(e.Data), old, is, 1)
	if data == string(e.Data) {
		panic("no " + old)
	}
	e.Data = []byte(data)
	return e
}

func about(e report.Event, subject string) report.Event {
	e.Subject = subject
	return e
}

func TestRepeatAtAnotherTime(t *testing.T) {
	r := newRig(t, testRules)
	e := payout("e1", "w1", "p1", "a", "1")
	e.Time = r.now.UnixNano()
	r.send(e)
	untimed := e
	untimed.Time, untimed.Seen = 0, r.now.Add(10*time.Minute).UnixNano()
	e.Time = r.now.Add(10 * time.Minute).UnixNano()
	r.later(20 * time.Minute)
	for _, repeat := range []report.Event{e, untimed} {
		if out := r.send(repeat); out != (BatchOutcome{0, 1}) || len(r.named(eventIDReused)) != 0 {
			t.Errorf("a repeat: %+v, %v", out, r.standing())
		}
	}
	e.Time = r.now.UnixNano()
	if out := r.send(e); out != (BatchOutcome{0, 1}) {
		t.Errorf("twenty minutes later by its own time: %+v", out)
	}
	a := r.reusedAlert()
	if a.Label("severity") != "warning" || a.About.Arg("repeats") != "1" || a.About.Arg("other") != "" || len(a.Evidence) != 2 ||
		a.Label("source") != "test" || a.Label("type") != "payout.sent" {
		t.Errorf("alert %+v", a)
	}
}

// TestReusedAlert counts, becomes critical once, and is over an hour after the last
// occasion.
func TestReusedAlert(t *testing.T) {
	r := newRig(t, testRules)
	base := payout("e", "w1", "p1", "a", "1")
	r.send(base)
	r.send(with(base, `"payment"`, `"memo":"x","payment"`))
	warned := r.reusedAlert()
	for i := range 30 {
		r.send(with(base, `"p1"`, fmt.Sprintf(`"p1","memo":%d`, i)))
	}
	r.send(with(base, `"p1"`, `"p2"`))
	a := r.reusedAlert()
	if a.Label("severity") != "critical" || a.ID == warned.ID || a.Total != 32 || a.About.Arg("other") != "32" || len(a.Evidence) != 20 {
		t.Errorf("alert %+v", a)
	}
	if gone, ok := r.m.AlertView(warned.ID); !ok || !gone.Cause.Equal(record.New(record.Regraded)) {
		t.Errorf("the warning: %+v", gone)
	}
	r.send(with(base, `"p1"`, `"p1","memo":"y"`))
	if again := r.reusedAlert(); again.ID != a.ID || again.Label("severity") != "critical" {
		t.Errorf("after another that decides nothing: %+v", again)
	}
	r.later(time.Hour)
	r.tick()
	if got := r.named(eventIDReused); len(got) != 0 {
		t.Errorf("an hour later %+v", got)
	}
}

func TestReusedAlertsAreBounded(t *testing.T) {
	r := newRig(t, testRules)
	for i := range maxReused + 20 {
		e := event("x", "noise", `{"a":1}`)
		e.Source = fmt.Sprint("s", i)
		other := e
		other.Data = []byte(`{"a":2}`)
		r.send(e, other)
	}
	all := r.named(eventIDReused)
	if len(all) != maxReused+1 || all[maxReused].Total != 20 || all[maxReused].Label("over_limit") != "100" {
		t.Errorf("%d alerts, the last %+v", len(all), all[len(all)-1])
	}
}

// TestHorizonOfWhatIsAhead: an event that is five minutes ahead may matter as much
// longer.
func TestHorizonOfWhatIsAhead(t *testing.T) {
	r := newRig(t, strings.Replace(testRules, "within: 1h", "within: 4m\n    lateness: 20m", 1))
	e := payout("e1", "r", "p", "a", "1")
	e.Time = r.now.Add(5 * time.Minute).UnixNano()
	r.send(e)
	r.later(28 * time.Minute)
	if out := r.send(e); out != (BatchOutcome{0, 1}) {
		t.Errorf("28 minutes later: %+v", out)
	}
}

// TestVariesChange: what came under other words of the rules is compared by them.
func TestVariesChange(t *testing.T) {
	varies := "events: {payout.sent: {varies: [sent_at]}}\n"
	at := func(id string, sentAt int) report.Event {
		return with(payout(id, "w1", "p1", "a", "1"), `"payment"`, fmt.Sprintf(`"sent_at":%d,"payment"`, sentAt))
	}
	r := newRig(t, testRules)
	want := func(what string, accepted int, e report.Event) {
		t.Helper()
		r.restarted()
		if out := r.send(e); out.Accepted != accepted {
			t.Errorf("%s: %+v", what, out)
		}
	}
	want("first", 1, at("e1", 1))
	r.load(testRules + varies)
	want("its repeat", 0, at("e1", 1))
	want("another content of before", 1, at("e1", 2))
	want("first after the reload", 1, at("e2", 1))
	want("a redelivery that differs where it may", 0, at("e2", 2))
	r.load(testRules)
	want("the same when it no longer may", 0, at("e2", 3))
	want("first", 1, at("e3", 1))
	want("differs where it may not", 1, at("e3", 2))
	for i := range 3 * maxVaried { // what is remembered is bounded
		r.load(testRules + strings.Replace(varies, "sent_at", fmt.Sprint("f", i), 1))
	}
	if n := len(r.m.Varied["payout.sent"]); n != maxVaried {
		t.Errorf("%d are remembered", n)
	}
	r.later(3 * time.Hour)
	r.load(testRules)
	if n := len(r.m.Varied["payout.sent"]); n > 1 {
		t.Errorf("%d are remembered three hours later", n)
	}
}

// TestRepeatAcrossVersions: what version 2 has applied is not applied again.
func TestRepeatAcrossVersions(t *testing.T) {
	r := newRigAt(t, 2, testRules)
	e := payout("e1", "w1", "p1", "a", "1")
	r.send(e)
	r.must(r.json(entry.KindBehavior, entry.Behavior{Version: 3}))
	r.restarted()
	if out := r.send(e); out != (BatchOutcome{0, 1}) {
		t.Errorf("after the version was raised: %+v", out)
	}
	r.later(3 * time.Hour)
	if out := r.send(e, e); out != (BatchOutcome{1, 1}) {
		t.Errorf("beyond the horizon: %+v", out)
	}
}

// TestRepeatOracle compares random histories, in which ids are used again, data
// comes back spelled otherwise, and the machine is restarted, with a list of all
// that came.
func TestRepeatOracle(t *testing.T) {
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(seed, 9))
		r := newRig(t, testRules+"events: {payout.sent: {varies: [sent_at]}}\n")
		came := map[string]bool{} // source, id, type and data
		for range 400 {
			r.later(time.Duration(rnd.IntN(1400)) * time.Millisecond) // within ten minutes in all
			e := payout(fmt.Sprint("e", rnd.IntN(30)), fmt.Sprint("w", rnd.IntN(3)), "p", "a", fmt.Sprint(rnd.IntN(3)))
			e.Source, e.Type = []string{"s", "t"}[rnd.IntN(2)], []string{"payout.sent", "noise"}[rnd.IntN(2)]
			key := fmt.Sprint(e.Source, e.ID, e.Type, string(e.Data))
			want := BatchOutcome{Accepted: 1}
			if came[key] {
				want = BatchOutcome{Duplicates: 1}
			}
			came[key] = true
			if e.Data = respell(rnd, e.Data); e.Type == "payout.sent" && rnd.IntN(2) == 0 {
				e = with(e, "{", fmt.Sprintf(`{"sent_at":%d,`, rnd.IntN(9)))
			}
			if got := r.send(e); got != want {
				t.Fatalf("seed %d: %s %s: %+v, want %+v", seed, key, e.Data, got, want)
			}
			if rnd.IntN(50) == 0 {
				r.restarted()
			}
		}
	}
}

// respell writes data as payout makes it in another order of keys, and its amount in
// another way.
func respell(rnd *rand.Rand, data []byte) []byte {
	parts := strings.Split(strings.Trim(string(data), "{}"), ",")
	rnd.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	i := slices.IndexFunc(parts, func(p string) bool { return strings.HasPrefix(p, `"amount":`) })
	if amount := strings.TrimSuffix(parts[i], `"`); rnd.IntN(2) == 0 {
		if !strings.Contains(amount, ".") {
			amount += "."
		}
		parts[i] = amount + strings.Repeat("0", 1+rnd.IntN(2)) + `"`
	}
	return []byte("{" + strings.Join(parts, ", ") + "}")
}

// TestForgottenIsTold: more events than there is room for.
func TestForgottenIsTold(t *testing.T) {
	r := newRig(t, testRules)
	r.m.seen = dedup.New(2048)
	r.m.seen.KeepFacts()
	for i := range 5000 {
		r.send(event(fmt.Sprint("n", i), "noise", "{}"))
	}
	if got := r.named(repeatsForgotten); len(got) != 1 || got[0].Label("severity") != "warning" || got[0].About.IsZero() {
		t.Errorf("alerts %+v", got)
	}
}

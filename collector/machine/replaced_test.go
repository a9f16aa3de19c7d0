package machine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules/window"
)

const believesChain = "events: {chain.replaced: {sources: [chain]}}\n"

// replacement says that one payment took the place of another.
func replacement(source, id, payment, replaces string) report.Event {
	e := event(id, "chain.replaced", fmt.Sprintf(`{"payment":%q,"replaces":%q}`, payment, replaces))
	e.Source = source
	return e
}

func (r *rig) replace(source, payment, replaces string) {
	r.t.Helper()
	r.next++
	r.send(replacement(source, fmt.Sprint("r", r.next), payment, replaces))
}

// feesRaised has payments take the place of others, before and after an edit.
func (r *rig) feesRaised() {
	r.t.Helper()
	r.load(metricTestRules + believesChain)
	r.pay("f1", "p1")
	r.replace("chain", "p2", "p1")
	r.replace("test", "p3", "p1")
	r.replace("chain", "p3", "")
	r.pay("f1", "p2")
	r.pay("f2", "q1")
	r.pay("f2", "q2")
	r.replace("chain", "q2", "q1")
	r.load(metricTestRules + strings.Replace(believesChain, "[chain]", "[chain, other]", 1))
	r.recount(false)
}

// replayed is a machine that applied the same entries.
func (r *rig) replayed() *Machine {
	m := New()
	for _, e := range r.tape {
		m.Apply(e)
	}
	return m
}

// aside is what is told of replacements that do not count.
func (r *rig) aside() (about record.Kind) {
	if all := r.named(eventsSetAside); len(all) == 1 {
		return all[0].About.Kind
	}
	return ""
}

// TestFeeIsRaised is that a payment whose fee was raised is one, whoever comes first, and
// that only those make it one who may.
func TestFeeIsRaised(t *testing.T) {
	tx := strings.Repeat("aB", 32)
	p1, p2, p3 := tx+":0", strings.ToLower(tx)[1:]+"1:0", "p3"
	type step func(r *rig)
	pays := func(payment string) step { return func(r *rig) { r.pay("w1", payment) } }
	replaces := func(source, one, other string) step { return func(r *rig) { r.replace(source, one, other) } }
	bumped := []step{pays(p1), replaces("chain", p2, p1), pays(p2)}
	for _, c := range []struct {
		name, rules string
		steps       []step
		closed      bool
		told        record.Kind
	}{
		{"the fee is raised", believesChain, bumped, false, ""},
		{"twice", believesChain, append(slices.Clone(bumped), replaces("chain", p3, p2), pays(p3)), false, ""},
		{"twice, told at once", believesChain, []step{replaces("chain", p3, p2), replaces("chain", p2, p1), pays(p3), pays(p1), pays(p2)}, false, ""},
		{"spelled otherwise", believesChain, []step{pays(strings.ToUpper(p1)), replaces("chain", strings.ToUpper(p2), strings.ToLower(p1)), pays(p2)}, false, ""},
		{"another payment", believesChain, append(slices.Clone(bumped), pays(p3)), true, ""},
		{"of another payment", believesChain, []step{pays(p1), replaces("chain", p2, p3), pays(p2)}, true, ""},
		{"the worker says so", believesChain, []step{pays(p1), replaces("test", p2, p1), pays(p2)}, true, record.AboutSetAside},
		{"nobody is believed", "", bumped, true, record.AboutNotJoined},
		{"it names one payment", believesChain, []step{pays(p1), replaces("chain", p2, ""), replaces("chain", p2, p2), pays(p2)}, true, record.AboutNoPayments},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, testRules+c.rules)
			for _, s := range c.steps {
				s(r)
				r.restarted()
				r.later(time.Minute)
			}
			r.wantClosed("btc", c.closed)
			if told := r.aside(); told != c.told {
				t.Errorf("told %q, want %q", told, c.told)
			}
		})
	}
	r := newRig(t, strings.Replace(testRules, "distinct(data.payment) >= 2", "count() >= 3", 1))
	r.replace("test", "p2", "p1")
	if told := r.aside(); told != "" {
		t.Errorf("told %q where no rule tells payments apart", told)
	}
	old := newRigAt(t, 2, testRules+believesChain)
	old.pay("w1", "p1")
	old.replace("chain", "p2", "p1")
	old.pay("w1", "p2")
	old.wantClosed("btc", true)
}

// TestReplacedAfterwards is that an alert ends when it shows that there was only one
// payment, and that the gate stays closed until a person opens it.
func TestReplacedAfterwards(t *testing.T) {
	r := newRig(t, testRules+believesChain)
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	r.pay("w2", "q1")
	r.pay("w2", "q2")
	r.pay("w2", "q3")
	r.later(time.Minute)
	r.send(replacement("chain", "a", "p2", "p1"), replacement("chain", "b", "q2", "q1"))
	r.restarted()
	r.wantClosed("btc", true)
	standing := r.named("PaidTwice")
	if len(standing) != 1 || standing[0].Label("request") != "w2" || standing[0].Value != "2" {
		t.Errorf("%+v stand", standing)
	}
	ended := r.m.Alerts[slices.IndexFunc(r.m.Alerts, func(a *Alert) bool { return a.Label("request") == "w1" })]
	if ended.Cause.Kind != record.Withdrawn {
		t.Errorf("it ended by %+v", ended.Cause)
	}
	r.replace("chain", "q3", "q1")
	if len(r.named("PaidTwice")) != 0 {
		t.Errorf("%+v stand", r.named("PaidTwice"))
	}
	r.wantClosed("btc", true)
	open := by("bob", VerdictFalse)
	open.Do = entry.DoOpen
	if err := r.decide(open); err != nil {
		t.Fatal(err)
	}
	r.wantClosed("btc", false)
	r.pay("w1", "p1")
	r.wantClosed("btc", false)
	r.pay("w1", "p9")
	r.wantClosed("btc", true)
}

// TestReplacedInAJoin is that rules which compare sides know it too.
func TestReplacedInAJoin(t *testing.T) {
	const rules = `groups:
- name: g
  rules:
  - alert: PaidTwice
    join:
      asked: {event: payout.requested, by: [data.request]}
      paid: {event: payout.sent, by: [data.request]}
    within: 1h
    settle: 1s
    when: distinct(paid.data.payment) > count(asked)
`
	for _, replaced := range []bool{true, false} {
		r := newRig(t, rules+believesChain)
		r.send(event("q", "payout.requested", `{"request":"w1"}`))
		r.pay("w1", "p1")
		if replaced {
			r.replace("chain", "p2", "p1")
		}
		r.pay("w1", "p2")
		r.later(5 * time.Minute)
		r.tick()
		r.restarted()
		if stands := len(r.named("PaidTwice")) == 1; stands == replaced {
			t.Errorf("replaced %v: it stands: %v", replaced, stands)
		}
		r.replace("chain", "p1", "p2")
		if len(r.named("PaidTwice")) != 0 {
			t.Error("it stands of one payment")
		}
	}
}

// TestReplacedWhilePending is that what was to become an alert begins anew.
func TestReplacedWhilePending(t *testing.T) {
	r := newRig(t, strings.Replace(testRules+believesChain, "within: 1h", "within: 1h\n    for: 10m", 1))
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	r.later(9 * time.Minute)
	r.replace("chain", "p2", "p1")
	r.pay("w1", "p3")
	r.later(9 * time.Minute)
	r.tick()
	r.restarted()
	r.wantClosed("btc", false)
}

// TestReplacedBeforeTheRule is that replacements of before an edit are read back from the
// tape, also those of a source that is believed since, and that those of one that no
// longer is count no more.
func TestReplacedBeforeTheRule(t *testing.T) {
	for _, c := range []struct {
		before, after string
		closed        bool
	}{
		{testRules + believesChain, longer("2h") + believesChain, false},
		{testRules, testRules + believesChain, false},
		{strings.Replace(testRules, "distinct(data.payment) >= 2", "count() > 9", 1), testRules + believesChain, false},
		{testRules + believesChain, testRules, true},
		{testRules + believesChain, testRules + strings.Replace(believesChain, "[chain]", "[other]", 1), true},
		{testRules + believesChain, testRules + strings.Replace(believesChain, "[chain]", "[chain, other]", 1), false},
	} {
		r := newRig(t, c.before)
		r.pay("w1", "p1")
		r.replace("chain", "p2", "p0")
		r.replace("chain", "p0", "p1")
		r.later(time.Minute)
		r.load(c.after)
		r.recount(false)
		r.restarted()
		r.pay("w1", "p2")
		r.wantClosed("btc", c.closed)
	}
}

// TestReplacedLongAgo is that of payments which come so late that the rule forgot what
// they count with, it is read from the tape too which took the place of which.
func TestReplacedLongAgo(t *testing.T) {
	for _, replaced := range []bool{true, false} {
		r := newRig(t, testRules+believesChain)
		at := r.now
		r.paidAt("w1", "p1", at)
		if replaced {
			r.replace("chain", "p2", "p1")
		}
		for i := range 1500 { // others come and go, until w1 is swept and p1 is one of its own
			r.later(30 * time.Minute)
			r.pay(fmt.Sprint("x", i), "p")
			r.replace("chain", fmt.Sprint("a", i), fmt.Sprint("b", i))
		}
		if r.m.Aliases.Len() > 2000 {
			t.Fatalf("%d payments are known", r.m.Aliases.Len())
		}
		r.paidAt("w1", "p2", at.Add(20*time.Minute))
		r.wantClosed("btc", false)
		if r.recount(false) == 0 {
			t.Fatal("nothing came back")
		}
		r.restarted()
		r.wantClosed("btc", !replaced)
	}
}

// TestReplacedStaysInUse is that payments which are told again and again stay one, and
// that it is told when there is no room to remember all.
func TestReplacedStaysInUse(t *testing.T) {
	r := newRig(t, testRules+believesChain)
	r.replace("chain", "p2", "p1")
	for i := range 1500 {
		r.later(20 * time.Minute)
		r.pay("w1", fmt.Sprint("p", 1+i%2))
		r.replace("chain", fmt.Sprint("a", i), fmt.Sprint("b", i))
	}
	r.wantClosed("btc", false)
	if told := r.aside(); told != "" {
		t.Errorf("told %q", told)
	}
	var pairs []byte
	for i := range uint64(window.MaxAliases/2 + 1) {
		pairs = appendPair(pairs, window.Key{i, 1}, window.Key{i, 2})
	}
	r.must(r.json(entry.KindRecount, entry.Recount{Aliases: pairs}))
	if told := r.aside(); told != record.AboutManyReplaced || r.named(eventsSetAside)[0].Label("severity") != "critical" {
		t.Errorf("told %q", told)
	}
}

// TestReplacedAtRandom compares which payments make a rule true with what is true by a
// list of groups, in whatever order payments, late ones and replacements come.
func TestReplacedAtRandom(t *testing.T) {
	const requests, payments, within = 3, 8, time.Hour
	fired, joins := 0, 0
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 41))
		r := newRig(t, strings.Replace(testRules, "mitigate: [stop]", "", 1)+believesChain)
		type sent struct {
			at               time.Time
			request, payment int
		}
		var all []sent
		group := make([]int, payments)
		for p := range group {
			group[p] = p
		}
		for i := range 40 {
			r.later(time.Duration(rnd.Int64N(int64(15 * time.Minute))))
			if rnd.IntN(6) == 0 {
				one, other := rnd.IntN(payments), rnd.IntN(payments)
				r.replace("chain", fmt.Sprint("p", one), fmt.Sprint("p", other))
				for p, from := 0, group[other]; p < payments; p++ {
					if group[p] == from {
						joins++
						group[p] = group[one]
					}
				}
			} else {
				s := sent{r.now.Add(-time.Duration(rnd.Int64N(int64(50 * time.Minute)))), rnd.IntN(requests), rnd.IntN(payments)}
				all = append(all, s)
				e := payout(fmt.Sprint("e", i), fmt.Sprint("w", s.request), fmt.Sprint("p", s.payment), "a", "1")
				e.Time = s.at.UnixNano()
				r.send(e)
				is := false
				for _, last := range all {
					seen := map[int]bool{}
					for _, o := range all {
						if o.request == s.request && !o.at.After(last.at) && !o.at.Before(last.at.Add(-within)) {
							seen[group[o.payment]] = true
						}
					}
					holds := !s.at.After(last.at) && !s.at.Before(last.at.Add(-within))
					is = is || last.request == s.request && holds && len(seen) >= 2
				}
				if got := r.m.Stats["test/PaidTwice"].LastFired == r.m.Time; got != is {
					t.Fatalf("seed %d, event %d: it is true: %v, want %v", seed, i, got, is)
				}
				if is {
					fired++
				}
			}
			if rnd.IntN(20) == 0 {
				r.restarted()
				saved := r.m.Snapshot().Bytes
				r.m = New()
				if err := r.m.Restore(bytes.NewReader(saved)); err != nil {
					t.Fatal(err)
				}
			}
			for _, a := range r.named("PaidTwice") { // none stands whose payments are one
				seen := map[int]bool{}
				for _, s := range all {
					if a.Label("request") == fmt.Sprint("w", s.request) {
						seen[group[s.payment]] = true
					}
				}
				if len(seen) < 2 && !a.Past {
					t.Fatalf("seed %d, event %d: %+v stands of one payment", seed, i, a)
				}
			}
		}
		if r.replayed().Hash() != r.m.Hash() {
			t.Fatalf("seed %d: a machine that was restarted is not the one that was not", seed)
		}
	}
	if fired < 100 || joins < 100 {
		t.Errorf("%d times true, %d joined", fired, joins)
	}
}

// TestReplacedToAnother is how a replacement is found out that was none: who is believed
// is believed, and a rule that asks for what a replacement leaves as it is closes.
func TestReplacedToAnother(t *testing.T) {
	r := newRig(t, strings.Replace(testRules, "distinct(data.payment) >= 2", "distinct(data.payment) >= 2 || distinct(data.address, data.amount) >= 2", 1)+believesChain)
	r.send(payout("1", "w1", "p1", "a", "1"))
	r.replace("chain", "p2", "p1")
	r.send(payout("2", "w1", "p2", "a", "1.0"))
	r.wantClosed("btc", false)
	r.replace("chain", "p3", "p1")
	r.send(payout("3", "w1", "p3", "b", "1"))
	r.wantClosed("btc", true)
}

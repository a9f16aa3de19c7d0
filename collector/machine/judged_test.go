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
	"github.com/tomeishi/tomeishi/collector/record"
)

const muchRules = `groups:
- name: g
  rules:
  - {alert: Much, event: payout.sent, by: [data.request], within: 1h, when: sum(data.amount) > 1000, labels: {severity: critical}, mitigate: [stop]}
gates: [{name: btc, mode: enforce}, {name: two, mode: enforce, open: {approvals: 2}}]
mitigations: [{name: stop, action: gate.close, target: btc, mode: enforce}]
`

// paid is what the oracle knows of a payment.
type paid struct {
	index    uint64
	request  string
	amount   int
	accepted bool
}

// oracle is what openings should do, by all payments of the hour.
type judgments struct {
	paid    []paid
	holds   []string // requests because of which the gate is closed
	reached uint64   // index at which the newest of them joined
}

// sum is the amount of a request that counts, and whether any of it came after.
func (o *judgments) sum(request string, after uint64) (sum int, later bool) {
	for _, p := range o.paid {
		if p.request == request && !p.accepted {
			sum += p.amount
			later = later || p.index > after
		}
	}
	return sum, later
}

func (o *judgments) comes(p paid) {
	o.paid = append(o.paid, p)
	if sum, _ := o.sum(p.request, 0); sum > 1000 && !slices.Contains(o.holds, p.request) {
		o.holds, o.reached = append(o.holds, p.request), p.index
	}
}

// opens judges what was read, and what was not.
func (o *judgments) opens(verdict string, asOf, index uint64) {
	judged := o.holds
	o.holds = nil
	if verdict == VerdictFalse {
		for i, p := range o.paid {
			if slices.Contains(judged, p.request) && p.index <= asOf {
				o.paid[i].accepted = true
			}
		}
	}
	for _, request := range judged {
		if sum, later := o.sum(request, asOf); sum > 1000 && later {
			o.holds, o.reached = append(o.holds, request), index
		}
	}
}

// TestOpeningAcceptsWhatWasRead compares openings at random with an oracle that
// knows all payments: what entered after what was read is judged when it opens.
func TestOpeningAcceptsWhatWasRead(t *testing.T) {
	opened, again := 0, 0
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 11))
		r, o := newRig(t, muchRules), &judgments{}
		for n := range 60 {
			r.later(time.Second)
			if len(o.holds) == 0 || rnd.IntN(4) > 0 {
				p := paid{request: fmt.Sprint("w", rnd.IntN(3)), amount: 100 + 100*rnd.IntN(9)}
				r.send(payout(fmt.Sprint("e", n), p.request, fmt.Sprint("p", n), "a", fmt.Sprint(p.amount)))
				p.index = r.index
				o.comes(p)
			} else {
				d := entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "r", Verdict: []string{VerdictReal, VerdictFalse, VerdictTest}[rnd.IntN(3)]}
				asOf, v := o.reached, r.gate("btc")
				switch rnd.IntN(4) {
				case 0: // the newest epoch
				case 1:
					d.Epoch = &v.Epoch
				default:
					asOf += rnd.Uint64N(r.index - o.reached + 1)
					d.AsOf = asOf
				}
				r.decided(r.decide(d))
				o.opens(d.Verdict, asOf, r.index)
				opened++
				again += len(o.holds)
			}
			v := r.gate("btc")
			if v.Closed != (len(o.holds) > 0) || v.Alerts != len(o.holds) || v.Closed && v.Reached != o.reached {
				t.Fatalf("seed %d, step %d: closed %v by %d alerts since %d; want %d since %d: %+v", seed, n, v.Closed, v.Alerts, v.Reached, len(o.holds), o.reached, o.paid)
			}
		}
		r.restarted()
	}
	if opened < 100 || again < 20 {
		t.Errorf("%d openings, %d alerts closed again: this shows nothing", opened, again)
	}
}

// Large amounts that came while a person read small ones.
func TestLaterEvidenceClosesAgain(t *testing.T) {
	for _, verdict := range []string{VerdictFalse, VerdictReal} {
		r := newRig(t, muchRules)
		pays := func(n int, amount string) { r.send(payout(fmt.Sprint("e", n), "w1", fmt.Sprint("p", n), "a", amount)) }
		pays(1, "600")
		pays(2, "600")
		read := r.gate("btc")
		pays(3, "5000")
		pays(4, "7000")
		r.decided(r.decide(entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "r", Verdict: verdict, Epoch: &read.Epoch, AsOf: read.AsOf, Alerts: &read.Alerts}))
		v := r.wantClosed("btc", true)
		if len(v.Holds) != 1 || v.Holds[0].ID == read.Holds[0].ID {
			t.Errorf("%s: %+v", verdict, v.Holds)
		}
		if in := r.m.IncidentsView()[0]; in.Verdict != "" || in.Ended != 0 {
			t.Errorf("%s: the verdict says nothing of what came later: %+v", verdict, in)
		}
		// Now all of it was read.
		v = r.gate("btc")
		r.decided(r.decide(entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "r", Verdict: verdict, AsOf: v.AsOf}))
		r.wantClosed("btc", false)
		if in := r.m.IncidentsView()[0]; in.Ended == 0 || len(r.named("Much")) != 0 {
			t.Errorf("%s: a day would pass until it is over: %+v", verdict, in)
		}
		pays(5, "1") // one more after everything was judged false is told, and stops nothing
		r.wantClosed("btc", verdict == VerdictReal)
		if !slices.Contains(r.standing(), "Much") {
			t.Errorf("%s: nobody is told", verdict)
		}
		r.restarted()
	}
}

// An alert that has ended while its gate stayed closed is judged too.
func TestLaterEvidenceOfAnEndedAlert(t *testing.T) {
	r := newRig(t, muchRules)
	r.send(payout("e1", "w1", "p1", "a", "1001"))
	read := r.gate("btc").AsOf
	r.send(payout("e2", "w1", "p2", "a", "5000"))
	r.later(61 * time.Minute)
	r.tick()
	if len(r.named("Much")) != 0 {
		t.Fatal("it stands")
	}
	r.decided(r.decide(entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "r", Verdict: VerdictFalse, AsOf: read}))
	r.wantClosed("btc", true)
	if a := r.named("Much"); len(a) != 1 || a[0].Label("request") != "w1" {
		t.Errorf("%+v", a)
	}
	r.restarted()
}

// What was read has to be of this ledger, and no older than the holds.
func TestStaleReading(t *testing.T) {
	r := newRig(t, muchRules)
	r.send(payout("e1", "w1", "p1", "a", "1001"))
	read := r.gate("btc").AsOf
	open := entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "r", Verdict: VerdictReal, AsOf: r.index + 2}
	r.refused(open, Conflict, "")
	r.send(payout("e2", "w2", "p2", "a", "1001"))
	open.AsOf = read
	r.refused(open, Conflict, "") // another withdrawal has joined the hold
	one, two := 1, 2
	open.AsOf, open.Alerts = r.index, &one
	r.refused(open, Conflict, "")
	open.Alerts = &two
	r.decided(r.decide(open))
	r.wantClosed("btc", false)
}

// Of two people who agree, the smaller reading counts.
func TestSmallerReadingCounts(t *testing.T) {
	r := newRig(t, strings.Replace(muchRules, "target: btc", "target: two", 1))
	r.send(payout("e1", "w1", "p1", "a", "1001"))
	first := by("alice", VerdictFalse)
	first.Gate, first.AsOf = "two", r.index
	r.agrees(first)
	r.send(payout("e2", "w1", "p2", "a", "5000"))
	second := by("bob", VerdictFalse)
	second.Gate, second.AsOf = "two", r.index
	r.opens(second)
	r.wantClosed("two", true)
}

// An opening of the gate leaves what is held by name, and says so nowhere else.
func TestOpenLeavesNarrowHolds(t *testing.T) {
	r := newRig(t, testRules)
	r.closeFor("btc", map[string]string{"customer": "mallory"})
	if len(r.named(gateClosed)) != 0 {
		t.Error("a hold on one customer is no closed gate")
	}
	r.wantStep("alice", record.New(record.HoldPlaced, "btc", "h1", "customer=mallory", ByPerson, "alice", "because 1"))
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	r.decided(r.decide(entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "r", Verdict: VerdictFalse}))
	v := r.wantClosed("btc", false)
	if len(v.Holds) != 1 || v.Holds[0].Match["customer"] != "mallory" {
		t.Fatalf("the opening lifted it: %+v", v.Holds)
	}
	if in := r.m.IncidentsView()[0]; in.Ended != 0 {
		t.Errorf("a hold of it stands: %+v", in)
	}
	r.decided(r.decide(entry.Decision{Do: entry.DoOpen, Gate: "btc", Reason: "again", Verdict: VerdictFalse})) // it is open
	r.decided(r.decide(entry.Decision{Do: entry.DoOpen, Gate: "btc", Hold: "h1", Reason: "r"}))
	if v := r.gate("btc"); len(v.Holds) != 0 {
		t.Errorf("%+v", v.Holds)
	}
	r.wantStep("alice", record.New(record.HoldReleased, "btc", "h1", "customer=mallory", "", "r"))
}

// What two people release, or one of them alone, is written down as that.
func TestReleasedByTwo(t *testing.T) {
	r := newRig(t, twoRules)
	release := func(actor, verdict string) entry.Decision {
		d := by(actor, verdict)
		d.Hold = r.gate("btc").Holds[0].ID
		return d
	}
	wait := func(d entry.Decision) {
		d.Do = entry.DoOpen
		if out, ok := r.json(entry.KindDecision, d).(Pending); !ok {
			t.Fatalf("%s releases: %v", d.Actor, out)
		}
	}
	r.closeFor("btc", map[string]string{"customer": "mallory"})
	wait(release("alice", VerdictReal))
	r.opens(release("bob", VerdictReal))
	r.wantStep("bob", record.New(record.OpenedByTwo, "btc", "alice", VerdictReal, "bob looked"))
	r.wantStep("bob", record.New(record.HoldReleased, "btc", "h1", "customer=mallory", VerdictReal, "bob looked"))
	r.closeFor("btc", map[string]string{"customer": "mallory"})
	r.later(2 * time.Minute)
	r.opens(release("bob", VerdictFalse))
	r.wantStep("bob", record.New(record.OpenedAlone, "btc", VerdictFalse, "bob looked"))
}

// Payments that nobody meant to stop are told of while they wait.
func TestUnnamedHeld(t *testing.T) {
	r := newRig(t, testRules)
	lacks := func(field string) {
		r.reports("h1", r.said(report.Refused{Gate: "btc/hot", Epoch: r.m.GateEpoch(), Request: "w1", Lacks: field}))
	}
	lacks("customer")
	if len(r.named(unnamedHeld)) != 0 {
		t.Error("no hold names a customer")
	}
	r.closeFor("btc", map[string]string{"customer": "mallory"})
	lacks("customer")
	lacks("customer")
	lacks("wallet")
	a := r.named(unnamedHeld)
	if len(a) != 1 || !a[0].About.Equal(record.New(record.AboutUnnamedHeld, "btc/hot", "customer")) {
		t.Fatalf("%+v", a)
	}
	r.restarted()
	r.openAll("btc")
	if len(r.named(unnamedHeld)) != 0 {
		t.Error("it stands after the hold was released")
	}
}

// More holds by name than a gate can tell its agents close it for all.
func TestManyNarrowHoldsClose(t *testing.T) {
	r := newRig(t, testRules)
	for i := range maxNarrow {
		r.closeFor("btc", map[string]string{"customer": fmt.Sprint("c", i)})
	}
	r.wantClosed("btc", false)
	r.closeFor("btc", map[string]string{"customer": "one more"})
	v := r.wantClosed("btc", true)
	if len(r.named(gateClosed)) != 1 || v.Closers != 1 {
		t.Errorf("%d closers", v.Closers)
	}
	r.refused(entry.Decision{Do: entry.DoClose, Gate: "btc", Reason: "r", Match: map[string]string{"customer": strings.Repeat("x", maxMatch+1)}}, Invalid, "match.customer")
}

// TestRealAndNotStopped: with the verdict that it is real, an alert whose effect waits
// for a person still stands, and the effect can be approved.
func TestRealAndNotStopped(t *testing.T) {
	r := newRig(t, strings.Replace(testRules, "mitigate: [stop]", "mitigate: [ask]", 1))
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	r.wantClosed("btc/hot", false)
	r.must(r.json(entry.KindDecision, entry.Decision{Do: entry.DoVerdict, Actor: "bob", Incident: "i1", Verdict: VerdictReal, Reason: "seen"}))
	if !slices.Contains(r.standing(), "PaidTwice") {
		t.Fatalf("standing %v", r.standing())
	}
	if err := r.decide(entry.Decision{Do: entry.DoApprove, Effect: r.newestEffect().ID}); err != nil {
		t.Fatal(err)
	}
	r.wantClosed("btc/hot", true)
}

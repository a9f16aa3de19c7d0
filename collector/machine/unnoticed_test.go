package machine

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// TestUnnoticed states what all of this is for: of two real payments for one
// request, nothing that is wrong with a deployment lets the second pass unnoticed.
// Within a minute of its acceptance the gate is closed, or an alert stands about
// Tomeishi itself that takes its status from well.
func TestUnnoticed(t *testing.T) {
	for seed := range 12 * uint64(len(wrongs())) {
		f := wrongs()[seed%uint64(len(wrongs()))]
		t.Run(fmt.Sprintf("%s/%d", f.name, seed), func(t *testing.T) {
			t.Parallel()
			d := deploy(t, seed)
			d.live(time.Duration(5+d.rnd.IntN(10)) * time.Minute)
			if s := d.standing(); !slices.Equal(s, []string{watchdog}) {
				t.Fatalf("before anything is wrong: %v", s)
			}
			f.happens(d)
			d.fault, d.quiet = f, d.rnd.IntN(2) == 0
			d.live(time.Duration(d.rnd.IntN(300)) * time.Second)
			d.pays("twice", "first")
			d.live(time.Duration(d.rnd.Int64N(int64(d.within / 2))))
			if f.between != nil {
				f.between(d)
			}
			d.pays("twice", "second")
			d.live(f.away)
			d.offline = false
			for i := 0; i < 60 && !d.noticed(f.told); i++ {
				d.live(time.Second)
			}
			if !d.noticed(f.told) {
				t.Errorf("the second payment passed unnoticed: standing %v, want %s", d.standing(), cmp.Or(f.told, "a closed gate"))
			}
			d.declared()
		})
	}
}

// A wrong is one thing that is wrong.
type wrong struct {
	name    string
	begin   func(d *deployment)                  // when it begins
	event   func(d *deployment, e *report.Event) // what becomes of each event of the application
	between func(d *deployment)                  // between the two payments
	away    time.Duration                        // how long nothing arrives
	told    string                               // an alert that says so; empty: the gate must close
}

func (f wrong) happens(d *deployment) {
	if f.begin != nil {
		f.begin(d)
	}
	d.offline = f.away > 0
}

func wrongs() []wrong {
	renamed := func(from, to string) func(*deployment, *report.Event) {
		return func(_ *deployment, e *report.Event) {
			e.Data = []byte(strings.ReplaceAll(string(e.Data), `"`+from+`"`, `"`+to+`"`))
		}
	}
	clock := func(off time.Duration) func(*deployment, *report.Event) {
		return func(d *deployment, e *report.Event) { e.Time = d.now.Add(off).UnixNano() }
	}
	return []wrong{
		{name: "nothing is wrong"},
		{name: "the key is renamed", event: renamed("request", "reqest"), told: unreadable},
		{name: "the value is renamed", event: renamed("payment", "txid"), told: unreadable},
		{name: "data as JSON text", told: unreadable, event: func(_ *deployment, e *report.Event) { e.Data = fmt.Appendf(nil, "%q", e.Data) }},
		{name: "data as a list", told: unreadable, event: func(_ *deployment, e *report.Event) { e.Data = fmt.Appendf(nil, "[%s]", e.Data) }},
		{name: "the type is spelled otherwise", told: unreadable, event: func(_ *deployment, e *report.Event) { e.Type = "payout_sent" }},
		{name: "the key is empty", told: unreadable, event: func(_ *deployment, e *report.Event) {
			e.Data = []byte(strings.ReplaceAll(string(e.Data), `"twice"`, `""`))
			e.Data = []byte(strings.ReplaceAll(string(e.Data), `"w`, `"`))
			e.Data = []byte(strings.ReplaceAll(string(e.Data), `"request":"`, `"request":"","was":"`))
		}},
		{name: "a clock that is behind", event: clock(-9 * time.Hour)},
		{name: "a clock of 1970", event: func(_ *deployment, e *report.Event) { e.Time = 1 }},
		{name: "a clock that is ahead", event: clock(9 * time.Hour)},
		{name: "one id for all payments of a request", event: func(_ *deployment, e *report.Event) {
			if strings.Contains(string(e.Data), `"twice"`) {
				e.ID = "twice"
			}
		}},
		{name: "another's event took the id", begin: func(d *deployment) {
			for _, id := range []string{"first", "second"} {
				d.send(report.Event{Source: "payer", ID: id, Type: "noise", Data: []byte("{}")})
			}
		}, event: func(_ *deployment, e *report.Event) {
			for _, id := range []string{"first", "second"} {
				if strings.Contains(string(e.Data), `"`+id+`"`) {
					e.ID = id
				}
			}
		}},
		{name: "an outage longer than the window", away: 60 * time.Hour},
		{name: "the first comes days late", begin: func(d *deployment) { d.hold = "first" }, between: firstComesLate},
		{name: "the first comes days late, and no tape", told: "EventsLate", begin: func(d *deployment) { d.hold, d.noTape = "first", true }, between: firstComesLate},
		{name: "the rule is edited", between: func(d *deployment) {
			d.load(strings.Replace(d.rules, d.within.String(), (2 * d.within).String(), 1))
		}},
		{name: "the rule is edited, and no tape", told: "EventsLate", begin: func(d *deployment) { d.noTape = true }, between: func(d *deployment) {
			d.load(strings.Replace(d.rules, d.within.String(), (2 * d.within).String(), 1))
		}},
		{name: "blocks are lost", told: "AgentBlind", between: func(d *deployment) { d.seq += 3 }},
		{name: "the spool is lost", between: func(d *deployment) { d.spool, d.seq, d.prev = report.SpoolID{9}, 0, [32]byte{} }},
		{name: "an old image of the agent", begin: func(d *deployment) { d.saved() }, between: func(d *deployment) { d.restoredImage() }},
		{name: "an image older than what is remembered", begin: func(d *deployment) { d.saved(); d.live(2 * time.Hour) }, between: func(d *deployment) { d.restoredImage() }},
		{name: "a sequence far ahead in the agent's name", begin: func(d *deployment) {
			far := block(report.Head{Agent: "payer1", Spool: d.spool, Seq: 1 << 40}, event("far", "noise", "{}"))
			d.blocks(far)
		}},
		{name: "the rule is removed", told: "GateUnguarded", begin: func(d *deployment) { d.load(withoutRule) }},
		{name: "the rule is disarmed", told: "GateUnguarded", begin: func(d *deployment) {
			d.load(strings.Replace(d.rules, "mitigate: [stop]", "mitigate: [{use: stop, mode: shadow}]", 1))
		}},
		{name: "automatic effects are off", told: "AutomaticOff", begin: func(d *deployment) {
			d.json(entry.KindDecision, entry.Decision{Do: entry.DoSwitch, Actor: "alice", Reason: "moved"})
		}},
		{name: "the collector restarts", between: func(d *deployment) { d.restarted() }},
		{name: "reloads that change nothing of it", between: func(d *deployment) {
			d.load(d.rules + "- {name: another, action: gate.close, target: btc}\n")
		}},
	}
}

// unreadable is what tells of events that cannot be read: many, or the first.
const unreadable = "RuleBlind or RuleErrors"

func firstComesLate(d *deployment) {
	d.pays("twice", "second")
	d.hold = ""
	d.live(75 * time.Hour)
	d.waiting, d.held = append(d.waiting, d.held...), nil
}

const unnoticedRules = `groups:
- name: money
  rules:
  - alert: PaidTwice
    event: payout.sent
    by: [data.request]
    within: WITHIN
    when: distinct(data.payment) >= 2
    labels: {severity: critical}
    mitigate: [stop]
gates:
- {name: btc, mode: enforce}
mitigations:
- {name: stop, action: gate.close, target: btc, mode: enforce}
`

var _, withoutRule, _ = strings.Cut(unnoticedRules, "mitigate: [stop]\n")

// A deployment is one payer with its agent, whose blocks reach the machine, in
// virtual time.
type deployment struct {
	*rig
	rnd    *rand.Rand
	rules  string
	within time.Duration
	fault  wrong

	spool   report.SpoolID
	seq     uint64
	prev    [32]byte
	waiting []report.Event // at the agent, not yet in a block
	sent    []report.Event // in blocks; the agent still has the newest of them
	offline bool
	hold    string // the payment that waits elsewhere
	held    []report.Event
	image   *deployment
	noTape  bool // nothing can be read back
	quiet   bool // nothing else is paid

	paid int
	beat time.Time // the last
}

func deploy(t *testing.T, seed uint64) *deployment {
	d := &deployment{rnd: rand.New(rand.NewPCG(seed, 11)), spool: report.SpoolID{1}}
	d.within = []time.Duration{10 * time.Minute, time.Hour, 24 * time.Hour}[d.rnd.IntN(3)]
	d.rules = strings.Replace(unnoticedRules, "WITHIN", d.within.String(), 1)
	d.rig = newRig(t, d.rules)
	d.json(entry.KindLead, entry.Lead{})
	return d
}

// live lets time pass: payments of other requests, beats, samples and ticks.
func (d *deployment) live(span time.Duration) {
	step := time.Second
	if span > time.Hour {
		step = 5 * time.Second
	}
	if span > 10*time.Hour {
		step = 20 * time.Second
	}
	if span > 50*time.Hour {
		step = 10 * time.Minute // and the agent is silent in between
	}
	for end := d.now.Add(span); d.now.Before(end); {
		d.later(step)
		if !d.quiet && d.rnd.IntN(5) == 0 {
			d.paid++
			d.pays(fmt.Sprint("w", d.paid), fmt.Sprint("p", d.paid))
		}
		if d.now.Sub(d.beat) >= 15*time.Second {
			d.beat = d.now
			d.waiting = append(d.waiting, report.Event{Type: report.BeatType, Source: "tomeishi/agent/payer1", ID: fmt.Sprint("beat", d.now.UnixNano())})
		}
		d.deliver()
		d.tick()
		if !d.noTape && d.m.Recounter() != nil {
			d.recount(false)
		}
	}
}

// pays has the application report a payment.
func (d *deployment) pays(request, payment string) {
	e := payout("id-"+payment, request, payment, "a", "1")
	e.Source, e.Seen = "payer", d.now.UnixNano()
	if d.fault.event != nil {
		d.fault.event(d, &e)
	}
	if payment == d.hold {
		e.Time = d.now.UnixNano()
		d.held = append(d.held, e)
		return
	}
	d.waiting = append(d.waiting, e)
}

// deliver sends what waits as one block, as an agent does: with a new spool when
// it is told that another has its name, and again what the old one still had.
func (d *deployment) deliver() {
	if d.offline || len(d.waiting) == 0 {
		return
	}
	d.speaks("payer1")
	var b report.Builder
	for i := range d.waiting {
		d.waiting[i].Seen = max(d.waiting[i].Seen, 1)
		b.Add(&d.waiting[i])
	}
	d.seq++
	next := report.Block{Head: report.Head{Agent: "payer1", Spool: d.spool, Seq: d.seq, Prev: d.prev}, Batch: b.Batch()}
	if out := d.blocks(next); out.Clone {
		d.spool, d.seq, d.prev = report.SpoolID{byte(d.rnd.Uint32()), byte(d.rnd.Uint32()), 7}, 0, [32]byte{}
		d.deliver()
		return
	}
	d.prev = next.Batch.Digest()
	d.sent, d.waiting = append(d.sent, d.waiting...), nil
}

// saved keeps an image of the agent's data folder.
func (d *deployment) saved() {
	c := *d
	c.waiting = slices.Clone(d.waiting)
	d.image = &c
}

// restoredImage puts the image back.
func (d *deployment) restoredImage() {
	d.spool, d.seq, d.prev = d.image.spool, d.image.seq, d.image.prev
}

// noticed tells whether the gate is closed or the alert stands that should say so.
func (d *deployment) noticed(told string) bool {
	return d.gate("btc").Closed || slices.ContainsFunc(strings.Split(told, " or "), func(t string) bool { return slices.Contains(d.standing(), t) })
}

package web

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/rules"
)

// Bounds of what the first page shows; the rest is counted and linked.
const (
	maxClosed  = 10
	maxWaiting = 10
	maxGroups  = 10
	maxMap     = 240
	maxNamed   = 8
	maxGuarded = 8
)

// first is the first page: what matters, the gravest first.
type first struct {
	Closed     []*gateCard
	MoreClosed int
	Waiting    []waiting // effects that wait for approval
	MoreWait   int
	Automatic  machine.Automatic
	Problem    *refused // of the switch's form
	Guarded    []guarded
	MoreGuard  int
	Groups     []group
	MoreGroups int
	Severities []severity
	Hosts      hostMap
	Trouble    []string
	Own        []machine.Alert // about Tomeishi itself
	MoreOwn    int
	Proof      proof
}

// A waiting effect is one that a person may approve.
type waiting struct {
	machine.Effect
	Rule, Text string
	Does       string // what happens if they do
}

// A proof is why to believe that all is well.
type proof struct {
	Watchdog int64 // when the path from an agent to the machine worked last; 0 if it is not known
	Rules    int
	Live     time.Time
	Gates    int
}

// shownElsewhere are the built-in alerts that this page shows as what they are
// about; those of agents are shown with the hosts.
var shownElsewhere = []string{"GateClosed", "AutomaticOff", "Watchdog"}

// watchdogAge is how old the last sign of the Watchdog may be that proves
// something.
const watchdogAge = 2 * time.Minute

// Proven tells whether the path from an agent to the machine is known to work.
func (f *first) Proven() bool {
	return f.Proof.Watchdog != 0 && time.Since(time.Unix(0, f.Proof.Watchdog)) < watchdogAge
}

// Calm tells whether there is nothing to do.
func (f *first) Calm() bool {
	return len(f.Closed) == 0 && len(f.Waiting) == 0 && len(f.Groups) == 0 && !f.Automatic.Off &&
		len(f.Hosts.Named) == 0 && len(f.Trouble) == 0 && len(f.Own) == 0 && f.Proof.Rules > 0
}

func (w *Web) overview(rw http.ResponseWriter, r *http.Request) { w.overviewAs(rw, r, nil) }

func (w *Web) overviewAs(rw http.ResponseWriter, r *http.Request, p *refused) {
	f := &first{Automatic: w.o.Machine.AutomaticView(), Problem: p}
	by := w.reader(r)
	w.firstGates(f, by)
	alerts := w.o.Machine.AlertsView()
	f.Groups, f.MoreGroups, f.Severities = w.groups(alerts, by.Lang)
	f.Hosts = w.hostMap(alerts)
	f.Proof.Watchdog = w.o.Machine.LastBeat()
	for _, a := range alerts {
		switch {
		case !isOwn(a) || a.Label("agent") != "" || slices.Contains(shownElsewhere, a.Rule):
		case len(f.Own) == maxNamed:
			f.MoreOwn++
		default:
			f.Own = append(f.Own, a)
		}
	}
	f.Trouble = w.o.Views.Trouble()
	live, _, since := w.o.Machine.RulesView()
	f.Proof.Rules, f.Proof.Live = len(live)+len(w.o.Machine.MetricRulesView()), since
	w.pageAs(rw, r, statusOf(p), "overview", f)
}

// firstGates fills in what is closed, what waits, and what may happen by itself.
func (w *Web) firstGates(f *first, by reader) {
	views, _ := w.o.Machine.GatesView()
	f.Proof.Gates = len(views)
	for _, v := range views {
		switch {
		case !v.Closed && len(v.Holds) == 0:
		case len(f.Closed) == maxClosed:
			f.MoreClosed++
		default:
			c := w.gateCard(v, by)
			c.Next = "/"
			f.Closed = append(f.Closed, c)
		}
	}
	slices.SortStableFunc(f.Closed, func(a, b *gateCard) int { // those that are closed before those that hold one payment
		return cmp.Or(cmp.Compare(b2i(b.GateView.Closed), b2i(a.GateView.Closed)), cmp.Compare(a.Since, b.Since))
	})
	for _, one := range w.waitingFor(by, "") {
		if len(f.Waiting) == maxWaiting {
			f.MoreWait++
			continue
		}
		f.Waiting = append(f.Waiting, one)
	}
	f.Guarded = w.guardedGates(views)
	f.MoreGuard = max(0, len(f.Guarded)-maxGuarded)
	f.Guarded = f.Guarded[:min(len(f.Guarded), maxGuarded)]
}

// waitingFor are the effects that wait for a person's approval, on one target
// or, if it is empty, on all.
func (w *Web) waitingFor(by reader, target string) (out []waiting) {
	for _, e := range by.effects() {
		if e.State != machine.Planned || e.Mode != rules.Approve || target != "" && e.Target != target {
			continue
		}
		if a, ok := w.o.Machine.AlertView(e.Alert); ok && a.Ended == 0 { // else it can no longer be approved
			out = append(out, waiting{e, a.Rule, w.o.Message.SummaryIn(by.Lang, a), w.o.Message.Words(by.Lang).Does(e)})
		}
	}
	return out
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

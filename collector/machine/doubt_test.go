package machine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

// beatOf is a beat made now.
func (r *rig) beatOf(doubts ...report.Doubt) report.Event {
	r.t.Helper()
	data, err := json.Marshal(report.Beat{Doubts: doubts})
	if err != nil {
		r.t.Fatal(err)
	}
	return report.Event{Type: report.BeatType, Seen: r.now.UnixNano(), Data: data}
}

// doubted are the alerts that stand, as "agent why", and how many agents answer
// for each gate by themselves.
func (r *rig) doubted() (alerts []string, gates map[string]int) {
	for _, a := range r.named(agentInDoubt) {
		alerts = append(alerts, strings.TrimSpace(a.Label("agent")+" "+a.Label("why")+" "+a.Label("gate")))
	}
	gates = map[string]int{}
	views, _ := r.m.GatesView()
	for _, v := range views {
		if one, _ := r.m.GateView(v.Name); one.InDoubt != v.InDoubt {
			r.t.Errorf("gate %s: %d and %d", v.Name, one.InDoubt, v.InDoubt)
		}
		if v.InDoubt > 0 {
			gates[v.Name] = v.InDoubt
		}
	}
	slices.Sort(alerts)
	return alerts, gates
}

func TestAgentInDoubt(t *testing.T) {
	r := newRig(t, testRules)
	all, _ := r.m.GatesView()
	first := all[0].Name
	want := func(what string, gates map[string]int, alerts ...string) {
		t.Helper()
		gotAlerts, gotGates := r.doubted()
		if !slices.Equal(gotAlerts, alerts) || fmt.Sprint(gotGates) != fmt.Sprint(gates) {
			t.Errorf("%s: %q %v, want %q %v", what, gotAlerts, gotGates, alerts, gates)
		}
	}
	enforced := map[string]int{}
	for _, g := range all {
		if g.Mode.String() == "enforce" {
			enforced[g.Name] = 1
		}
	}
	if len(enforced) == 0 {
		t.Fatal("no gate is enforced")
	}
	memory, lease := report.Doubt{Why: report.DoubtMemory}, report.Doubt{Why: report.DoubtLease, Gates: []string{first, "unknown"}}

	r.reports("h1", r.beatOf(memory))
	want("one agent, all gates", enforced, "h1 memory")
	a := r.named(agentInDoubt)[0]
	if !a.About.Equal(record.New(record.AboutDoubtMemory, "h1")) || a.Label("severity") != "warning" {
		t.Errorf("%+v", a)
	}
	r.later(15 * time.Second)
	r.reports("h1", r.beatOf(memory))
	if got := r.named(agentInDoubt); len(got) != 1 || got[0].ID != a.ID {
		t.Errorf("it did not go on: %+v", got)
	}
	r.restarted()
	r.reports("h1", r.beatOf(lease))
	r.reports("h2", r.beatOf(lease, report.Doubt{Why: "a later version's"}))
	want("two agents, one gate", map[string]int{first: 2}, "h1 lease "+first, "h2 lease "+first)

	// What had to wait says nothing of now, neither way.
	old := r.beatOf()
	r.later(2 * time.Minute)
	r.reports("h1", old)
	want("an old beat", map[string]int{first: 2}, "h1 lease "+first, "h2 lease "+first)
	r.send(func() report.Event { ev := r.beatOf(); ev.ID, ev.Source = "x", "tomeishi/agent/h1"; return ev }())
	want("a beat that no agent sent", map[string]int{first: 2}, "h1 lease "+first, "h2 lease "+first)
	r.reports("h1", report.Event{Type: report.BeatType, Seen: r.now.UnixNano(), Data: []byte("{")})
	want("a beat that cannot be read", map[string]int{first: 2}, "h1 lease "+first, "h2 lease "+first)
	r.reports("h1", r.beatOf())
	want("over at one", map[string]int{first: 1}, "h2 lease "+first)

	r.later(time.Hour)
	r.tick()
	r.restarted()
	want("silent", map[string]int{first: 1}, "h2 lease "+first)
	r.json(entry.KindDecision, entry.Decision{Do: entry.DoForget, Agent: "h2", Actor: "p", Reason: "gone"})
	want("forgotten", map[string]int{})
}

// TestEventsStayAway: an agent that measures and whose events do not come is told.
func TestEventsStayAway(t *testing.T) {
	r := newRig(t, testRules)
	muted := func(what string, want ...string) {
		t.Helper()
		var got []string
		for _, a := range r.named(agentSilent) {
			if a.Label("of") == "events" {
				got = append(got, a.Label("agent"))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	seconds := func(n int) {
		for range n {
			r.later(time.Second)
			r.speaks("h1")
		}
	}
	seconds(60)
	muted("known of late")
	seconds(1)
	muted("never had a beat", "h1")
	r.reports("h1", r.beatOf())
	seconds(59)
	muted("a beat of late")
	r.reports("h1", report.Event{Type: report.BeatType, Seen: 1}) // one that had to wait is one
	seconds(59)
	muted("an old beat of late")
	seconds(1)
	muted("none for a minute", "h1")
	r.restarted()
	seconds(100)
	muted("still none", "h1")
	r.reports("h1", r.beatOf())
	muted("heard again")
	r.later(time.Hour)
	r.json(entry.KindLead, entry.Lead{})
	seconds(59)
	muted("no collector served")
	seconds(1)
	muted("one did", "h1")
	r.later(time.Hour)
	r.tick()
	r.json(entry.KindDecision, entry.Decision{Do: entry.DoForget, Agent: "h1", Actor: "p", Reason: "gone"})
	muted("forgotten")
}

// TestAnotherGateInDoubt: that an agent answers by itself for one gate more is told.
func TestAnotherGateInDoubt(t *testing.T) {
	var gates strings.Builder
	var names []string
	for i := range maxDoubtAlerts + 1 {
		names = append(names, fmt.Sprint("g", i))
		fmt.Fprintf(&gates, "- {name: g%d, mode: enforce, closed_by: people}\n", i)
	}
	r := newRig(t, "gates:\n"+gates.String())
	says := func(gates ...string) (alerts []string) {
		t.Helper()
		r.later(15 * time.Second)
		r.reports("h1", r.beatOf(report.Doubt{Why: report.DoubtKeep, Gates: gates}))
		r.restarted()
		alerts, _ = r.doubted()
		return alerts
	}
	for _, c := range []struct{ gates, want []string }{
		{names[:1], []string{"h1 keep g0"}},
		{[]string{"g1", "g0", "g1"}, []string{"h1 keep g0", "h1 keep g1"}},
		{names[1:2], []string{"h1 keep g1"}},
		{names, []string{"h1 keep"}},
		{[]string{"of tomorrow"}, []string{"h1 keep"}},
		{names[:1], []string{"h1 keep g0"}},
	} {
		if got := says(c.gates...); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.gates, got, c.want)
		}
	}
	if a := r.named(agentInDoubt)[0]; !a.About.Equal(record.New(record.AboutDoubtKeep, "h1", "g0")) {
		t.Errorf("%v", a.About)
	}
	r.later(time.Hour)
	r.tick()
	r.json(entry.KindDecision, entry.Decision{Do: entry.DoForget, Agent: "h1", Actor: "p", Reason: "gone"})
	if alerts, _ := r.doubted(); len(alerts) > 0 {
		t.Errorf("forgotten: %q", alerts)
	}
}

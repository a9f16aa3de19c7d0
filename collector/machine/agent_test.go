package machine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

// named are the standing alerts of a built-in name.
func (r *rig) named(name string) (out []Alert) {
	for _, a := range r.m.AlertsView() {
		if a.Rule == name {
			out = append(out, a)
		}
	}
	return out
}

func (r *rig) agent(id string) Agent {
	r.t.Helper()
	for _, a := range r.m.AgentsView() {
		if a.ID == id {
			return a
		}
	}
	r.t.Fatalf("no agent %s", id)
	return Agent{}
}

func TestAgentSilent(t *testing.T) {
	r := newRig(t, testRules)
	if out := r.speaks("host1"); out.Through != r.now.UnixMilli() {
		t.Errorf("through %d, want %d", out.Through, r.now.UnixMilli())
	}
	heard := r.now
	if due, want := r.m.Due(), heard.Add(30*time.Second).UnixNano(); due != want {
		t.Fatalf("due %d, want %d", due, want)
	}
	r.later(30*time.Second - 1)
	r.tick()
	if len(r.named(agentSilent)) != 0 {
		t.Fatal("silent too early")
	}
	r.later(1)
	r.tick()
	alerts := r.named(agentSilent)
	if len(alerts) != 1 || alerts[0].Label("agent") != "host1" || alerts[0].Label("severity") != "warning" || alerts[0].Since != heard.UnixNano() {
		t.Fatalf("alerts %+v", alerts)
	}
	if a := alerts[0]; !a.Rendered() || !a.About.Equal(record.New(record.AboutAgentSilent, "host1")) || a.Annotations != nil {
		t.Errorf("annotations %+v", a.Annotations)
	}
	if !r.agent("host1").Silent || r.m.Due() != 0 {
		t.Errorf("agent %+v, due %d", r.agent("host1"), r.m.Due())
	}
	r.later(48 * time.Hour)
	r.tick()
	if len(r.named(agentSilent)) != 1 {
		t.Error("time alone ended a silence")
	}
	r.json(entry.KindLead, entry.Lead{})
	r.speaks("host1")
	if len(r.named(agentSilent)) != 0 || r.agent("host1").Silent || r.m.Due() != r.now.Add(30*time.Second).UnixNano() {
		t.Errorf("agent %+v, due %d", r.agent("host1"), r.m.Due())
	}
	// Blocks are heard too, and delivered again as well.
	b := block(report.Head{Agent: "host1", Spool: report.SpoolID{1}, Seq: 1}, event("1", "x", "{}"))
	for range 3 {
		r.later(20 * time.Second)
		r.blocks(b)
	}
	if len(r.named(agentSilent)) != 0 {
		t.Error("blocks are not heard")
	}
}

// A collector that was down has heard nobody: that is not silence.
func TestDowntimeIsNotSilence(t *testing.T) {
	for _, kind := range []entry.Kind{entry.KindLead, entry.KindRestored} {
		r := newRig(t, testRules)
		r.speaks("host1")
		r.later(time.Hour)
		r.must(r.json(kind, struct{}{}))
		r.later(29 * time.Second)
		r.tick()
		if got := r.named(agentSilent); len(got) != 0 {
			t.Errorf("kind %d: silent %s after it served again", kind, 29*time.Second)
		}
		r.later(time.Second)
		r.tick()
		if got := r.named(agentSilent); len(got) != 1 || got[0].Since != r.now.Add(-30*time.Second).UnixNano() {
			t.Errorf("kind %d: %+v, want silence since it served", kind, got)
		}
	}
}

// Samples every second ask for a tick once in a while, not every second.
func TestSilenceCostsFewTicks(t *testing.T) {
	r := newRig(t, testRules)
	ticks := 0
	for second := range 600 {
		for i := range 10 {
			if second%15 == 0 {
				r.reports(fmt.Sprint("host", i), r.beatOf())
			}
			r.speaks(fmt.Sprint("host", i))
			r.later(50 * time.Millisecond)
			if due := r.m.Due(); due == 0 {
				t.Fatal("nothing is due: a silence would not be seen")
			} else if due <= r.now.UnixNano() {
				r.tick()
				ticks++
			}
		}
		r.later(500 * time.Millisecond)
	}
	if ticks > 10*600/30 {
		t.Errorf("%d ticks in 600 s for 10 agents", ticks)
	}
	if s := r.standing(); !slices.Equal(s, []string{watchdog}) {
		t.Errorf("alerts %v", s)
	}
}

func TestLanes(t *testing.T) {
	type turn struct {
		lane  byte
		after time.Duration
	}
	for _, c := range []struct {
		name  string
		turns []turn
		want  bool
	}{
		{"one", []turn{{1, 0}, {1, time.Second}, {1, time.Hour}}, false},
		{"a new data folder", []turn{{1, 0}, {2, time.Second}, {2, time.Second}}, false},
		{"two senders", []turn{{1, 0}, {2, time.Second}, {1, time.Second}}, true},
		{"just in ten minutes", []turn{{1, 0}, {2, time.Second}, {1, 10 * time.Minute}}, true},
		{"an old disk much later", []turn{{1, 0}, {2, time.Second}, {1, 10*time.Minute + 1}}, false},
		{"three senders", []turn{{1, 0}, {2, time.Second}, {3, time.Second}, {1, time.Second}}, true},
		{"new ones all the time", []turn{{1, 0}, {2, 1}, {3, 1}, {4, 1}, {5, 1}, {6, 1}, {7, 1}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, testRules)
			for _, turn := range c.turns {
				r.later(turn.after)
				r.must(r.apply(entry.KindSamples, samples("host1", turn.lane, r.now, r.now)))
			}
			if got := len(r.named(agentCloned)) == 1; got != c.want {
				t.Errorf("cloned: %v, want %v", got, c.want)
			}
			if n := len(r.agent("host1").Former); n > maxFormer {
				t.Errorf("%d former lanes are kept", n)
			}
		})
	}
}

func TestUnreadableSamples(t *testing.T) {
	r := newRig(t, testRules)
	good := samples("host1", 1, r.now, r.now)
	for _, body := range [][]byte{[]byte("damaged"), good[:len(good)-1], append(slices.Clone(good), 'x')} {
		before := r.m.Totals().Malformed
		if _, bad := r.apply(entry.KindSamples, body).(error); !bad || r.m.Totals().Malformed != before+1 {
			t.Errorf("%.20q was not counted as malformed", body)
		}
	}
	s := r.m.Totals().Signals
	r.must(r.apply(entry.KindSamples, append(slices.Clone(good), good...)))
	r.apply(entry.KindWrite, []byte("anything"))
	if got := r.m.Totals().Signals; got.Samples != s.Samples+1 || got.Frames != s.Frames+2 || got.Writes != 1 {
		t.Errorf("%+v, was %+v", got, s)
	}
}

func TestForget(t *testing.T) {
	r := newRig(t, metricTestRules)
	forget := entry.Decision{Do: entry.DoForget, Agent: "host1", Reason: "sold"}
	r.refused(forget, NotFound, "")
	r.speaks("host1")
	r.speaks("host2")
	r.blocks(block(report.Head{Agent: "host1", Spool: report.SpoolID{1}, Seq: 2}, event("1", "x", "{}"))) // blind
	r.firing(r.level("Slow", "instance", "host1"), r.level("Slow", "instance", "host1", "cpu", "1"), r.level("Slow", "instance", "host2"))
	r.refused(entry.Decision{Do: entry.DoForget, Agent: "host1"}, Invalid, "reason")
	r.later(12 * time.Second)
	if err := r.decide(forget); err == nil || !strings.Contains(err.Error(), `agent_alive agent="host1" seconds="12"`) {
		t.Errorf("forgotten while it is heard: %v", err)
	}
	r.later(time.Hour)
	r.must(r.json(entry.KindLead, entry.Lead{}))
	r.later(7 * time.Second)
	if err := r.decide(forget); err == nil || !strings.Contains(err.Error(), `agent_not_heard_yet agent="host1" seconds="7"`) {
		t.Errorf("forgotten before it could be heard: %v", err)
	}
	r.later(50 * time.Second)
	r.speaks("host2")
	ids := r.ids("Slow")
	if out := r.resolve(ids[0]); out.Unheard != 1 {
		t.Fatalf("%+v", out)
	}
	if got := r.standing(); !slices.Equal(got, []string{agentBlind, "Slow", "Slow", "Slow", agentSilent}) {
		t.Fatalf("standing %v", got)
	}
	r.decided(r.decide(forget))
	// Of its metric alerts only the unheard ends: the other is still said to fire.
	if got := r.ids("Slow"); !slices.Equal(got, ids[1:]) || len(r.named(agentSilent)) != 0 || len(r.named(agentBlind)) != 0 {
		t.Errorf("alerts %v, %v", got, r.standing())
	}
	for _, s := range r.m.SpoolsView() {
		if s.Agent == "host1" {
			t.Errorf("its spool is still there: %+v", s)
		}
	}
	r.refused(forget, NotFound, "")
	r.sends("host1", 30, always(time.Minute), always(0))
	r.must(r.apply(entry.KindSamples, samples("host1", 2, r.now, r.now)))
	r.speaks("host1")
	r.later(time.Minute)
	r.speaks("host2")
	if !slices.Equal(r.standing()[2:], []string{clockOff, agentCloned, agentSilent, agentSilent}) { // the last of host2's events
		t.Fatalf("standing %v", r.standing())
	}
	r.decided(r.decide(forget))
	if got := r.standing(); len(got) != 3 {
		t.Errorf("standing %v", got)
	}
	r.speaks("host1")
	if a := r.agent("host1"); a.Frames != 1 {
		t.Errorf("an agent that was forgotten and speaks again is not new: %+v", a)
	}
}

// An incident says who ended an alert by forgetting an agent, and why.
func TestForgetIsOnRecord(t *testing.T) {
	r := newRig(t, metricTestRules)
	r.speaks("host1")
	r.firing(r.level("Full", "instance", "host1"))
	r.later(time.Minute)
	r.resolve(r.ids("Full")...)
	r.decided(r.decide(entry.Decision{Do: entry.DoForget, Agent: "host1", Actor: "carol", Reason: "sold"}))
	in := r.m.IncidentsView()[0]
	a, _ := r.m.AlertView(in.Alerts[0])
	if !a.Cause.Equal(record.New(record.AgentForgotten, "carol", "sold")) || !in.Log[len(in.Log)-1].Said.Equal(record.New(record.AlertEnded, a.ID).After(a.Cause)) {
		t.Errorf("alert %+v, incident %+v", a, in)
	}
}

// Names without end do not fill the state: the agent that was silent longest is
// forgotten, and nothing goes on about it.
func TestAgentsAreBounded(t *testing.T) {
	r := newRig(t, testRules)
	r.speaks("first")
	r.later(time.Minute)
	for i := range maxAgents - 1 {
		r.speaks(fmt.Sprint("host", i))
	}
	r.tick()
	if len(r.named(agentSilent)) != 1 {
		t.Fatalf("alerts %v", r.standing())
	}
	for i := range 100 {
		r.speaks(fmt.Sprint("more", i))
	}
	agents := r.m.AgentsView()
	if len(agents) != maxAgents || len(r.named(agentSilent)) != 0 {
		t.Errorf("%d agents, alerts %v", len(agents), r.standing())
	}
	if slices.ContainsFunc(agents, func(a Agent) bool { return a.ID == "first" }) {
		t.Error("the one that was silent longest is still known")
	}
	// When all fall silent, no entry has to say so of all.
	r.later(time.Hour)
	for said := 0; said < maxAgents; {
		if due := r.m.Due(); due == 0 || due > r.now.UnixNano() {
			t.Fatalf("%d silent of %d, and nothing is due", said, maxAgents)
		}
		r.tick()
		now := len(r.named(agentSilent))
		if now == said || now-said > silentAtOnce {
			t.Fatalf("one entry made %d agents silent", now-said)
		}
		said = now
	}
	r.restarted()
}

// While the disk is full what agents send is refused: that is not silence, and
// no tick is written for it again and again.
func TestFullDiskIsNotSilence(t *testing.T) {
	r := newRig(t, metricTestRules)
	r.speaks("host1")
	r.apply(entry.KindCondition, entry.Marshal(entry.Condition{Name: diskFull, Firing: true}))
	r.later(10 * time.Minute)
	r.apply(entry.KindTick, []byte("{}"))
	if r.m.AgentsView()[0].Silent || r.m.Due() <= r.now.UnixNano() {
		t.Errorf("%+v, due %d at %d", r.m.AgentsView()[0], r.m.Due(), r.now.UnixNano())
	}
	r.apply(entry.KindCondition, entry.Marshal(entry.Condition{Name: diskFull}))
	r.later(29 * time.Second)
	r.apply(entry.KindTick, []byte("{}"))
	if r.m.AgentsView()[0].Silent {
		t.Error("silent before it could speak")
	}
	r.later(2 * time.Second)
	r.apply(entry.KindTick, []byte("{}"))
	if !r.m.AgentsView()[0].Silent {
		t.Error("silence is not told any more")
	}
}

package machine

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

// hosts is what the simulation knows of agents and metric alerts, counted anew
// after each entry.
type hosts struct {
	silent   map[string]bool
	heard    map[string]int64 // ledger time, by agent
	live     map[string]liveness
	serving  int64              // ledger time
	believed map[string]*belief // by the text of the alert's labels
	low      []string           // disks that are low, in order

	silences, kept, metricClosings int
}

// liveness is when an agent sent what it had just measured, last and since when
// without a gap, in ledger time.
type liveness struct{ last, back int64 }

type belief struct {
	instance string
	unheard  bool
	closed   bool // it has closed its gate, or a person approved that
}

// hostStep applies one entry of what agents and the edge send.
func (s *simulation) hostStep() {
	switch n := s.rnd.IntN(20); {
	case n < 8:
		agent := s.anyAgent()
		live := s.now
		if s.rnd.IntN(4) == 0 {
			live = time.Time{}
		}
		s.both(entry.KindSamples, samples(agent, byte(s.rnd.IntN(2)), s.now.Add(time.Duration(s.rnd.IntN(9000))*time.Millisecond), live))
		s.heard[agent] = s.now.UnixNano()
		if l, now := s.live[agent], s.now.UnixNano(); !live.IsZero() {
			if now-l.last > int64(5*time.Second) {
				l.back = now
			}
			s.live[agent] = liveness{now, l.back}
		}
		delete(s.silent, agent)
	case n < 15:
		s.evaluation()
	case n == 15:
		s.both(entry.KindCondition, entry.Marshal(s.disk()))
	case n == 16:
		s.both(entry.KindLead, entry.Marshal(entry.Lead{}))
		s.serving = s.now.UnixNano()
	case n == 17:
		s.forgets()
	case n == 18 && s.rnd.IntN(3) == 0:
		s.reloads()
	default:
		s.both(entry.KindWrite, nil)
	}
}

func (s *simulation) anyAgent() string { return fmt.Sprint("host", s.rnd.IntN(6)) }

// isSilent tells whether the agent should be called silent after the last entry;
// once it is, only it can end that.
func (s *simulation) isSilent(agent string) bool {
	_, _, at := s.m.At()
	return s.silent[agent] || at.UnixNano() >= max(s.heard[agent], s.serving)+int64(30*time.Second)
}

func (s *simulation) unheard(agent string) bool {
	l, now := s.live[agent], s.now.UnixNano()
	return l.last != 0 && (now-l.last > int64(5*time.Second) || now-l.back < int64(10*time.Second))
}

// missed tells whether an alert about nobody in particular may be about the
// agent.
func (s *simulation) missed(agent string) bool {
	return s.unheard(agent) && s.now.UnixNano()-s.live[agent].last < int64(time.Hour)
}

// evaluation proposes what fires and what does not, as an evaluation would.
func (s *simulation) evaluation() {
	_, set, _ := s.m.RulesView()
	l, want := entry.Levels{Set: set}, LevelsOutcome{}
	closes := false
	for range s.rnd.IntN(4) {
		rule, instance := []string{"Stuck", "Slow", "Full"}[s.rnd.IntN(3)], s.anyAgent()
		if rule == "Slow" && !s.hasSlow() {
			continue
		}
		labels := []string{"instance", instance}
		switch s.rnd.IntN(4) {
		case 0:
			instance, labels = "", nil
		case 1:
			instance, labels = "db:9187", []string{"instance", "db:9187"}
		}
		level := s.level(rule, labels...)
		l.Firing = append(l.Firing, level)
		text := Text(level.Labels)
		was := s.believed[text]
		if was == nil {
			want.Raised++
		}
		s.believed[text] = &belief{instance: instance, closed: was != nil && was.closed}
		if rule == "Stuck" && !s.believed[text].closed && !s.isOff() {
			closes, s.believed[text].closed = true, true
		}
	}
	for _, a := range s.m.AlertsView() {
		text := Text(a.Labels)
		b := s.believed[text]
		fires := slices.ContainsFunc(l.Firing, func(f entry.Level) bool { return Text(f.Labels) == text })
		if !a.Metric || fires || s.rnd.IntN(3) > 0 {
			continue
		}
		l.Resolved = append(l.Resolved, a.ID)
		nobody := b.instance == "" && slices.ContainsFunc(slices.Collect(maps.Keys(s.live)), s.missed)
		if nobody || s.unheard(b.instance) {
			b.unheard = true
			want.Unheard++
			s.kept++
			continue
		}
		delete(s.believed, text)
		want.Ended++
	}
	was := s.gate("btc").Closed
	if got := s.both(entry.KindLevels, entry.Marshal(l)); got != want {
		s.t.Fatalf("entry %d: %+v, want %+v", s.index, got, want)
	}
	is := s.gate("btc").Closed
	if closes && !is || !closes && is && !was {
		s.t.Fatalf("entry %d: the gate is closed: %v, was %v; fires by a rule that closes it: %v", s.index, is, was, closes)
	}
	if is && !was {
		s.metricClosings++
	}
	for _, a := range s.m.AlertsView() { // while nothing happens by itself, an alert still joins a hold that stands
		if b := s.believed[Text(a.Labels)]; b != nil && s.isOff() && s.m.holdsFast(&a) {
			b.closed = true
		}
	}
}

func (s *simulation) disk() entry.Condition {
	path := fmt.Sprint("/d", s.rnd.IntN(3))
	c := entry.Condition{Name: diskLow, Labels: []Label{{Name: "path", Value: path}}, Firing: s.rnd.IntN(2) == 0, About: record.New(record.AboutDiskLow, fmt.Sprint(s.index))}
	known := slices.Contains(s.low, path)
	switch {
	case c.Firing && !known:
		s.low = append(s.low, path)
	case !c.Firing && known:
		s.low = slices.DeleteFunc(s.low, func(p string) bool { return p == path })
	}
	return c
}

// forgets lets a person forget an agent.
func (s *simulation) forgets() {
	agent := s.anyAgent()
	_, known := s.heard[agent]
	out := s.both(entry.KindDecision, entry.Marshal(entry.Decision{Do: entry.DoForget, Actor: "carol", Agent: agent, Reason: "sold"}))
	if refused := out != nil; refused == (known && s.isSilent(agent)) {
		s.t.Fatalf("entry %d: forget an agent that is known: %v, silent: %v: %v", s.index, known, s.isSilent(agent), out)
	}
	if out != nil {
		return
	}
	delete(s.heard, agent)
	delete(s.live, agent)
	delete(s.silent, agent)
	maps.DeleteFunc(s.believed, func(_ string, b *belief) bool { return b.unheard && b.instance == agent })
}

func (s *simulation) hasSlow() bool {
	return slices.ContainsFunc(s.m.MetricRulesView(), func(v MetricRuleView) bool { return v.Name == "Slow" })
}

// reloads takes a rule away, or brings it back.
func (s *simulation) reloads() {
	text := simulationRules
	if s.hasSlow() {
		text = strings.Replace(text, "alert: Slow", "alert: Other", 1)
	}
	_, set, _ := s.m.RulesView()
	set += "'"
	s.both(entry.KindPrepare, entry.Marshal(entry.Prepare{Set: set, Files: oneFile(text)}))
	s.both(entry.KindLive, entry.Marshal(entry.Live{Set: set}))
	maps.DeleteFunc(s.believed, func(labels string, _ *belief) bool { return strings.Contains(labels, "alertname=Slow") })
}

// checkHosts compares what the machine says with what was counted.
func (s *simulation) checkHosts() {
	s.t.Helper()
	silent, mute := 0, 0
	for _, a := range s.m.AgentsView() {
		if a.Heard != s.heard[a.ID] || a.Silent != s.isSilent(a.ID) {
			s.t.Fatalf("entry %d at %d: %+v, heard %d, serving %d", s.index, s.now.UnixNano(), a, s.heard[a.ID], s.serving)
		}
		if a.Mute {
			mute++
		}
		if a.Silent {
			s.silent[a.ID] = true
			silent++
		} else if due := s.m.Due(); due == 0 || due > max(a.Heard, s.serving)+int64(30*time.Second) {
			s.t.Fatalf("entry %d: due %d: the silence of %+v would not be seen", s.index, due, a)
		}
	}
	if n := len(s.m.AgentsView()); n != len(s.heard) {
		s.t.Fatalf("entry %d: %d agents, want %v", s.index, n, s.heard)
	}
	s.silences += silent
	metric := 0
	for _, a := range s.m.AlertsView() {
		switch b := s.believed[Text(a.Labels)]; {
		case a.Rule == agentSilent && a.Label("of") != "":
			mute--
		case a.Rule == agentSilent:
			silent--
		case a.Metric && (b == nil || b.unheard != (a.Unheard != 0)):
			s.t.Fatalf("entry %d: alert %+v, counted %+v", s.index, a, b)
		case a.Metric:
			metric++
		}
	}
	if silent != 0 || mute != 0 || metric != len(s.believed) {
		s.t.Fatalf("entry %d: %d alerts about silence too few, %d metric alerts and not %d", s.index, silent, metric, len(s.believed))
	}
	var low []string
	for _, c := range s.m.Conditions() {
		low = append(low, c.Labels[0].Value)
	}
	if !slices.Equal(low, s.low) {
		s.t.Fatalf("entry %d: low disks %v, want %v", s.index, low, s.low)
	}
}

// restarted compares the machine with one that is restored from its snapshot.
func (r *rig) restarted() {
	r.t.Helper()
	twin := New()
	saved := r.m.Snapshot().Bytes
	if err := twin.Restore(bytes.NewReader(saved)); err != nil {
		r.t.Fatal(err)
	}
	if !bytes.Equal(saved, twin.Snapshot().Bytes) {
		r.t.Fatal("a restored machine is not the one that was saved")
	}
	if d := cmp.Diff(r.m.shown(), twin.shown()); d != "" {
		r.t.Fatalf("what is derived from the state differs after a restart: %s", d)
	}
}

// shown is what is derived from the state, in a form to be compared.
func (m *Machine) shown() map[string]any {
	shares := map[string]string{}
	for g, all := range m.byGate {
		for _, s := range all {
			shares["gate "+g] += fmt.Sprint(s.in.ID, " ", s.times, " ")
		}
	}
	for k, all := range m.byKey {
		for _, s := range all {
			shares[fmt.Sprint("key ", k)] += fmt.Sprint(s.in.ID, " ", s.times, " ")
		}
	}
	loose := map[string]int{}
	for in, n := range m.loose {
		if n > 0 {
			loose[in.ID] = n
		}
	}
	metric := map[RuleID][]string{}
	for id, alerts := range m.ofMetric {
		for _, a := range alerts {
			metric[id] = append(metric[id], a.ID)
		}
	}
	standing := map[string][]string{}
	for k, effects := range m.standing {
		for _, e := range effects {
			standing[fmt.Sprint(k)] = append(standing[fmt.Sprint(k)], e.ID)
		}
	}
	shadow := maps.Clone(m.shadow)
	maps.DeleteFunc(shadow, func(_ string, n int) bool { return n == 0 })
	return map[string]any{
		"shares": shares, "loose": loose, "metric": metric, "shadow": shadow, "not held": m.notHeld, "idle": m.idle, "firing": m.firing,
		"stands": m.stands, "askers": m.askers, "holds": len(m.holds), "standing effects": standing, "alerts": len(m.byID), "standing": len(m.alertOf), "open": len(m.open), "gone": slices.Sorted(maps.Keys(m.gone)),
	}
}

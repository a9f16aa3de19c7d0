package collector

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

const (
	// storyGap is the least time between two looks at the incidents.
	storyGap = 200 * time.Millisecond
	// maxStoryLines bounds what one look may log of one incident; the API has the
	// rest.
	maxStoryLines = 50
)

// A story tells the log what becomes of incidents: each step once, by its kind
// and arguments. It reads what everybody can see and is never waited for.
type story struct {
	machine machine.Shown
	log     *slog.Logger
	told    map[string]machine.Step // of each incident, its step that was told last
}

// run tells until ctx ends. What was before is told already.
func (s *story) run(ctx context.Context) {
	s.told = map[string]machine.Step{}
	versions, changed := s.machine.Versions()
	for _, in := range s.machine.IncidentsView() {
		if n := len(in.Log); n > 0 {
			s.told[in.ID] = in.Log[n-1]
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
		before := versions.Incidents
		if versions, changed = s.machine.Versions(); versions.Incidents != before {
			s.look(ctx)
			pause(ctx, storyGap)
		}
	}
}

func (s *story) look(ctx context.Context) {
	known := map[string]bool{}
	for _, head := range slices.Backward(s.machine.IncidentHeads()) {
		known[head.ID] = true
		in, ok := s.machine.IncidentView(head.ID)
		if !ok || len(in.Log) == 0 {
			continue
		}
		news := s.since(in)
		for i, step := range news {
			if i == maxStoryLines {
				s.log.Info("incident has more steps than are logged", "incident", in.ID, "more", len(news)-i)
				break
			}
			s.tell(ctx, in.ID, step)
		}
		s.told[in.ID] = in.Log[len(in.Log)-1]
	}
	for id := range s.told {
		if !known[id] {
			delete(s.told, id)
		}
	}
}

// since are the steps after the one that was told last.
func (s *story) since(in machine.Incident) []machine.Step {
	last, ok := s.told[in.ID]
	if !ok {
		return in.Log
	}
	for i, step := range slices.Backward(in.Log) {
		if step.At == last.At && step.Actor == last.Actor && step.Said.Equal(last.Said) {
			return in.Log[i+1:]
		}
	}
	return in.Log // the last one was dropped: so much has come since
}

func (s *story) tell(ctx context.Context, incident string, step machine.Step) {
	attrs := []slog.Attr{slog.String("incident", incident), slog.String("step", string(step.Said.Kind))}
	if step.Actor != "" {
		attrs = append(attrs, slog.String("actor", step.Actor))
	}
	for _, a := range step.Said.Args {
		attrs = append(attrs, slog.String(a.Name, a.Value))
	}
	if step.Said.Because != nil {
		attrs = append(attrs, slog.String("because", step.Said.Because.String()))
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "incident", attrs...)
}

// logTold says whom people were told through, of what.
func logTold(log *slog.Logger, n entry.NotifyState) {
	for _, t := range n.Told {
		log.Info("told", "receiver", t.Receiver, "integration", t.Integration, "firing", t.Firing, "resolved", t.Resolved, "incidents", t.Incidents)
	}
	if n.Actor != "" {
		log.Info("silence changed", "actor", n.Actor)
	}
}

// logDecision says what a person decided that is no step of an incident.
func logDecision(log *slog.Logger, d entry.Decision, out any) {
	switch refused := asError(out); {
	case refused != nil:
		log.Info("decision refused", "do", d.Do, "actor", d.Actor, "gate", d.Gate, "error", refused)
	case d.Do == entry.DoSwitch:
		log.Info("automatic effects switched", "on", d.On, "for", d.For, "actor", d.Actor, "reason", d.Reason)
	case d.Do == entry.DoTime:
		log.Info("the host's clock accepted by a person", "actor", d.Actor, "reason", d.Reason)
	case d.Do == entry.DoForget:
		log.Info("agent forgotten", "agent", d.Agent, "actor", d.Actor, "reason", d.Reason)
	case d.Do == entry.DoClose:
		log.Info("gate closed by a person", "gate", d.Gate, "match", d.Match, "actor", d.Actor, "reason", d.Reason)
	}
}

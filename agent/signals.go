package agent

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/tomeishi/tomeishi/agent/host"
	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/agent/samples"
)

// signals measures this host once a second, shows the last frame, and hands
// each on to the collectors. Nothing else of the agent depends on it, nor waits
// for it: a file of /proc may never answer.
type signals struct {
	from   host.Options
	lane   *samples.Lane // nil without collectors
	labels []report.Attr // of the agent, as /metrics shows them
	log    *slog.Logger

	host *host.Collector // belongs to measure

	mu     sync.Mutex // guards what follows
	schema *report.Schema
	frame  report.Frame
}

// measureEnd is how long the end of a measurement under way is waited for.
const measureEnd = time.Second

// newSignals makes the signals; run measures. The lane may be nil.
func newSignals(from host.Options, lane *samples.Lane, labels []report.Attr, log *slog.Logger) *signals {
	from.Log = log
	// Whoever scrapes says which job it is.
	shown := slices.DeleteFunc(slices.Clone(labels), func(a report.Attr) bool { return a.Name == "job" })
	return &signals{from: from, lane: lane, labels: shown, log: log}
}

// run measures and sends until ctx ends.
func (s *signals) run(ctx context.Context) {
	// The lane outlives the ticker: it writes down what a tick under way adds.
	laneCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var sending sync.WaitGroup
	if s.lane != nil {
		sending.Go(func() { s.lane.Run(laneCtx) })
	}
	measured := make(chan struct{})
	// Below run waits for it, no longer than measureEnd: it may hang in the kernel.
	go func() {
		defer close(measured)
		s.measure(ctx)
	}()
	<-ctx.Done()
	late := time.NewTimer(measureEnd)
	defer late.Stop()
	select {
	case <-measured:
	case <-late.C:
		s.log.Warn("a file of this host does not answer: its measurement is left behind")
	}
	stop()
	sending.Wait()
}

// measure measures until ctx ends.
func (s *signals) measure(ctx context.Context) {
	c, err := host.New(s.from)
	if err != nil {
		s.log.Error("this host's signals cannot be measured", "error", err)
		return
	}
	s.host = c
	s.tick(time.Now())
	// Agents that were started together report at moments of their own.
	everySecond(ctx, rand.N(time.Second), s.tick)
	if err := c.Close(); err != nil {
		s.log.Warn("close the files of this host", "error", err)
	}
}

func (s *signals) tick(now time.Time) {
	schema, frame := s.host.Tick(now)
	if schema == nil {
		return
	}
	s.mu.Lock()
	s.schema, s.frame = schema, frame
	s.mu.Unlock()
	if s.lane != nil {
		s.lane.Add(schema, frame)
	}
}

// write writes the last frame in Prometheus's text format.
func (s *signals) write(w io.Writer) error {
	s.mu.Lock()
	schema, frame := s.schema, s.frame
	s.mu.Unlock()
	if schema == nil {
		return nil
	}
	return host.WriteText(w, schema, frame, s.labels)
}

// everySecond calls f at the same moment of every second of the wall clock.
// When f was late, seconds are skipped.
func everySecond(ctx context.Context, moment time.Duration, f func(now time.Time)) {
	t := time.NewTimer(untilNext(time.Now(), moment))
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		f(time.Now())
		t.Reset(untilNext(time.Now(), moment))
	}
}

// untilNext is at least half a second, so that a timer which fires a little
// early, by a clock that is being slewed, does not fire twice.
func untilNext(now time.Time, moment time.Duration) time.Duration {
	next := now.Truncate(time.Second).Add(moment)
	for next.Sub(now) < time.Second/2 {
		next = next.Add(time.Second)
	}
	return next.Sub(now)
}

// attrs are labels sorted by name.
func attrs(labels map[string]string) []report.Attr {
	var out []report.Attr
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, report.Attr{Name: name, Value: labels[name]})
	}
	return out
}

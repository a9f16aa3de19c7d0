package samples

import (
	"context"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

// A live request that is not answered soon makes room for a newer frame.
const liveTimeout = 3 * time.Second

// live sends each frame when it is there. While one is under way, only the
// newest of those that come waits for its turn here; the others wait with what
// could not be delivered.
func (l *Lane) live(ctx context.Context) {
	s := sender{peers: l.o.Live, timeout: liveTimeout, seconds: l.m.live, m: l.m}
	for {
		it, ok := l.q.take()
		if ok {
			l.sendLive(ctx, &s, it)
			continue
		}
		select {
		case <-l.fresh:
		case <-ctx.Done():
			return
		}
	}
}

func (l *Lane) sendLive(ctx context.Context, s *sender, it item) {
	now := time.Now()
	out, a, err := s.send(ctx, &report.Samples{
		Agent: l.o.Agent, Lane: l.id, Sent: now.UnixMilli(), Labels: l.o.Labels,
		Schema: it.schema, Frames: []report.Frame{it.Frame},
	})
	switch out {
	case delivered:
		l.answered()
		if s.failing {
			s.failing = false
			l.log.Info("samples are delivered again", "collector", a.From)
		}
		return
	case refused:
		l.answered()
		l.refused(a.From, 1, err)
		return
	case unknown, baseless:
	}
	s.failing = true
	if l.q.undelivered(it) {
		signal(l.dirty)
	}
	if ctx.Err() != nil {
		return
	}
	if n := l.quiet.due("live", now); n > 0 {
		l.log.Warn("samples not delivered: they are kept and sent later", "collector", a.From, "error", err, "times", n)
	}
	// One small request a second is no load to be spared, and a Retry-After of
	// minutes would silence the lane. It ends with ctx, which the caller's next
	// look finds.
	_ = s.pause.Wait(ctx, 0)
}

// answered lets the backlog move.
func (l *Lane) answered() {
	if l.q.answered() {
		signal(l.late)
	}
}

func (l *Lane) refused(by string, frames int, err error) {
	l.m.dropped(wasRefused, frames)
	if n := l.quiet.due("refused", time.Now()); n > 0 {
		l.log.Error("the collector refused samples for good: they are dropped", "collector", by, "error", err, "times", n)
	}
}

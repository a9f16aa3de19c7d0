package samples

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/tomeishi/tomeishi/agent/durable"
	"github.com/tomeishi/tomeishi/agent/report"
)

// The pace of what had to wait. A hundred agents may come back together. And
// of each lane the collector remembers four frames to build on: with more than
// two chunks between two live frames, those would have to be sent whole.
const (
	backlogTimeout = 10 * time.Second
	backlogGap     = 500 * time.Millisecond // between chunks, at least
	backlogRate    = 64 << 10               // bytes a second, at most
	chunkPause     = time.Minute            // of one that failed, for the others
)

// backlog sends the chunks, the newest first, while live frames are answered.
func (l *Lane) backlog(ctx context.Context) {
	s := sender{peers: l.o.Backlog, timeout: backlogTimeout, seconds: l.m.backlog, m: l.m}
	for ctx.Err() == nil {
		c := l.q.newest(time.Now())
		if c != nil {
			l.sendChunk(ctx, &s, c)
			continue
		}
		signal(l.dirty) // some may have been too old
		select {
		case <-l.late:
		case <-ctx.Done():
		}
	}
}

func (l *Lane) sendChunk(ctx context.Context, s *sender, c *chunk) {
	what, err := l.open(c)
	if errors.Is(err, durable.ErrDamaged) {
		l.setAside(c, err)
		return
	}
	start := time.Now()
	if err != nil {
		l.q.retain(c, start.Add(chunkPause))
		l.disk("samples that wait cannot be read: they are tried again", err, start)
		_ = s.pause.Wait(ctx, 0)
		return
	}
	out, a, err := s.send(ctx, &what)
	switch out {
	case delivered:
		l.settle(c)
	case refused:
		if l.settle(c) {
			l.refused(a.From, c.frames, err)
		}
	case unknown, baseless:
		l.q.retain(c, time.Now().Add(chunkPause))
		signal(l.dirty)
		if n := l.quiet.due("backlog", start); n > 0 && ctx.Err() == nil {
			l.log.Warn("samples that had to wait are not delivered: they are sent again", "collector", a.From, "error", err, "times", n)
		}
		_ = s.pause.Wait(ctx, s.peers.Rest())
		return
	}
	pause(ctx, time.Since(start), len(s.buf))
}

// open reads what a chunk holds. What is damaged wraps durable.ErrDamaged.
func (l *Lane) open(c *chunk) (s report.Samples, err error) {
	raw := l.q.bytes(c)
	if raw == nil {
		if raw, err = l.folder.read(c.name); err != nil {
			if errors.Is(err, os.ErrNotExist) {
				err = fmt.Errorf("%w: %w", durable.ErrDamaged, err)
			}
			return s, err
		}
	}
	s, rest, err := report.ReadSamples(raw)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes too many", len(rest))
	}
	if err != nil {
		return s, fmt.Errorf("%w: %w", durable.ErrDamaged, err)
	}
	return s, nil
}

// setAside takes a damaged chunk out of the way of the others.
func (l *Lane) setAside(c *chunk, why error) {
	err := l.folder.setAside(c.name)
	if !l.settle(c) {
		return // dropped meanwhile, its file with it
	}
	l.m.damaged.Inc()
	l.m.dropped(wasDamaged, c.frames)
	l.log.Error("damaged samples are set aside", "file", l.folder.path(c.file()+damaged), "why", why, "error", err)
}

func (l *Lane) settle(c *chunk) (was bool) {
	was = l.q.settle(c)
	signal(l.dirty)
	return was
}

// pause lets a collector that took so long for so many bytes do other work.
func pause(ctx context.Context, took time.Duration, size int) {
	gap := max(backlogGap, took, time.Duration(size)*time.Second/backlogRate)
	t := time.NewTimer(gap + rand.N(gap/4))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

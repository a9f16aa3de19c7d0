// Package samples carries what a host measures to the collectors.
//
// It promises that every frame is sent until a collector has it, has refused
// it, or a stated bound (bytes on disk, a day of age) has dropped it, which is
// counted; that the newest goes first; and that adding a frame never waits for
// a disk or a network. It does not promise that a frame is sent once, nor that
// frames arrive in order: samples are idempotent by series and time. A kill
// loses the frames that were not yet written, at most about half a minute.
package samples

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/collectors"
	"github.com/tomeishi/tomeishi/agent/report"
)

// Options of New.
type Options struct {
	Dir    string // made if absent
	Agent  string
	Labels []report.Attr // the agent's own, sorted by name
	Max    int64         // bytes that may wait on disk
	// Live and Backlog ask the same collectors, on a connection each: what had
	// to wait must not delay what is new.
	Live, Backlog *collectors.Peers
	Log           *slog.Logger
	Metrics       *metrics.Set
}

// A Lane sends frames. Add feeds it, Run makes it send.
type Lane struct {
	o      Options
	log    *slog.Logger
	id     report.SpoolID
	folder folder
	q      queue
	m      *meters
	quiet  rarely

	fresh chan struct{} // a new frame is there
	late  chan struct{} // something waits and the collector answers
	dirty chan struct{} // files have to be written or removed
}

// New reads the names of what an earlier process left. It does not fail: with
// a folder that cannot be used the lane works from memory, and says so.
func New(o Options) *Lane {
	l := &Lane{
		o: o, log: o.Log, folder: folder(o.Dir),
		fresh: make(chan struct{}, 1), late: make(chan struct{}, 1), dirty: make(chan struct{}, 1),
	}
	l.m = newMeters(o.Metrics, &l.q)
	l.q.init(o, l.m)
	id, err := l.folder.lane()
	if err != nil {
		l.m.diskErrors.Inc()
		l.log.Warn("the id of the samples' lane cannot be kept: this run has one of its own", "dir", o.Dir, "error", err)
	}
	l.id, l.q.lane = id, id
	left, err := l.folder.list()
	if err != nil {
		l.m.diskErrors.Inc()
		l.log.Warn("samples of an earlier run cannot be listed", "dir", o.Dir, "error", err)
	}
	l.q.found(left)
	signal(l.dirty) // the bound may be lower than it was
	return l
}

// Add gives a frame to be sent. It never waits; the lane keeps the values.
func (l *Lane) Add(schema *report.Schema, f report.Frame) {
	if l.q.add(item{schema, f}) {
		signal(l.dirty)
	}
	signal(l.fresh)
}

// Run sends until ctx ends, and then writes down what waits.
func (l *Lane) Run(ctx context.Context) {
	var loops sync.WaitGroup
	loops.Go(func() { l.live(ctx) })
	loops.Go(func() { l.backlog(ctx) })
	loops.Go(func() { l.save(ctx) })
	loops.Wait()
	l.q.flush()
	l.tidy(time.Now())
}

// signal wakes who waits on c, or tells it to look again.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Package selfreport is what the agent reports of itself, as ordinary events: that
// it lives, what asks name, and which payments it refused.
//
// It promises that telling it never waits for a disk, and that of a payment
// which is refused again and again one event is made while the gate stays
// closed. Its memory and its rate are bounded: what is beyond them is counted as
// dropped, and reported when it is asked for again. It does not promise that a
// beat is sent: a full spool drops it.
package selfreport

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"strconv"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/report"
)

// Spool keeps events until a collector has them.
type Spool interface {
	// Append returns when the events are durable.
	Append(ctx context.Context, b *report.Builder) error
}

// Options of New.
type Options struct {
	Agent string // its id
	Spool Spool
	// Refuses tells whether a gate refuses anybody now.
	Refuses func(gate string) bool
	// Doubts are why gates are answered without the collector's word now.
	Doubts func() []report.Doubt
	// Told is the ledger time that a collector last told, in Unix nanoseconds.
	Told    func() int64
	Log     *slog.Logger
	Metrics *metrics.Set
}

// A Reporter makes the events. Refused and Asked may be called from many goroutines.
type Reporter struct {
	o       Options
	source  string
	stamp   []report.Attr
	run     string // tells the events of this run from those of others
	n       uint64
	refused refusals
	asks    asks
	said    int64 // of Told, in the last progress
}

const (
	// beatEvery is a fourth of what the collector waits for.
	beatEvery = 15 * time.Second
	// progressEvery is how long what does not come takes longer to be proven.
	progressEvery = time.Second
	// At most batchMost events are reported each pace, 200 a second.
	batchMost = 50
	pace      = 250 * time.Millisecond
)

// New makes a reporter; Run starts it.
func New(o Options) *Reporter {
	return &Reporter{
		o: o, source: "tomeishi/agent/" + o.Agent, run: rand.Text(),
		stamp:   []report.Attr{{Name: report.AgentAttr, Value: o.Agent}},
		refused: newRefusals(o.Metrics),
	}
}

// Run reports until ctx ends. What waits then is not lost for good: the next run
// reports it when it is asked for again.
func (r *Reporter) Run(ctx context.Context) {
	beats := time.NewTicker(beatEvery)
	defer beats.Stop()
	progress := time.NewTicker(progressEvery)
	defer progress.Stop()
	later := time.NewTimer(time.Hour)
	defer later.Stop()
	r.beat(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-beats.C:
			r.beat(ctx)
			r.refused.forget(r.o.Refuses)
			continue
		case <-progress.C:
			r.progress(ctx)
			continue
		case <-r.refused.news:
		case <-later.C:
		}
		items, next := r.refused.take(time.Now())
		r.report(ctx, items)
		if next > 0 {
			later.Reset(max(next, pace))
		}
		if len(items) > 0 && !sleep(ctx, pace) {
			return
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (r *Reporter) beat(ctx context.Context) {
	var b report.Builder
	r.add(&b, report.BeatType, time.Now(), r.says())
	if err := r.o.Spool.Append(ctx, &b); err != nil {
		r.o.Log.Debug("no beat", "error", err)
	}
}

// progress tells that all which was accepted until now is in front of it. Without news
// from a collector it would say nothing that the one before did not.
func (r *Reporter) progress(ctx context.Context) {
	told := r.o.Told()
	if told == r.said {
		return
	}
	data, err := json.Marshal(report.Progress{Ledger: told})
	if err != nil {
		panic("selfreport: " + err.Error()) // a number
	}
	var b report.Builder
	r.add(&b, report.ProgressType, time.Now(), data)
	if err := r.o.Spool.Append(ctx, &b); err != nil {
		r.o.Log.Debug("no progress", "error", err)
		return
	}
	r.said = told
}

// says is the data of a beat; nil if there is nothing to say.
func (r *Reporter) says() []byte {
	beat := report.Beat{Doubts: r.o.Doubts(), Asked: r.asks.take()}
	if len(beat.Doubts)+len(beat.Asked) == 0 {
		return nil
	}
	data, err := json.Marshal(beat)
	if err != nil {
		panic("selfreport: " + err.Error()) // only text
	}
	return data
}

func (r *Reporter) report(ctx context.Context, items []item) {
	if len(items) == 0 {
		return
	}
	var b report.Builder
	for _, it := range items {
		r.add(&b, report.RefusedType, it.at, it.data)
	}
	if err := r.o.Spool.Append(ctx, &b); err != nil {
		r.refused.lose(items)
		r.o.Log.Debug("refusals are not reported", "events", len(items), "error", err)
	}
}

func (r *Reporter) add(b *report.Builder, eventType string, at time.Time, data []byte) {
	r.n++
	b.Add(&report.Event{
		ID: r.run + "-" + strconv.FormatUint(r.n, 10), Source: r.source, Type: eventType,
		Seen: at.UnixNano(), Data: data, Ext: r.stamp,
	})
}

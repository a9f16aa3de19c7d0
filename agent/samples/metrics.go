package samples

import (
	"fmt"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// reason is why frames were dropped.
type reason string

const (
	wasRefused reason = "refused" // by the collector
	wasDamaged reason = "damaged" // on disk
	noRoom     reason = "room"    // the oldest, for newer ones
	tooOld     reason = "age"
	sameTime   reason = "time" // as another frame's
)

const prefix = "tomeishi_agent_samples_"

type meters struct {
	set                        *metrics.Set
	frames                     *metrics.Counter
	sentLive, sentLate         *metrics.Counter
	whole, diskErrors, damaged *metrics.Counter
	live, backlog              *metrics.Histogram
}

func newMeters(set *metrics.Set, q *queue) *meters {
	gauge := func(name string, value func() float64) {
		set.GetOrCreateGauge(prefix+name, func() float64 {
			q.mu.Lock()
			defer q.mu.Unlock()
			return value()
		})
	}
	gauge(`backlog_bytes{in="disk"}`, func() float64 { return float64(q.onDisk) })
	gauge(`backlog_bytes{in="memory"}`, func() float64 { return float64(q.inMemory) })
	gauge("backlog_frames", func() float64 { return float64(q.frames + len(q.open)) })
	m := &meters{
		set:        set,
		frames:     set.GetOrCreateCounter(prefix + "frames_total"),
		sentLive:   set.GetOrCreateCounter(prefix + `sent_frames_total{when="live"}`),
		sentLate:   set.GetOrCreateCounter(prefix + `sent_frames_total{when="late"}`),
		whole:      set.GetOrCreateCounter(prefix + "whole_total"),
		diskErrors: set.GetOrCreateCounter(prefix + "disk_errors_total"),
		damaged:    set.GetOrCreateCounter(prefix + "damaged_files_total"),
		live:       set.GetOrCreateHistogram(prefix + `request_seconds{when="live"}`),
		backlog:    set.GetOrCreateHistogram(prefix + `request_seconds{when="late"}`),
	}
	for _, why := range []reason{wasRefused, wasDamaged, noRoom, tooOld, sameTime} {
		m.dropped(why, 0)
	}
	return m
}

func (m *meters) dropped(why reason, frames int) {
	m.set.GetOrCreateCounter(fmt.Sprintf(prefix+"dropped_frames_total{reason=%q}", why)).Add(frames)
}

func (m *meters) delivered(frames int, live bool) {
	if live {
		m.sentLive.Add(frames)
	} else {
		m.sentLate.Add(frames)
	}
}

func (m *meters) failed(status int) {
	m.set.GetOrCreateCounter(fmt.Sprintf(prefix+`failures_total{status="%d"}`, status)).Inc()
}

// rarely keeps what repeats every second from filling a log.
type rarely struct {
	mu    sync.Mutex // guards kinds
	kinds map[string]*repeated
}

type repeated struct {
	said  time.Time
	times int // since then
}

// due counts one more of a kind. Once a minute it returns how many there were,
// to be said; otherwise 0.
func (r *rarely) due(kind string, now time.Time) (times int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.kinds[kind]
	if k == nil {
		if r.kinds == nil {
			r.kinds = make(map[string]*repeated)
		}
		k = new(repeated)
		r.kinds[kind] = k
	}
	k.times++
	if !k.said.IsZero() && now.Sub(k.said) < time.Minute {
		return 0
	}
	times, k.said, k.times = k.times, now, 0
	return times
}

package series

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"

	remoteapi "github.com/prometheus/client_golang/exp/api/remote"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// writes is remote write: Prometheus's own handler, once to check requests
// before they enter the ledger and once to store them afterwards.
type writes struct {
	s        *Store
	checker  http.Handler
	storer   http.Handler
	inside   chan struct{} // requests, from their bodies to their answers
	decoding chan struct{} // requests that are being decoded

	mu      sync.Mutex           // guards what follows
	answers map[uint64]*recorder // of entries fed lately, by index
	order   []uint64
}

const (
	maxInside   = 32
	maxDecoding = 2
	maxAnswers  = 1024
)

func (w *writes) open(s *Store) {
	w.s, w.answers = s, map[uint64]*recorder{}
	w.inside, w.decoding = make(chan struct{}, maxInside), make(chan struct{}, maxDecoding)
	// The handler logs every sample that it refuses, which a sender could make
	// fill the disk; the answer says the same.
	quiet := slog.New(slog.DiscardHandler)
	both := remoteapi.MessageTypes{remoteapi.WriteV1MessageType, remoteapi.WriteV2MessageType}
	w.checker = remote.NewWriteHandler(quiet, nil, checking{}, both, false, true)
	w.storer = remote.NewWriteHandler(quiet, s.registry, storing{s}, both, false, false)
}

// handle calls a handler in this process. One that panics on what it is given
// has answered 400: it would do so again.
func (w *writes) handle(ctx context.Context, h http.Handler, protocol byte, compressed []byte) (rec *recorder) {
	rec = newRecorder()
	defer func() {
		if p := recover(); p != nil {
			w.s.met.panics.Inc()
			rec = newRecorder()
			rec.panicked = true
			http.Error(rec, fmt.Sprintf("the request cannot be handled: %.200v", p), http.StatusBadRequest)
		}
	}()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/api/v1/write", bytes.NewReader(compressed))
	if err != nil {
		http.Error(rec, err.Error(), http.StatusInternalServerError)
		return rec
	}
	r.Header.Set("Content-Type", contentType(protocol))
	r.Header.Set("Content-Encoding", "snappy")
	h.ServeHTTP(rec, r)
	return rec
}

// write feeds a remote write entry to the TSDB, again until it can write.
func (f *feeder) write(ctx context.Context, e entry.Entry) error {
	protocol, compressed, err := openWrite(e.Body)
	if err != nil {
		f.s.met.unreadable.Inc()
		f.complain("a remote write entry cannot be read and is left out", "index", e.Index, "error", err)
		return nil
	}
	for wait := firstPause; ; {
		if err := f.s.disk.wait(ctx, f.s); err != nil {
			return err
		}
		s := &storingEntry{s: f.s, latest: e.Time/1e6 + ahead.Milliseconds()}
		answer := f.s.writes.handle(context.WithValue(ctx, storingKey{}, s), f.s.writes.storer, protocol, compressed)
		s.close()
		if s.failed == nil {
			f.s.writes.keep(e.Index, answer)
			return ctx.Err()
		}
		if err := f.pause(ctx, s.failed, &wait); err != nil {
			return err
		}
	}
}

// keep remembers the handler's answer for whoever waits for it. One that asks
// to try again would be asked for ever: the entry does not change.
func (w *writes) keep(index uint64, answer *recorder) {
	if answer.code >= http.StatusInternalServerError {
		answer.code = http.StatusBadRequest
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers[index] = answer
	w.order = append(w.order, index)
	if len(w.order) > maxAnswers {
		delete(w.answers, w.order[0])
		w.order = w.order[1:]
	}
}

func (w *writes) answer(index uint64) *recorder {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.answers[index]
}

// storing gives the handler an appender for the entry in ctx.
type storing struct{ s *Store }

type storingKey struct{}

// AppenderV2 is for the entry in ctx.
func (st storing) AppenderV2(ctx context.Context) storage.AppenderV2 {
	e := ctx.Value(storingKey{}).(*storingEntry)
	e.ExemplarAppenderV2 = st.s.appender(ctx)
	return e
}

// storingEntry stores the samples of one entry, within the bounds of time that
// hold for all samples: by the entry's time, so that it is stored alike whenever
// it is fed.
type storingEntry struct {
	storage.ExemplarAppenderV2 // nil before the handler asks for it
	s                          *Store
	latest                     int64 // Unix milliseconds
	stored                     int
	failed                     error // to write the logs
	done                       bool
}

// Append stores a sample or a histogram.
func (e *storingEntry) Append(ref storage.SeriesRef, ls labels.Labels, st, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, o storage.AOptions) (storage.SeriesRef, error) {
	if t > e.latest {
		return e.count(0, errAhead)
	}
	return e.count(e.ExemplarAppenderV2.Append(ref, ls, st, t, v, h, fh, o))
}

func (e *storingEntry) count(ref storage.SeriesRef, err error) (storage.SeriesRef, error) {
	if err != nil {
		e.s.met.refused(reasonOf(err)).Inc()
		return ref, err
	}
	e.stored++
	return ref, nil
}

// Commit makes it all visible.
func (e *storingEntry) Commit() error {
	e.done = true
	if e.failed = e.ExemplarAppenderV2.Commit(); e.failed == nil {
		e.s.met.appended.Add(e.stored)
	}
	return e.failed
}

// Rollback drops it all.
func (e *storingEntry) Rollback() error {
	e.done = true
	return e.ExemplarAppenderV2.Rollback()
}

// close gives back what a handler that panicked left open.
func (e *storingEntry) close() {
	if e.ExemplarAppenderV2 == nil || e.done {
		return
	}
	if err := e.ExemplarAppenderV2.Rollback(); err != nil && !errors.Is(err, storage.ErrNotFound) {
		e.s.o.Log.Warn("roll back a remote write request", "error", err)
	}
}

// recorder keeps the beginning of what a handler answers.
type recorder struct {
	header   http.Header
	code     int
	body     bytes.Buffer
	panicked bool // the handler did
}

// maxAnswer bounds the text of an answer: the handler names every sample that
// it refuses.
const maxAnswer = 4 << 10

func newRecorder() *recorder { return &recorder{header: http.Header{}, code: http.StatusOK} }

// Header is what the handler sets.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader notes the status.
func (r *recorder) WriteHeader(code int) { r.code = code }

// Write keeps what there is room for.
func (r *recorder) Write(b []byte) (int, error) {
	r.body.Write(b[:min(len(b), max(0, maxAnswer-r.body.Len()))])
	return len(b), nil
}

// copyTo answers as the handler did.
func (r *recorder) copyTo(w http.ResponseWriter) {
	maps.Copy(w.Header(), r.header)
	w.WriteHeader(r.code)
	if _, err := w.Write(r.body.Bytes()); err != nil {
		return // the sender has gone
	}
}

// waitApplied bounds how long an answer waits for the view: what is in the
// ledger is safe.
const waitApplied = 5 * time.Second

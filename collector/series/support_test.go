package series

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// journal is a ledger and its tape as the view sees them.
type journal struct {
	mu      sync.Mutex
	entries []entry.Entry
	offer   func(entry.Entry)
	fail    error       // of Propose
	reads   int         // of the tape
	damaged map[int]any // places that cannot be read
}

// add puts an entry at the end, skipping one index now and then as raft does.
func (j *journal) add(kind entry.Kind, at time.Time, body []byte) uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	next := uint64(1)
	if n := len(j.entries); n > 0 {
		next = j.entries[n-1].Index + 1
		if n%17 == 0 {
			next++
		}
	}
	e := entry.Entry{Index: next, Time: at.UnixNano(), Kind: kind, Body: body}
	j.entries = append(j.entries, e)
	if j.offer != nil {
		j.offer(e)
	}
	return next
}

func (j *journal) from(index uint64) iter.Seq2[entry.Entry, error] {
	j.mu.Lock()
	j.reads++
	entries := slices.Clone(j.entries)
	j.mu.Unlock()
	return func(yield func(entry.Entry, error) bool) {
		for i, e := range entries {
			if e.Index < index {
				continue
			}
			var err error
			if _, bad := j.damaged[i]; bad {
				e, err = entry.Entry{Index: e.Index}, fmt.Errorf("entry %d: damaged", e.Index)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func (j *journal) propose(_ context.Context, kind entry.Kind, body []byte, _ [32]byte) (uint64, error) {
	if j.fail != nil {
		return 0, j.fail
	}
	return j.add(kind, time.Now(), body), nil
}

func (j *journal) last() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.entries) == 0 {
		return 0
	}
	return j.entries[len(j.entries)-1].Index
}

// running is a store that is being fed.
type running struct {
	*Store
	t          testing.TB
	j          *journal
	log        *bytes.Buffer
	stop       context.CancelFunc
	ended      chan struct{}
	closed     bool
	mux        *http.ServeMux
	registered sync.Once // of mux
}

// open opens a store, and replays the last entries of the journal as the ledger
// would.
func open(t testing.TB, dir string, j *journal, replay int, change ...func(*Options)) *running {
	t.Helper()
	logs := new(bytes.Buffer)
	o := Options{
		Dir: dir, Entries: j.from, Propose: j.propose, Metrics: metrics.NewSet(), Version: "test",
		Log: slog.New(slog.NewTextHandler(&locked{w: logs}, nil)),
	}
	for _, f := range change {
		f(&o)
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range j.entries[max(0, len(j.entries)-replay):] {
		s.Offer(e)
	}
	j.mu.Lock()
	j.offer = s.Offer
	j.mu.Unlock()
	r := &running{Store: s, t: t, j: j, log: logs, ended: make(chan struct{})}
	t.Cleanup(r.close)
	return r
}

func (r *running) run() *running {
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	go func() {
		defer close(r.ended)
		r.Run(ctx)
	}()
	return r
}

// settle waits until the view has everything.
func (r *running) settle() *running {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	select {
	case <-r.CaughtUp():
	case <-ctx.Done():
		r.t.Fatalf("not caught up: %s", r.log)
	}
	if err := r.WaitApplied(ctx, r.j.last()); err != nil {
		r.t.Fatalf("entry %d: %v: %s", r.j.last(), err, r.log)
	}
	return r
}

// halt ends Run without closing anything.
func (r *running) halt() {
	if r.stop != nil {
		r.stop()
		<-r.ended
		r.stop = nil
	}
	r.j.mu.Lock()
	r.j.offer = nil
	r.j.mu.Unlock()
}

func (r *running) close() {
	if r.closed {
		return
	}
	r.closed = true
	r.halt()
	if err := r.Close(); err != nil {
		r.t.Error(err)
	}
}

// ask is the result of an instant query, as text.
func (r *running) ask(expr string, at time.Time) string {
	r.t.Helper()
	q, err := r.engine.NewInstantQuery(r.t.Context(), r.db, nil, expr, at)
	if err != nil {
		r.t.Fatal(err)
	}
	defer q.Close()
	return shown(r.t, q.Exec(r.t.Context()))
}

// rangeOf is the result of a range query, as text.
func (r *running) rangeOf(expr string, from, to time.Time, step time.Duration) string {
	r.t.Helper()
	q, err := r.engine.NewRangeQuery(r.t.Context(), r.db, nil, expr, from, to, step)
	if err != nil {
		r.t.Fatal(err)
	}
	defer q.Close()
	return shown(r.t, q.Exec(r.t.Context()))
}

func shown(t testing.TB, res *promql.Result) string {
	t.Helper()
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	return res.Value.String()
}

// request asks the store over HTTP.
func (r *running) request(method, path, contentType string, body []byte) *httptest.ResponseRecorder {
	r.t.Helper()
	req := httptest.NewRequestWithContext(r.t.Context(), method, path, bytes.NewReader(body))
	return r.serve(req, contentType)
}

// requestCtx is a remote write request that is given up with ctx.
func (r *running) requestCtx(ctx context.Context, contentType string, body []byte) *httptest.ResponseRecorder {
	return r.serve(httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/v1/write", bytes.NewReader(body)), contentType)
}

func (r *running) serve(req *http.Request, contentType string) *httptest.ResponseRecorder {
	r.registered.Do(func() {
		r.mux = http.NewServeMux()
		r.Register(r.mux)
	})
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	r.mux.ServeHTTP(w, req)
	return w
}

func labelsOf(name string) labels.Labels { return labels.FromStrings(model.MetricNameLabel, name) }

func (r *running) refused(reason string) uint64 { return r.met.refused(reason).Get() }

// locked is a writer for many.
type locked struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// host makes samples of one agent.
type host struct {
	name   string
	lane   report.SpoolID
	labels []report.Attr
	schema *report.Schema
}

func newHost(name string, series ...report.Series) *host {
	return &host{name: name, schema: report.NewSchema(series), lane: report.SpoolID{1}}
}

// gauges are n series of one name.
func gauges(name string, n int) (out []report.Series) {
	for i := range n {
		out = append(out, report.Series{Name: name, Labels: []report.Attr{{Name: "n", Value: fmt.Sprintf("%03d", i)}}})
	}
	return out
}

func (h *host) body(frames ...report.Frame) []byte {
	s := report.Samples{Agent: h.name, Lane: h.lane, Labels: h.labels, Schema: h.schema, Frames: frames}
	return s.Append(nil)
}

func frame(at time.Time, values ...float64) report.Frame {
	return report.Frame{Time: at.UnixMilli(), Values: values}
}

// walk makes frames a second apart in which values change and come and go.
func (h *host) walk(rnd *rand.Rand, from time.Time, n int) (out []report.Frame) {
	values := make([]float64, len(h.schema.Series()))
	for i := range n {
		for k := range values {
			switch {
			case rnd.IntN(3) > 0:
			case report.IsAbsent(values[k]):
				values[k] = float64(rnd.IntN(100))
			case rnd.IntN(2) == 0:
				values[k] = report.Absent
			default:
				values[k] += float64(rnd.IntN(5))
			}
		}
		out = append(out, frame(from.Add(time.Duration(i)*time.Second), slices.Clone(values)...))
	}
	return out
}

package samples

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/collectors"
	"github.com/tomeishi/tomeishi/agent/report"
)

// request is one that the collector took.
type request struct {
	at     time.Time
	sent   int64
	times  []int64
	size   int
	labels []report.Attr
	lane   report.SpoolID
}

// collector speaks the wire contract and keeps what it took.
type collector struct {
	t  *testing.T
	mu sync.Mutex
	// fault may answer instead; apply says whether the samples are taken then.
	fault    func(w http.ResponseWriter, r *http.Request) (done, apply bool)
	decoder  *report.SampleDecoder
	requests []request
	values   map[int64][]float64 // by time
}

func newCollector(t *testing.T) *collector {
	return &collector{t: t, decoder: new(report.SampleDecoder), values: map[int64][]float64{}}
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if r.Header.Get("Content-Type") != report.SamplesType || r.Method+r.URL.Path != "POST/v1/blocks" || r.Header.Get("Authorization") != "Bearer secret" {
		c.t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
	}
	c.mu.Lock()
	fault := c.fault
	c.mu.Unlock()
	if fault != nil {
		r.Body = io.NopCloser(bytes.NewReader(body))
		done, apply := fault(w, r)
		if apply {
			_, _ = c.take(body)
		}
		if done {
			return
		}
	}
	last, err := c.take(body)
	switch {
	case errors.Is(err, report.ErrBase):
		report.WriteJSON(w, http.StatusConflict, map[string]string{"error": err.Error(), "reason": "base"})
	case err != nil:
		c.t.Errorf("a bad request: %v", err)
		report.WriteJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error(), "reason": "samples"})
	default:
		report.WriteJSON(w, http.StatusOK, map[string]int64{"through": last})
	}
}

func (c *collector) take(body []byte) (last int64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.decoder.Decode(body)
	if err != nil {
		return 0, err
	}
	r := request{at: time.Now(), sent: s.Sent, size: len(body), labels: s.Labels, lane: s.Lane}
	for _, f := range s.Frames {
		if old, twice := c.values[f.Time]; twice && !slices.EqualFunc(old, f.Values, same) {
			c.t.Errorf("two values for the time %d", f.Time)
		}
		c.values[f.Time] = f.Values
		r.times = append(r.times, f.Time)
	}
	c.requests = append(c.requests, r)
	return r.times[len(r.times)-1], nil
}

func same(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }

func (c *collector) set(fault func(w http.ResponseWriter, r *http.Request) (done, apply bool)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = fault
}

func down(w http.ResponseWriter, _ *http.Request) (done, apply bool) {
	report.WriteJSON(w, http.StatusServiceUnavailable, map[string]string{"error": "down"})
	return true, false
}

// took is what came, as live frames and as what had waited.
func (c *collector) took() (live, late []request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.requests {
		if r.sent != 0 {
			live = append(live, r)
		} else {
			late = append(late, r)
		}
	}
	return live, late
}

// direct carries requests to a handler in memory, so that they work in a
// synctest bubble. A handler that panics is a cut connection.
type direct struct{ h http.Handler }

func (d direct) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		if recover() != nil {
			resp, err = nil, io.ErrUnexpectedEOF
		}
	}()
	w := httptest.NewRecorder()
	d.h.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// lane is one that runs, and what was added to it.
type lane struct {
	*Lane
	t      *testing.T
	schema *report.Schema
	set    *metrics.Set
	logs   *lockedBuffer
	added  map[int64][]float64
	stop   func()
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) count(what string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.String(), what)
}

func start(t *testing.T, dir string, h http.Handler, change ...func(*Options)) *lane {
	t.Helper()
	logs, set := new(lockedBuffer), metrics.NewSet()
	client := &http.Client{
		Transport:     direct{h},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	urls := []string{"http://c1", "http://c2"}
	o := Options{
		Dir: filepath.Join(dir, "samples"), Agent: "a1", Max: 1 << 30,
		Labels: []report.Attr{{Name: "site", Value: "tokyo"}},
		Live:   collectors.New(urls, "secret", client), Backlog: collectors.New(urls, "secret", client),
		Log: slog.New(slog.NewTextHandler(logs, nil)), Metrics: set,
	}
	for _, f := range change {
		f(&o)
	}
	l := &lane{Lane: New(o), t: t, schema: schema(40), set: set, logs: logs, added: map[int64][]float64{}}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { l.Run(ctx) })
	l.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(l.stop)
	return l
}

// ramDir is a folder where a sync costs nothing.
func ramDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "samples")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func schema(series int) *report.Schema {
	var all []report.Series
	for i := range series {
		all = append(all, report.Series{Name: "node_cpu_seconds_total", Labels: []report.Attr{{Name: "cpu", Value: strconv.Itoa(i)}}})
	}
	return report.NewSchema(all)
}

// add adds a frame with the time now, or another.
func (l *lane) add(at ...time.Time) int64 {
	now := time.Now()
	if len(at) > 0 {
		now = at[0]
	}
	f := report.Frame{Time: now.UnixMilli()}
	for i := range l.schema.Series() {
		v := math.Sqrt(float64(f.Time)) / float64(i+1)
		if i%7 == 3 {
			v = report.Absent
		}
		f.Values = append(f.Values, v)
	}
	l.added[f.Time] = f.Values
	l.Add(l.schema, f)
	return f.Time
}

// seconds adds a frame a second.
func (l *lane) seconds(n int) {
	for range n {
		l.add()
		time.Sleep(time.Second)
	}
}

func (l *lane) metric(name string) string {
	l.t.Helper()
	var text bytes.Buffer
	l.set.WritePrometheus(&text)
	for line := range strings.Lines(text.String()) {
		if v, ok := strings.CutPrefix(line, prefix+name+" "); ok {
			return strings.TrimSpace(v)
		}
	}
	l.t.Errorf("no metric %s in\n%s", name, text.String())
	return ""
}

// missing are the times of what was added and did not come, in order; it
// checks the values of what came.
func (c *collector) missing(t *testing.T, added map[int64][]float64) (times []int64) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for at, want := range added {
		got, ok := c.values[at]
		if !ok {
			times = append(times, at)
		} else if !slices.EqualFunc(got, want, same) {
			t.Errorf("other values at %d", at)
		}
	}
	slices.Sort(times)
	return times
}

func (l *lane) files(pattern string) []string {
	l.t.Helper()
	found, err := filepath.Glob(l.folder.path(pattern))
	if err != nil {
		l.t.Fatal(err)
	}
	return found
}

// used is what the chunks take on disk.
func (l *lane) used() (bytes int64) {
	l.t.Helper()
	for _, f := range l.files("*" + suffix) {
		info, err := os.Stat(f)
		if err != nil {
			l.t.Fatal(err)
		}
		bytes += onDisk(info.Size())
	}
	return bytes
}

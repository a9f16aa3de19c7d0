package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// cell is a ledger in memory in front of a real machine.
type cell struct {
	mu      sync.Mutex
	machine *machine.Machine
	index   uint64
	bodies  [][]byte // as proposed, not copied: they must not change
	digests [][32]byte
	// fault says what becomes of a proposal: nothing, or an error before or
	// after it is applied.
	fault func() (before, after error)
}

func newCell() *cell {
	c := &cell{machine: machine.New(), fault: func() (before, after error) { return nil, nil }}
	c.apply(entry.KindGenesis, entry.Marshal(entry.Genesis{Cell: "c0", Secret: [2]uint64{1, 2}, Behavior: machine.Behavior}))
	return c
}

func (c *cell) apply(kind entry.Kind, body []byte) any {
	c.index++
	return c.machine.Apply(entry.Entry{Index: c.index, Time: int64(c.index), Kind: kind, Body: body})
}

func (c *cell) Propose(_ context.Context, kind entry.Kind, body []byte, digest [32]byte) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, after := c.fault()
	if before != nil {
		return nil, before
	}
	c.bodies, c.digests = append(c.bodies, body), append(c.digests, digest)
	out := c.apply(kind, body)
	return out, after
}

// failing makes the next proposals end so.
func (c *cell) failing(before, after error) { c.fault = func() (error, error) { return before, after } }

// door is an intake and what stands behind it.
type door struct {
	testing.TB
	*http.ServeMux
	cell    *cell
	metrics *metrics.Set
}

func newDoor(t testing.TB, c *cell) *door {
	d := &door{t, http.NewServeMux(), c, metrics.NewSet()}
	New(Options{Ledger: c, Metrics: d.metrics, Agent: func(r *http.Request, agent string) error {
		if of := r.Header.Get("Authorization"); of != "" && of != agent {
			return errors.New("the token is agent " + of + "'s")
		}
		return nil
	}}).Register(d.ServeMux)
	return d
}

type answer struct {
	code    int
	Through int64
	Error   string
	Reason  string
	Field   string
	Seq     uint64
}

func (d *door) post(body []byte, headers ...string) answer {
	d.Helper()
	r := httptest.NewRequestWithContext(d.Context(), http.MethodPost, "/v1/blocks", bytes.NewReader(body))
	r.Header.Set("Content-Type", report.SamplesType)
	for h := range slices.Chunk(headers, 2) {
		r.Header.Set(h[0], h[1])
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	a := answer{code: w.Code}
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Header().Get("Content-Type") != "application/json" {
		d.Fatalf("%d: %s: %v", w.Code, w.Body, err)
	}
	if later := w.Code == http.StatusTooManyRequests || w.Code == http.StatusServiceUnavailable; later != (w.Header().Get("Retry-After") != "") {
		d.Errorf("%d with Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	return a
}

// hostSamples are what a host measured in n seconds.
func hostSamples(agent string, n int) *report.Samples {
	s := &report.Samples{
		Agent: agent, Lane: report.SpoolID{7}, Labels: []report.Attr{{Name: "dc", Value: "tokyo"}},
		Schema: report.NewSchema([]report.Series{
			{Name: "node_load1"},
			{Name: "node_network_receive_bytes_total", Labels: []report.Attr{{Name: "device", Value: "eth0"}}},
			{Name: "node_timex_offset_seconds"},
		}),
	}
	r := rand.New(rand.NewPCG(1, uint64(len(agent))))
	for i := range n {
		absent := report.Absent
		if i%2 == 1 {
			absent = r.Float64()
		}
		s.Frames = append(s.Frames, report.Frame{Time: 1790000000000 + 1000*int64(i), Values: []float64{0.25, float64(1000 * i), absent}})
	}
	return s
}

func frame(s *report.Samples, i int) *report.Samples {
	one := *s
	one.Frames = s.Frames[i : i+1]
	return &one
}

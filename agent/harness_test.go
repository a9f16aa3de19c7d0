package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/config"
	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/agent/socketfile"
)

// collector is a small real one: it takes blocks and samples, and tells of
// gates.
type collector struct {
	*httptest.Server
	decoder report.SampleDecoder
	samples chan report.Samples
	mu      sync.Mutex
	got     []string // "id agentid peeruid" of each event of an application, in order
	own     []string // "type data" of each event of the agent itself
	more    chan struct{}
	cell    string
	epoch   uint64
	gates   []map[string]any
	changed chan struct{}
}

func newCollector(t *testing.T) *collector {
	c := &collector{
		samples: make(chan report.Samples, 1000),
		more:    make(chan struct{}, 1), changed: make(chan struct{}), cell: "cell1",
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/blocks", c.blocks)
	mux.HandleFunc("GET /v1/gates", c.watch)
	c.Server = httptest.NewServer(mux)
	t.Cleanup(c.Close)
	return c
}

func (c *collector) blocks(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if r.Header.Get("Content-Type") == report.SamplesType {
		c.measured(w, body)
		return
	}
	var b report.Block
	c.mu.Lock()
	defer c.mu.Unlock()
	for err == nil && len(body) > 0 {
		if b, body, err = report.ReadBlock(body); err != nil {
			break
		}
		rd := b.Batch.Reader()
		for ev := (report.Event{}); rd.Next(&ev); {
			if ev.Source == "tomeishi/agent/"+b.Agent {
				c.own = append(c.own, ev.Type+" "+string(ev.Data))
				continue
			}
			line := ev.ID
			for _, a := range ev.Ext {
				line += " " + a.Name + "=" + a.Value
			}
			c.got = append(c.got, line)
		}
	}
	if err != nil {
		report.WriteJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	report.WriteJSON(w, http.StatusOK, map[string]any{"through": b.Seq})
	select {
	case c.more <- struct{}{}:
	default:
	}
}

func (c *collector) measured(w http.ResponseWriter, body []byte) {
	s, err := c.decoder.Decode(body)
	switch {
	case errors.Is(err, report.ErrBase):
		report.WriteJSON(w, http.StatusConflict, map[string]string{"error": err.Error(), "reason": "base"})
	case err != nil:
		report.WriteJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error(), "reason": "samples"})
	default:
		c.samples <- s
		report.WriteJSON(w, http.StatusOK, map[string]int64{"through": s.Frames[len(s.Frames)-1].Time})
	}
}

func (c *collector) watch(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for r.URL.Query().Get("watch") == fmt.Sprint(c.epoch) {
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-r.Context().Done():
		}
		c.mu.Lock()
		if r.Context().Err() != nil {
			return
		}
	}
	report.WriteJSON(w, http.StatusOK, map[string]any{"cell": c.cell, "epoch": c.epoch, "gates": c.gates})
}

func (c *collector) set(cell string, gates ...map[string]any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cell, c.gates = cell, gates
	c.epoch++
	close(c.changed)
	c.changed = make(chan struct{})
}

func gate(name, state string, epoch int, holds ...map[string]any) map[string]any {
	return map[string]any{
		"name": name, "state": state, "mode": "enforce", "epoch": epoch, "holds": append([]map[string]any{}, holds...),
		"fresh": true, "cell": "cell1", "lease": "30s", "if_unreachable": "close",
	}
}

type running struct {
	*Agent
	t    *testing.T
	stop func()
	unix *http.Client
}

func run(t *testing.T, c config.Config, needsLease bool) *running {
	t.Helper()
	a, err := New(Options{Config: c, Version: "test", Log: slog.New(slog.DiscardHandler), ReadyNeedsLease: needsLease})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := a.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	unix := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return socketfile.Dial(ctx, a.Socket())
	}}}
	stop := sync.OnceFunc(func() { unix.CloseIdleConnections(); cancel(); wg.Wait() })
	t.Cleanup(stop)
	return &running{a, t, stop, unix}
}

func configOf(dir string, collectors ...string) config.Config {
	c := config.Default()
	c.Listen, c.Data, c.ID, c.Collectors = "127.0.0.1:0", dir, "a1", collectors
	return c
}

type answer struct {
	code   int
	header http.Header
	body   string
	json   map[string]any
}

func (r *running) do(client *http.Client, method, path, body string, header ...string) answer {
	r.t.Helper()
	host := r.Addr()
	req, err := http.NewRequestWithContext(r.t.Context(), method, "http://"+host+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if req.Header.Set(header[i], header[i+1]); header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		r.t.Error(err)
	}
	a := answer{code: resp.StatusCode, header: resp.Header, body: string(raw)}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(raw, &a.json); err != nil && len(raw) > 0 {
			r.t.Errorf("%s %s: %v in %q", method, path, err, raw)
		}
	}
	return a
}

// until asks again until the answer has the code; the agent learns of gates
// on its own time.
func (r *running) until(path string, code int) answer {
	r.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		a := r.do(nil, "GET", path, "")
		if a.code == code {
			return a
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%s: %d %s, want %d", path, a.code, a.body, code)
		}
	}
}

package agent

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/tomeishi/tomeishi/agent/collectors"
	"github.com/tomeishi/tomeishi/agent/host"
	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/agent/samples"
)

// TestSignals: this host's signals reach the collector each second, and
// /metrics shows them before the agent's own.
func TestSignals(t *testing.T) {
	srv := newCollector(t)
	c := configOf(t.TempDir(), srv.URL)
	c.Labels = map[string]string{"site": "tokyo", "job": "db"}
	r := run(t, c, false)
	first, second := <-srv.samples, <-srv.samples
	for _, s := range []report.Samples{first, second} {
		if diff := cmp.Diff([]report.Attr{{Name: "job", Value: "db"}, {Name: "site", Value: "tokyo"}}, s.Labels); diff != "" {
			t.Error(diff)
		}
		if s.Agent != "a1" || s.Lane == (report.SpoolID{}) || len(s.Frames) != 1 || s.Sent < s.Frames[0].Time {
			t.Errorf("agent %q, lane %v, %d frames, sent at %d, first of %d", s.Agent, s.Lane, len(s.Frames), s.Sent, s.Frames[0].Time)
		}
		for _, want := range []string{"node_cpu_seconds_total", "node_memory_MemAvailable_bytes", "node_boot_time_seconds"} {
			if !slices.ContainsFunc(s.Schema.Series(), func(s report.Series) bool { return s.Name == want }) {
				t.Errorf("no %s", want)
			}
		}
	}
	if gap := second.Frames[0].Time - first.Frames[0].Time; gap < 400 || gap > 5000 {
		t.Errorf("%d ms between two frames", gap)
	}
	text := r.do(nil, "GET", "/metrics", "").body
	for _, want := range []string{`node_cpu_seconds_total{cpu="0",mode="idle",site="tokyo"} `, "# TYPE node_cpu_seconds_total counter", `node_memory_MemAvailable_bytes{site="tokyo"} `, "tomeishi_agent_samples_frames_total ", "tomeishi_agent_info{"} {
		if !strings.Contains(text, want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
	checkText(t, text)
}

var textLine = regexp.MustCompile(`^(# (HELP|TYPE) .+|[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\.)*",? ?)+\})? [^ ]+)$`)

// checkText finds lines with a time, and series that stand twice.
func checkText(t *testing.T, text string) {
	t.Helper()
	seen := make(map[string]bool)
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		if !textLine.MatchString(line) {
			t.Errorf("not in the text format: %q", line)
		}
		series := line[:strings.LastIndexByte(line, ' ')]
		if line[0] != '#' && seen[series] {
			t.Errorf("twice: %s", series)
		}
		seen[series] = true
	}
}

// TestSignalsWithoutCollectors are shown and kept nowhere.
func TestSignalsWithoutCollectors(t *testing.T) {
	dir := t.TempDir()
	r := run(t, configOf(dir), false)
	r.measured()
	text := r.do(nil, "GET", "/metrics", "").body
	if !strings.Contains(text, `node_cpu_seconds_total{cpu="0",mode="idle"} `) || strings.Contains(text, "tomeishi_agent_samples_") {
		t.Errorf("/metrics:\n%s", text)
	}
	checkText(t, text)
	r.stop()
	if _, err := os.Stat(filepath.Join(dir, "samples")); err == nil {
		t.Error("samples are kept for nobody")
	}
}

// TestSamplesSurviveARestart: what no collector took is sent by the next run.
func TestSamplesSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	r := run(t, configOf(dir, "http://127.0.0.1:1"), false)
	measured := r.measured().Time
	r.stop()
	srv := newCollector(t)
	run(t, configOf(dir, srv.URL), false)
	for s := range srv.samples {
		if s.Frames[0].Time == measured {
			if s.Sent != 0 {
				t.Error("what had to wait says when it was sent")
			}
			return
		}
	}
}

// TestStopDuringATick: what a tick under way adds is written down too.
func TestStopDuringATick(t *testing.T) {
	dir := t.TempDir()
	urls := []string{"http://127.0.0.1:1"}
	lane := samples.New(samples.Options{
		Dir: dir, Agent: "a1", Max: 1 << 30, Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet(),
		Live: collectors.New(urls, "", http.DefaultClient), Backlog: collectors.New(urls, "", http.DefaultClient),
	})
	s := newSignals(host.Options{}, lane, nil, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	s.mu.Lock()
	first := s.frame.Time
	running.Go(func() { s.run(ctx) })
	for stacks := make([]byte, 1<<20); !bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte("(*signals).tick")); {
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	time.Sleep(200 * time.Millisecond) // for a lane that does not wait
	s.mu.Unlock()
	running.Wait()
	if s.frame.Time == first {
		t.Fatal("no second frame")
	}
	written, err := filepath.Glob(filepath.Join(dir, fmt.Sprintf("%013d-*", s.frame.Time)))
	if err != nil || len(written) != 1 {
		t.Errorf("the last frame is in %q, %v", written, err)
	}
}

// measured waits for the first frame.
func (r *running) measured() report.Frame {
	for {
		r.signals.mu.Lock()
		schema, frame := r.signals.schema, r.signals.frame
		r.signals.mu.Unlock()
		if schema != nil {
			return frame
		}
		time.Sleep(time.Millisecond)
	}
}

// TestHungProc: a file of /proc that never answers stops neither listening nor
// the end.
func TestHungProc(t *testing.T) {
	proc := t.TempDir()
	for _, name := range []string{"stat", "meminfo"} {
		if err := unix.Mkfifo(filepath.Join(proc, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, err := New(Options{Config: configOf(t.TempDir()), host: host.Options{Proc: proc}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }() // waited for below
	r := &running{Agent: a, t: t}
	r.until("/-/ready", 200)
	if got := r.do(nil, "POST", "/v1/events", one, "Content-Type", report.StructuredType); got.code != 202 {
		t.Errorf("%d %s", got.code, got.body)
	}
	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(measureEnd + shutdownTime):
		t.Error("it does not end")
	}
	// What hangs in the fifos goes on, so that the test leaves nothing behind.
	for _, name := range []string{"stat", "meminfo"} {
		if f, err := os.OpenFile(filepath.Join(proc, name), os.O_RDWR|unix.O_NONBLOCK, 0); err == nil {
			_ = f.Close()
		}
	}
}

// TestLabelsAreApart: no label that a host's series have can be given to an
// agent, for the collector refuses that.
func TestLabelsAreApart(t *testing.T) {
	r := run(t, configOf(t.TempDir()), false)
	r.measured()
	r.signals.mu.Lock()
	defer r.signals.mu.Unlock()
	checkLabel := func(name string) error {
		c := configOf(t.TempDir())
		c.Labels = map[string]string{name: "x"}
		return c.Check()
	}
	for _, s := range r.signals.schema.Series() {
		for _, l := range s.Labels {
			if checkLabel(l.Name) == nil {
				t.Errorf("%s has the label %s", s.Name, l.Name)
			}
		}
	}
	for _, good := range []string{"job", "site", "_", "A9"} {
		if err := checkLabel(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

func TestEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		ctx, stop := context.WithCancel(t.Context())
		var at []time.Duration
		slow := map[int]time.Duration{2: 2500 * time.Millisecond, 4: 900 * time.Millisecond}
		everySecond(ctx, 300*time.Millisecond, func(now time.Time) {
			at = append(at, now.Sub(begin))
			time.Sleep(slow[len(at)])
			if len(at) == 7 {
				stop()
			}
		})
		ms := time.Millisecond
		want := []time.Duration{1300 * ms, 2300 * ms, 5300 * ms, 6300 * ms, 8300 * ms, 9300 * ms, 10300 * ms}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Error(diff)
		}
	})
}

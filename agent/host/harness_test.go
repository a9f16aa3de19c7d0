package host

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/shirou/gopsutil/v3/disk"

	"github.com/tomeishi/tomeishi/agent/report"
)

// full is a host with everything that is measured.
const full = "testdata/kernels/linux-6.18.txtar"

// plant writes a made-up host into a new folder.
func plant(t testing.TB, archive string) (dir, want string) {
	t.Helper()
	a, err := txtar.ParseFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for _, f := range a.Files {
		if f.Name == "want" {
			want = string(f.Data)
			continue
		}
		put(t, filepath.Join(dir, f.Name), string(f.Data))
	}
	return dir, want
}

func put(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// sized is a statfs for folders that are no mounts.
func sized(string) (*disk.UsageStat, error) {
	return &disk.UsageStat{Total: 1000, Used: 400, Free: 500, InodesTotal: 90, InodesFree: 80}, nil
}

func planted(dir string) Options {
	return Options{Proc: dir + "/proc", Sys: dir + "/sys", Root: dir, usage: sized}
}

// measured is a collector that is driven by hand, one second a tick.
type measured struct {
	*Collector
	t   testing.TB
	now time.Time
	log *strings.Builder
}

func start(t testing.TB, o Options) *measured {
	t.Helper()
	m := &measured{t: t, log: &strings.Builder{}}
	o.Log = slog.New(slog.NewTextHandler(io.MultiWriter(m.log, t.Output()), nil))
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	m.Collector, m.now = c, time.Now()
	return m
}

// settle waits for what is off the tick, and for mounts whose answer a round did
// not wait for: on a busy machine each may take longer than its patience.
func (m *measured) settle() {
	for _, e := range m.errands() {
		if e.busy {
			e.done <- <-e.done
		}
	}
	for m.filesystems.asks() > 0 {
		runtime.Gosched()
	}
}

func (f *filesystems) asks() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asking
}

// tick is one second, what was off the tick before it included. The values are
// by series as WriteText writes it.
func (m *measured) tick() map[string]float64 {
	m.t.Helper()
	m.settle()
	m.now = m.now.Add(time.Second)
	schema, frame := m.Tick(m.now)
	if len(schema.Series()) != len(frame.Values) {
		m.t.Fatalf("%d values of %d series", len(frame.Values), len(schema.Series()))
	}
	return bySeries(schema, frame)
}

func (m *measured) ticks(n int) (last map[string]float64) {
	for range n {
		last = m.tick()
	}
	return last
}

func bySeries(schema *report.Schema, frame report.Frame) map[string]float64 {
	out := map[string]float64{}
	for i, s := range schema.Series() {
		if !report.IsAbsent(frame.Values[i]) {
			out[string(appendSeries(nil, &s, nil))] = frame.Values[i]
		}
	}
	return out
}

func expect(t testing.TB, got map[string]float64, series string, want float64) {
	t.Helper()
	if v, ok := got[series]; !ok || v != want {
		t.Errorf("%s = %v (there: %t), want %v", series, v, ok, want)
	}
}

func expectAbsent(t testing.TB, got map[string]float64, series string) {
	t.Helper()
	if v, ok := got[series]; ok {
		t.Errorf("%s = %v, want it absent", series, v)
	}
}

// with counts the series that begin like this.
func with(got map[string]float64, prefix string) (n int) {
	for s := range got {
		if strings.HasPrefix(s, prefix) {
			n++
		}
	}
	return n
}

package host

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A sounded source is one with what is measured from it on a sound host.
type sounded struct {
	*source
	raw  []byte
	want map[string]float64
}

func sources(t testing.TB) (*Collector, []sounded) {
	t.Helper()
	dir, _ := plant(t, full)
	c := start(t, planted(dir)).Collector
	var out []sounded
	for _, s := range c.files {
		raw, err := os.ReadFile(s.file.path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parsed(c, s, raw)
		if err != nil || len(got) == 0 {
			t.Fatalf("%s: %v, %d values", s.path, err, len(got))
		}
		out = append(out, sounded{s, raw, got})
	}
	return c, out
}

// parsed is a tick of one source.
func parsed(c *Collector, s *source, raw []byte) (map[string]float64, error) {
	c.table.begin()
	err := s.measure(c.table, raw)
	out := map[string]float64{}
	for i, series := range c.table.series {
		if v := c.table.values[i]; v == v {
			out[string(appendSeries(nil, &series, nil))] = v
		}
	}
	return out, err
}

// TestTruncated cuts each file at each byte: what is measured then is true.
func TestTruncated(t *testing.T) {
	c, all := sources(t)
	for _, s := range all {
		for cut := range s.raw {
			got, err := parsed(c, s.source, s.raw[:cut])
			for series, v := range got {
				if v != s.want[series] {
					t.Fatalf("%s cut at %d: %s = %v, want %v or nothing", s.path, cut, series, v, s.want[series])
				}
			}
			if torn := cut > 0 && s.raw[cut-1] != '\n'; torn && err == nil {
				t.Fatalf("%s cut at %d, within a line: no error", s.path, cut)
			}
		}
	}
}

// TestBadLine puts bad lines between good ones: the good ones count.
func TestBadLine(t *testing.T) {
	c, all := sources(t)
	for _, s := range all {
		for _, bad := range []string{"\x00\xff\n", strings.Repeat("9", 400) + "\n", "-\n"} {
			got, _ := parsed(c, s.source, append(slices.Clone(s.raw), bad...))
			if diff := cmp.Diff(s.want, got); diff != "" {
				t.Errorf("%s with %.5q behind it (-want +got):\n%s", s.path, bad, diff)
			}
		}
	}
}

// TestUnreadable spoils one file of a host at a time. All else is measured as
// before, the error is counted in the file's own name and logged once.
func TestUnreadable(t *testing.T) {
	_, all := sources(t)
	dir, _ := plant(t, full)
	for name, text := range map[string]string{
		"empty":   "",
		"garbage": "\x7fELF\x00\x01\xff\xfe junk\n : : :\n\n%s%s%s\n",
		"huge":    strings.Repeat("0123456789 abcde\n", 2*mostBuffer/17),
	} {
		t.Run(name, func(t *testing.T) {
			for _, s := range all[1:] { // without stat there is no collector
				if s.mayBeEmpty && text == "" {
					continue
				}
				path := filepath.Join(dir, "proc", s.path)
				put(t, path, text)
				alone(t, dir, s, all)
				put(t, path, string(s.raw))
			}
		})
	}
	t.Run("a folder", func(t *testing.T) {
		for _, s := range all[1:] {
			path := filepath.Join(dir, "proc", s.path)
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o755)); err != nil {
				t.Fatal(err)
			}
			alone(t, dir, s, all)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			put(t, path, string(s.raw))
		}
	})
}

// alone checks a host of which one file is spoilt.
func alone(t *testing.T, dir string, spoilt sounded, all []sounded) {
	t.Helper()
	m := start(t, planted(dir))
	defer m.Close()
	got := m.ticks(3)
	expect(t, got, `tomeishi_host_errors_total{source="`+spoilt.name+`"}`, 4)
	for _, s := range all {
		for series, v := range s.want {
			if s.path == spoilt.path {
				expectAbsent(t, got, series)
			} else {
				expect(t, got, series, v)
			}
		}
	}
	if n := strings.Count(m.log.String(), "\n"); n != 1 {
		t.Errorf("%s: %d lines of log, want 1: %s", spoilt.path, n, m.log)
	}
}

// TestNoProc starts where there is no procfs.
func TestNoProc(t *testing.T) {
	if _, err := New(planted(t.TempDir())); err == nil || !strings.Contains(err.Error(), "procfs") {
		t.Errorf("New: %v, want that there is no procfs", err)
	}
}

// TestVanish takes files away and brings them back.
func TestVanish(t *testing.T) {
	dir, _ := plant(t, full)
	m := start(t, planted(dir))
	sound := m.tick()
	for _, s := range m.files {
		before := maps.Clone(m.tick())
		raw, err := os.ReadFile(s.file.path)
		if err != nil {
			t.Fatal(err)
		}
		put(t, s.file.path, "x\n") // as a read would fail: then the open file is given up
		m.tick()
		if err := os.Remove(s.file.path); err != nil {
			t.Fatal(err)
		}
		gone := m.ticks(3)
		if n := len(before) - len(gone); n == 0 {
			t.Errorf("%s: %d series fewer without it", s.path, n)
		}
		put(t, s.file.path, string(raw))
		back := m.ticks(retryTicks)
		for series := range sound {
			if _, ok := back[series]; !ok {
				t.Errorf("%s is back: %s is absent", s.path, series)
			}
		}
		counted := `tomeishi_host_errors_total{source="` + s.name + `"}`
		if n := back[counted] - before[counted]; s.optional && n != 1 || !s.optional && n != 4 {
			t.Errorf("%s: %v errors", s.path, n)
		}
	}
}

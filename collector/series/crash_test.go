package series

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// fleetOf writes what some agents measure over a time into a journal: most of
// it live, some of it late and newest first, after an outage.
type fleetOf struct {
	j     *journal
	rnd   *rand.Rand
	hosts []*host
	all   map[*host][]report.Frame // that are still to be sent
	kept  map[*host][]report.Frame // that could not be sent
	down  map[*host]int            // for how many seconds more
	from  time.Time
	at    int // seconds since from
}

func newFleetOf(j *journal, seed uint64, seconds int) *fleetOf {
	f := &fleetOf{
		j: j, rnd: rand.New(rand.NewPCG(seed, 1)), from: now().Add(-time.Duration(seconds) * time.Second),
		all: map[*host][]report.Frame{}, kept: map[*host][]report.Frame{}, down: map[*host]int{},
	}
	for i := range 3 {
		h := newHost(fmt.Sprintf("host%d", i), gauges("g", 4)...)
		f.hosts = append(f.hosts, h)
		f.all[h] = h.walk(f.rnd, f.from, seconds)
	}
	return f
}

// second sends what one second brings.
func (f *fleetOf) second() {
	when := f.from.Add(time.Duration(f.at) * time.Second)
	for _, h := range f.hosts {
		fr := f.all[h][f.at]
		switch {
		case f.down[h] > 0:
			f.down[h]--
			f.kept[h] = append(f.kept[h], fr)
			continue
		case f.rnd.IntN(30) == 0:
			f.down[h] = 2 + f.rnd.IntN(8)
			f.kept[h] = append(f.kept[h], fr)
			continue
		}
		f.j.add(entry.KindSamples, when, h.body(fr))
		if kept := f.kept[h]; len(kept) > 0 {
			n := max(0, len(kept)-1-f.rnd.IntN(4))
			f.j.add(entry.KindSamples, when, h.body(kept[n:]...))
			f.kept[h] = kept[:n]
		}
	}
	if f.rnd.IntN(5) == 0 {
		f.j.add(entry.KindWrite, when, frameWrite(protocol1, writeOne("pushed", when, float64(f.at))))
	}
	if f.rnd.IntN(3) == 0 {
		f.j.add(entry.KindTick, when, nil)
	}
	f.at++
}

// picture is what PromQL sees of everything.
func (r *running) picture(from time.Time, seconds int) string {
	r.t.Helper()
	var out strings.Builder
	for _, expr := range []string{"g", "pushed", "count_over_time(g[10s])", "sum by (instance) (g)", "changes(g[1m])"} {
		fmt.Fprintf(&out, "%s\n%s\n", expr, r.rangeOf(expr, from, from.Add(time.Duration(seconds)*time.Second), time.Second))
	}
	return out.String()
}

// drain feeds what was offered, as Run would.
func (r *running) drain() {
	r.t.Helper()
	if err := r.feeder.consume(r.t.Context(), r.queue.take()); err != nil {
		r.t.Fatal(err)
	}
}

// TestCrash kills the view at random moments. Opened again, and filled from the
// ledger's replay and the tape, it is as if nothing had happened.
func TestCrash(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			const seconds = 80
			j := new(journal)
			f := newFleetOf(j, seed, seconds)
			oracle := open(t, t.TempDir(), j, 0)
			r := open(t, t.TempDir(), j, 0)
			if err := r.feeder.begin(t.Context()); err != nil {
				t.Fatal(err)
			}
			for range seconds {
				f.second()
				switch f.rnd.IntN(12) {
				case 0, 1, 2:
					r.drain()
				case 3:
					r.drain()
					r.feeder.remember()
				case 4:
					r = r.crash(f.rnd)
				}
			}
			r.drain()
			for _, e := range j.entries {
				oracle.Offer(e)
			}
			oracle.drain()
			want := oracle.picture(f.from, seconds)
			if got := r.picture(f.from, seconds); got != want {
				t.Errorf("after crashes (-as without, +as is):\n%.4000s", cmp.Diff(want, got))
			}
			if !strings.Contains(want, `instance="host2"`) || !strings.Contains(want, `__name__="pushed"`) {
				t.Errorf("the picture is empty: %.300s", want)
			}
		})
	}
}

// crash opens a copy of the folder as it is now.
func (r *running) crash(rnd *rand.Rand) *running {
	r.t.Helper()
	dir := r.t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(r.o.Dir)); err != nil {
		r.t.Fatal(err)
	}
	r.close()
	again := open(r.t, dir, r.j, rnd.IntN(len(r.j.entries)+1))
	if err := again.feeder.begin(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	if got := again.progress.get(); got != r.j.last() {
		r.t.Fatalf("caught up to entry %d of %d", got, r.j.last())
	}
	return again
}

// TestRefill deletes the folder, or damages what is in it: the view fills
// itself again.
func TestRefill(t *testing.T) {
	const seconds = 60
	j := new(journal)
	f := newFleetOf(j, 7, seconds)
	base := t.TempDir()
	r := open(t, base, j, 0).run()
	for range seconds {
		f.second()
	}
	want := r.settle().picture(f.from, seconds)
	r.close()

	for name, c := range map[string]struct {
		damage func(t *testing.T, dir string)
		aside  bool // something is set aside
	}{
		"nothing":         {damage: func(*testing.T, string) {}},
		"deleted":         {damage: func(t *testing.T, dir string) { must(t, os.RemoveAll(dir)) }},
		"no mark":         {damage: func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, markFile))) }},
		"mark is rubbish": {damage: func(t *testing.T, dir string) { write(t, filepath.Join(dir, markFile), []byte("{")) }},
		"mark is newer": {damage: func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, markFile), []byte(`{"version":9,"index":50}`))
		}},
		"log cut": {damage: func(t *testing.T, dir string) {
			path := filepath.Join(dir, "wal", "00000000")
			must(t, os.Truncate(path, size(t, path)*2/3))
		}},
		"log changed": {damage: func(t *testing.T, dir string) { flip(t, filepath.Join(dir, "wal", "00000000"), 0.5) }},
		"log gone":    {damage: func(t *testing.T, dir string) { must(t, os.RemoveAll(filepath.Join(dir, "wal"))) }},
		"late log changed": {damage: func(t *testing.T, dir string) {
			flip(t, filepath.Join(dir, "wbl", "00000000"), 0.3)
		}},
		"log is a file": {aside: true, damage: func(t *testing.T, dir string) {
			must(t, os.RemoveAll(filepath.Join(dir, "wal")))
			write(t, filepath.Join(dir, "wal"), []byte("?"))
		}},
		"head chunks are rubbish": {aside: true, damage: func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "chunks_head", "000001"), bytes.Repeat([]byte{7}, 100))
		}},
		"a block is rubbish": {aside: true, damage: func(t *testing.T, dir string) {
			block := filepath.Join(dir, "01KZ0000000000000000000000")
			must(t, os.MkdirAll(block, 0o700))
			write(t, filepath.Join(block, "meta.json"), []byte(`{"ulid":"01KZ0000000000000000000000","version":1,"minTime":1,"maxTime":2}`))
			write(t, filepath.Join(block, "index"), bytes.Repeat([]byte{7}, 100))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "series")
			must(t, os.CopyFS(dir, os.DirFS(base)))
			c.damage(t, dir)
			again := open(t, dir, j, 3).run().settle()
			if got := again.picture(f.from, seconds); got != want {
				t.Errorf("(-before, +after)\n%.3000s\nlog:\n%s", cmp.Diff(want, got), again.log)
			}
			aside, err := os.ReadDir(damagedDir(again.o))
			if (err == nil && len(aside) == 1) != c.aside {
				t.Errorf("set aside: %v, %v", aside, err)
			}
			if c.aside && !strings.Contains(again.log.String(), "set aside") {
				t.Errorf("nothing is said of it: %s", again.log)
			}
		})
	}
}

// TestMark checks from where a start reads: a clean one nothing, one after a
// kill a little.
func TestMark(t *testing.T) {
	var m mark
	begin := time.Unix(1_700_000_000, 0)
	for i := range 12 * 60 {
		m.advance(uint64(100*(i+1)), begin.Add(time.Duration(i)*time.Minute).UnixNano())
	}
	if len(m.Past) > int(walReach/pastEvery)+2 {
		t.Errorf("%d marks are kept", len(m.Past))
	}
	for _, d := range []time.Duration{0, lookback, walReach} {
		p := m.back(d)
		if age := time.Duration(m.Time - p.Time); age < d || age > d+pastEvery {
			t.Errorf("%s back is %s back", d, age)
		}
	}
	want := m.back(walReach)
	m.retreat()
	if m.Index != want.Index || m.Time != want.Time || m.back(lookback).Index != m.Index || len(m.Past) == 0 {
		t.Errorf("after a retreat: %+v", m)
	}
	dir := t.TempDir()
	must(t, m.write(dir))
	got, err := readMark(dir)
	if err != nil || !cmp.Equal(got, m) {
		t.Errorf("read back %+v, %v", got, err)
	}
	empty := mark{}
	if empty.retreat(); empty.Index != 0 || empty.back(walReach) != (point{}) {
		t.Errorf("no mark: %+v", empty)
	}
}

// TestAnotherLedger has a folder that was left over from another ledger.
func TestAnotherLedger(t *testing.T) {
	dir := t.TempDir()
	j := new(journal)
	h := newHost("web1", gauges("g", 1)...)
	at := now().Add(-time.Minute)
	r := open(t, dir, j, 0).run()
	for i := range 20 {
		when := at.Add(time.Duration(i) * time.Second)
		j.add(entry.KindSamples, when, h.body(frame(when, float64(i))))
	}
	r.settle().close()
	fresh := new(journal)
	for i := range 5 {
		when := at.Add(time.Duration(30+i) * time.Second)
		fresh.add(entry.KindSamples, when, h.body(frame(when, float64(100+i))))
	}
	again := open(t, dir, fresh, 2).run().settle()
	if got := again.ask("g", at.Add(32*time.Second)); !strings.Contains(got, "=> 102") {
		t.Errorf("got %q", got)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	must(t, os.WriteFile(path, b, 0o600))
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	return info.Size()
}

// flip changes a byte, so far into the file.
func flip(t *testing.T, path string, at float64) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	b = slices.Clone(b)
	b[int(float64(len(b))*at)] ^= 0xff
	write(t, path, b)
}

package series

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// TestLateIsLikeInTime sends the same frames in order to one view and to
// another as after outages, the newest first and some twice: PromQL sees no
// difference, staleness included.
func TestLateIsLikeInTime(t *testing.T) {
	const seconds = 90
	from := now().Add(-seconds * time.Second)
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 2))
			h := newHost("web1", gauges("g", 5)...)
			frames := h.walk(rnd, from, seconds)
			inTime, late := new(journal), new(journal)
			for _, fr := range frames {
				inTime.add(entry.KindSamples, time.UnixMilli(fr.Time), h.body(fr))
			}
			sendLate(rnd, h, frames, late)
			want := filled(t, inTime).picture(from, seconds)
			if got := filled(t, late).picture(from, seconds); got != want {
				t.Errorf("(-in time, +late)\n%.3000s", cmp.Diff(want, got))
			}
		})
	}
}

// sendLate sends frames live where there is no outage, and the rest in blocks
// from the newest to the oldest while live frames go on.
func sendLate(rnd *rand.Rand, h *host, frames []report.Frame, j *journal) {
	var kept []report.Frame
	down := 0
	for i, fr := range frames {
		last := i == len(frames)-1
		if down == 0 && rnd.IntN(15) == 0 {
			down = 1 + rnd.IntN(20)
		}
		if down > 0 && !last {
			down--
			kept = append(kept, fr)
			continue
		}
		at := time.UnixMilli(fr.Time)
		j.add(entry.KindSamples, at, h.body(fr))
		for blocks := rnd.IntN(3); len(kept) > 0 && (blocks > 0 || last); blocks-- {
			n := max(0, len(kept)-1-rnd.IntN(6))
			for n > 0 && kept[n].Time-kept[n-1].Time == 1000 && rnd.IntN(2) == 0 {
				n--
			}
			j.add(entry.KindSamples, at, h.body(kept[n:]...))
			if rnd.IntN(4) == 0 { // the answer was lost
				j.add(entry.KindSamples, at, h.body(kept[n:]...))
			}
			kept = kept[:n]
		}
	}
}

func filled(t *testing.T, j *journal) *running {
	t.Helper()
	r := open(t, t.TempDir(), j, 0)
	if err := r.feeder.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestManyFrames has entries that are larger than what is committed at once.
func TestManyFrames(t *testing.T) {
	h := newHost("web1", gauges("g", 100)...)
	at := now().Add(-time.Hour)
	var frames []report.Frame
	for i := range 900 {
		frames = append(frames, frame(at.Add(time.Duration(i)*time.Second), slices.Repeat([]float64{float64(i)}, 100)...))
	}
	j := new(journal)
	j.add(entry.KindSamples, now(), h.body(frames[300:]...))
	j.add(entry.KindSamples, now(), h.body(frames[:300]...))
	r := filled(t, j)
	if got, want := r.ask("sum(count_over_time(g[1h]))", at.Add(15*time.Minute)), "{} => 90000 @"; got[:len(want)] != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := r.met.appended.Get(); got != 90_000 {
		t.Errorf("%d samples are counted", got)
	}
	if cap(r.feeder.buf) > 4*maxBuffered {
		t.Errorf("room for %d samples is kept", cap(r.feeder.buf))
	}
}

// TestSilentAgentsAreForgotten bounds what is kept of streams.
func TestSilentAgentsAreForgotten(t *testing.T) {
	j := new(journal)
	r := open(t, t.TempDir(), j, 0)
	at := now().Add(-30 * time.Hour)
	for i, name := range []string{"gone", "here"} {
		h := newHost(name, gauges("g", 1)...)
		for n := range 20 { // another schema each time
			h.schema = report.NewSchema(gauges(fmt.Sprintf("g%d", n), 1))
			when := at.Add(time.Duration(i)*29*time.Hour + time.Duration(n)*3*time.Second)
			j.add(entry.KindSamples, when, h.body(frame(when, 1)))
		}
	}
	r.drain()
	r.feeder.forget()
	st := r.feeder.streams["here"]
	if len(r.feeder.streams) != 1 || st == nil || len(st.layouts) > maxLayouts || len(st.gaps) > maxGaps {
		t.Errorf("%d streams are kept, of the one %+v", len(r.feeder.streams), st)
	}
}

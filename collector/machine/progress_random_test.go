package machine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

var randomRules = strings.Replace(quietRules, "  - alert: WorkerQuiet\n", "  - {alert: StillQuiet, quiet: worker.beat, by: [data.worker], after: 1m, for: 20s, keep_firing_for: 5s}\n  - alert: WorkerQuiet\n", 1)

// TestProofAtRandom sends random histories of hosts, with clocks that are off, slow
// ways, partitions, lost blocks, restarts and reloads, through two machines, one of which
// is restarted again and again. An oracle knows when every worker worked: nothing that
// is proven was refuted by anything that happened in time, and whoever was quiet is told.
func TestProofAtRandom(t *testing.T) {
	proven, doubted := 0, 0
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := quietRig(t)
			r.load(randomRules)
			s := &proofs{rig: r, rnd: rand.New(rand.NewPCG(seed, 11)), last: map[string]int64{}}
			s.twin = withQuiet()
			s.must(s.twin.Restore(bytes.NewReader(s.m.Snapshot().Bytes)))
			for i := range 3 {
				h := &randomHost{host: s.rig.host(fmt.Sprint("h", i))}
				h.off = []time.Duration{0, 0, 10 * minute, -10 * minute, 2 * time.Second}[s.rnd.IntN(5)]
				h.says()
				h.accepts(works("first"))
				s.hosts = append(s.hosts, h)
				s.delivers(h)
			}
			for range 400 {
				s.step()
				s.check()
			}
			proven, doubted = proven+s.proven, doubted+s.doubted
		})
	}
	if proven == 0 || doubted == 0 {
		t.Errorf("%d were proven and %d doubted: this shows nothing", proven, doubted)
	}
}

type proofs struct {
	*rig
	twin  *Machine
	rnd   *rand.Rand
	hosts []*randomHost

	last            map[string]int64 // the newest time at which each worker worked that has come
	proven, doubted int
}

type randomHost struct {
	*host
	cut         bool
	queue, lost []work // what its blocks tell
	blocks      []byte // that got lost
}

// A work is one that a worker did, by its host's clock.
type work struct {
	worker string
	at     int64
}

// both lets the twin apply what was applied, and restarts it at times.
func (s *proofs) both() {
	s.twin.Apply(s.tape[len(s.tape)-1])
	if s.rnd.IntN(20) == 0 {
		saved := s.twin.Snapshot().Bytes
		s.twin = withQuiet()
		s.must(s.twin.Restore(bytes.NewReader(saved)))
	}
	if s.index%32 != 0 {
		return
	}
	if a, b := s.m.Hash(), s.twin.Hash(); a != b {
		s.t.Fatalf("entry %d: a machine that was restarted is another", s.index)
	}
}

func (s *proofs) delivers(h *randomHost) {
	s.t.Helper()
	s.come(h.queue)
	h.queue = nil
	h.delivers()
	s.both()
}

// come notes what comes: nothing of it is of a time in which it was proven that there was
// none.
func (s *proofs) come(all []work) {
	s.t.Helper()
	for _, w := range all {
		for _, a := range s.m.AlertsView() {
			if a.Label("worker") == w.worker && !a.unproven() && a.Since < w.at && w.at <= a.Since+int64(minute) {
				s.t.Fatalf("entry %d: %s was proven to be quiet from %d, and worked %s later", s.index, w.worker, a.Since, time.Duration(w.at-a.Since))
			}
		}
		if w.at > s.now.Add(report.MaxAhead).UnixNano() {
			w.at = s.now.UnixNano()
		}
		s.last[w.worker] = max(s.last[w.worker], w.at)
	}
}

func (s *proofs) step() {
	s.later(time.Duration(1+s.rnd.IntN(4)) * time.Second)
	for _, h := range s.hosts {
		s.host(h)
	}
	switch s.rnd.IntN(40) {
	case 0:
		text := randomRules + strings.Repeat("#", int(s.index))
		set := fmt.Sprint("set", s.index)
		s.must(s.json(entry.KindPrepare, entry.Prepare{Set: set, Files: oneFile(text)}))
		s.both()
		s.must(s.json(entry.KindLive, entry.Live{Set: set}))
		s.both()
	case 1:
		s.json(entry.KindLead, entry.Lead{})
		s.both()
	}
	s.tick()
	s.both()
}

func (s *proofs) host(h *randomHost) {
	if s.rnd.IntN(4) == 0 {
		w := work{fmt.Sprint("w", s.rnd.IntN(12)), h.clock()}
		h.accepts(works(w.worker))
		h.queue = append(h.queue, w)
	}
	if s.rnd.IntN(12) == 0 && h.agent == "h0" {
		h.accepts(appBeat("worker.beat"))
	}
	h.says()
	switch n := s.rnd.IntN(100); {
	case n == 0:
		h.cut = !h.cut
	case n == 1 && h.blocks == nil:
		h.blocks, h.host.queue, h.lost, h.queue = h.host.queue, nil, h.queue, nil
	case n < 5 && h.blocks != nil && !h.cut:
		s.come(h.lost)
		s.must(s.apply(entry.KindBlocks, h.blocks))
		h.blocks, h.lost = nil, nil
		s.both()
	case n < 80 && !h.cut:
		s.delivers(h)
	}
}

// check sees that whoever is quiet is told.
func (s *proofs) check() {
	s.t.Helper()
	told := s.quiet()
	for _, t := range told {
		if strings.HasSuffix(t, "?") {
			s.doubted++
		} else {
			s.proven++
		}
	}
	most := minute + 30*time.Second + servedFor
	for worker, last := range s.last {
		if s.now.UnixNano()-max(last, s.m.Serving) > int64(most) && !slices.Contains(told, worker) && !slices.Contains(told, worker+"?") {
			s.t.Fatalf("entry %d: nobody is told that %s is quiet since %s", s.index, worker, time.Duration(s.now.UnixNano()-last))
		}
	}
}

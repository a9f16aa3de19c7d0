package machine

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// TestSimulation sends random histories through two machines, one of which is
// restarted from snapshots again and again, and compares them; and it compares
// every alert and gate with an oracle that keeps every event and recounts.
func TestSimulation(t *testing.T) {
	var planned atomic.Int64
	t.Cleanup(func() {
		if planned.Load() == 0 {
			t.Error("no effect was ever approved")
		}
	})
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			s := newSimulation(t, seed)
			for range 1200 {
				s.step()
				if s.rnd.IntN(3) == 0 {
					s.formsStep()
				}
				s.checkHosts()
				s.checkPeople()
				s.checkFeeds()
				if s.rnd.IntN(60) == 0 {
					s.restartTwin()
				}
			}
			s.declared()
			if a, b := s.m.Hash(), s.twin.Hash(); a != b {
				t.Errorf("after %d entries the states differ: %x, %x", s.index, a, b)
			}
			if s.closings == 0 || s.recounted == 0 || s.shed == 0 || s.silences == 0 || s.kept == 0 || s.metricClosings == 0 {
				t.Errorf("%+v: something never happened, and this shows nothing", s.hosts)
			}
			if s.lapses == 0 || s.counted == 0 || s.stale == 0 {
				t.Errorf("%+v: something never happened, and this shows nothing", s.ours)
			}
			if p := s.people; p.pairs == 0 || p.singles == 0 || p.pendings == 0 {
				t.Errorf("%+v: something never happened, and this shows nothing", p)
			}
			if len(s.raisedBy) < 10 {
				t.Errorf("alerts of %v only: this shows nothing of the others", slices.Sorted(maps.Keys(s.raisedBy)))
			}
			planned.Add(int64(s.planned))
		})
	}
}

func newSimulation(t *testing.T, seed uint64) *simulation {
	s := &simulation{rig: newRig(t, simulationRules), rnd: rand.New(rand.NewPCG(seed, 5)), seen: map[string]*usedID{}, raisedBy: map[string]bool{}}
	s.hosts = hosts{heard: map[string]int64{}, live: map[string]liveness{}, silent: map[string]bool{}, believed: map[string]*belief{}}
	s.agreed = map[string]int64{}
	s.gates = map[string]*closed{}
	s.twin = New()
	s.twinReads()
	return s
}

type simulation struct {
	*rig
	rnd  *rand.Rand
	twin *Machine

	arrived  []arrival
	seen     map[string]*usedID
	accepted map[string]bool // evidence that a person accepted, by event
	closings int

	recounted int
	shed      int
	raisedBy  map[string]bool // rules of the forms, with a question mark for what was not proven

	hosts
	people
	ours

	feeds [2]*Feed // of both machines
	told  [2]took
}

type arrival struct {
	id, request, payment string
	time                 int64
}

// twinReads lets the twin catch up with what newRig applied.
func (s *simulation) twinReads() {
	if err := s.twin.Restore(bytes.NewReader(s.m.Snapshot().Bytes)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *simulation) restartTwin() {
	s.t.Helper()
	saved := s.twin.Snapshot()
	s.twin = New()
	if err := s.twin.Restore(bytes.NewReader(saved.Bytes)); err != nil {
		s.t.Fatal(err)
	}
	if !bytes.Equal(saved.Bytes, s.twin.Snapshot().Bytes) {
		s.t.Fatal("a restored machine is not the one that was saved")
	}
	if d := cmp.Diff(s.m.shown(), s.twin.shown()); d != "" {
		s.t.Fatalf("entry %d: what is derived from the state differs after a restart: %s", s.index, d)
	}
}

// checkFeeds compares what the readers of both feeds know with what stands.
func (s *simulation) checkFeeds() {
	s.t.Helper()
	for i, m := range []*Machine{s.m, s.twin} {
		if s.feeds[i] == nil || s.feeds[i].m != m {
			s.feeds[i], s.told[i] = m.Follow(), took{}
		}
		if s.rnd.IntN(3) == 0 {
			s.told[i].take(s.feeds[i])
			s.told[i].agrees(s.t, m)
		}
	}
}

// both applies an entry to both machines.
func (s *simulation) both(kind entry.Kind, body []byte) any {
	out := s.apply(kind, body)
	s.twin.Apply(entry.Entry{Index: s.index, Time: s.now.UnixNano(), Kind: kind, Body: body, Hash: s.m.Chain})
	s.checkOurs()
	return out
}

func (s *simulation) step() {
	s.later(time.Duration(s.rnd.Int64N(int64([]time.Duration{time.Second, 10 * time.Second, 7 * time.Minute}[s.rnd.IntN(3)]))))
	switch n := s.rnd.IntN(54); {
	case n >= 52:
		s.opens()
	case n >= 46:
		s.says()
	case n >= 40:
		s.peopleStep()
	case n >= 20:
		s.hostStep()
	case n < 14:
		s.pays()
	case n == 14:
		s.both(entry.KindTick, entry.Marshal(struct{}{}))
	case n == 15 || n == 16:
		s.peopleStep()
	case n == 18:
		s.both(entry.KindNotifyState, entry.Marshal(entry.NotifyState{
			Kept: []entry.NotifyRecord{{Of: entry.KeptLog, Key: fmt.Sprint(s.rnd.IntN(30)), Updated: s.now.UnixNano(), Expires: s.now.Add(time.Hour).UnixNano()}},
			Told: []entry.Notification{{At: s.now.UnixNano(), Receiver: "r", Incidents: []string{"i1", fmt.Sprint("i", s.rnd.IntN(9))}}},
		}))
	case n == 17:
		s.both(entry.KindBlocks, []byte("damaged"))
	case n == 19:
		s.sheds()
	default:
		s.opens()
	}
}

// sheds has rules forget some of their keys for want of memory.
func (s *simulation) sheds() {
	out := s.both(entry.KindShed, entry.Marshal(s.m.shedStep(s.rnd.IntN(len(s.m.live.states)), s.rnd.IntN(1001), false)))
	s.shed += out.(ShedOutcome).Keys
}

// pays sends one to three payments, some of them again, some of them late.
func (s *simulation) pays() {
	var b report.Builder
	expectClose, mayClose := false, false
	for range 1 + s.rnd.IntN(3) {
		request := fmt.Sprint("w", s.rnd.IntN(12))
		e := payout(fmt.Sprint("e", s.rnd.IntN([]int{40, 4000}[s.rnd.IntN(2)])), request, fmt.Sprint("p", s.rnd.IntN(3)), "a", "0.1")
		e.Seen = s.now.UnixNano()
		if s.rnd.IntN(3) == 0 {
			e.Time = s.now.Add(-time.Duration(s.rnd.Int64N(int64([]time.Duration{time.Hour, 30 * time.Hour}[s.rnd.IntN(2)])))).UnixNano()
		}
		spelled := e
		spelled.Data = respell(s.rnd, e.Data)
		b.Add(&spelled)
		must, may := s.oracle(e)
		expectClose, mayClose = must && !s.isOff() || expectClose, may || mayClose
	}
	was := s.gate("btc")
	s.both(entry.KindBatch, b.Bytes())
	s.recounts()
	is := s.gate("btc")
	if expectClose && !is.Closed {
		s.t.Fatalf("entry %d: a request was paid twice and the gate is open", s.index)
	}
	if !mayClose && is.Closed && !was.Closed {
		s.t.Fatalf("entry %d: the gate closed and nothing was paid twice", s.index)
	}
	if is.Closed && !was.Closed {
		s.closings++
	}
}

// oracle takes in an event and tells whether its request now has, within some
// hour that holds it, two different payments that nobody accepted (it must close), or
// of which what was accepted may have been forgotten since (it may).
func (s *simulation) oracle(e report.Event) (must, may bool) {
	now := s.now.UnixNano()
	const horizon = 2 * int64(time.Hour)
	if s.repeats(e.ID, string(e.Data), now/1e9-horizon/1e9, now/1e9) {
		return false, false
	}
	at := e.When()
	var request, payment string
	if _, err := fmt.Sscanf(string(e.Data), `{"address":"a","amount":"0.1","asset":"BTC","payment":%q,"request":%q}`, &payment, &request); err != nil {
		s.t.Fatal(err)
	}
	s.arrived = append(s.arrived, arrival{e.ID, request, payment, at})
	for _, end := range s.arrived {
		if end.request != request || end.time < at || end.time > at+int64(time.Hour) {
			continue
		}
		payments, all := map[string]bool{}, map[string]bool{}
		for _, a := range s.arrived {
			if a.request == request && a.time >= end.time-int64(time.Hour) && a.time <= end.time {
				all[a.payment] = true
				if !s.accepted[a.id+fmt.Sprint(a.time)] {
					payments[a.payment] = true
				}
			}
		}
		must, may = must || len(payments) >= 2, may || len(all) >= 2
	}
	return must, may
}

// recounts does at once what the edge does for late events.
func (s *simulation) recounts() {
	for r := s.m.Recounter(); r != nil; r = s.m.Recounter() {
		for _, rc := range s.readBack(r) {
			s.both(entry.KindRecount, entry.Marshal(rc))
		}
		s.recounted++
	}
}

// usedID is an id with the first of its contents, which is remembered as long as
// any of them.
type usedID struct {
	first  string
	last   int64
	others map[string]int64
}

// repeats tells whether the content came under the id since a moment.
func (s *simulation) repeats(id, content string, since, now int64) bool {
	u := s.seen[id]
	if u == nil || u.last < since {
		s.seen[id] = &usedID{content, now, map[string]int64{}}
		return false
	}
	u.last = now
	last, known := u.others[content]
	if u.first != content {
		u.others[content] = now
	}
	return u.first == content || known && last >= since
}

// opens opens the gate with a random verdict.
func (s *simulation) opens() {
	verdict := []string{VerdictReal, VerdictFalse, VerdictTest}[s.rnd.IntN(3)]
	v := s.gate("btc")
	if len(v.Holds) == 0 {
		return
	}
	if verdict == VerdictFalse {
		if s.accepted == nil {
			s.accepted = map[string]bool{}
		}
		for _, a := range s.m.heldBy(s.m.holdsOn("btc")) {
			for _, e := range s.arrived {
				if e.request == a.Label("request") {
					s.accepted[e.id+fmt.Sprint(e.time)] = true
				}
			}
		}
	}
	out := s.both(entry.KindDecision, entry.Marshal(entry.Decision{Do: entry.DoOpen, Actor: "alice", Gate: "btc", Reason: "r", Verdict: verdict, AsOf: s.index, Alerts: &v.Alerts}))
	if out != nil {
		s.t.Fatalf("open: %v", out)
	}
	if s.gate("btc").Closed {
		s.t.Fatal("an opened gate is closed")
	}
}

package machine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/record"
)

// A sender makes the blocks of one spool, each with one event of its own.
type sender struct {
	head   report.Head
	blocks []report.Block
}

func newSender(agent string, spool byte) *sender {
	return &sender{head: report.Head{Agent: agent, Spool: report.SpoolID{spool}}}
}

// upTo makes blocks up to a sequence and returns that one.
func (s *sender) upTo(seq uint64) report.Block {
	for uint64(len(s.blocks)) < seq {
		s.head.Seq++
		b := block(s.head, event(fmt.Sprint(s.head.Agent, "-", s.head.Spool[0], "-", s.head.Seq), "x", "{}"))
		s.head.Prev = b.Batch.Digest()
		s.blocks = append(s.blocks, b)
	}
	return s.blocks[seq-1]
}

func (r *rig) stream(agent string) Spool {
	r.t.Helper()
	i := slices.IndexFunc(r.m.SpoolsView(), func(s Spool) bool { return s.Agent == agent })
	if i < 0 {
		r.t.Fatalf("no stream of %s", agent)
	}
	return r.m.SpoolsView()[i]
}

// forged is a block with a sequence that its spool never had.
func forged(s *sender, seq uint64) report.Block {
	h := s.head
	h.Seq, h.Prev = seq, [32]byte{9}
	return block(h, event(fmt.Sprint("forged", seq), "x", "{}"))
}

// TestJump: a sequence from nowhere takes no later block away.
func TestJump(t *testing.T) {
	for _, c := range []struct {
		jump  uint64
		clone bool
	}{{1 << 40, true}, {3 + maxJump, true}, {2 + maxJump, false}, {50_000, false}, {5, false}} {
		t.Run(fmt.Sprint(c.jump), func(t *testing.T) {
			r := newRig(t, testRules)
			s := newSender("host1", 1)
			r.blocks(s.upTo(1))
			before := r.stream("host1")
			out := r.blocks(forged(s, c.jump))
			if out.Clone != c.clone {
				t.Fatalf("%+v", out)
			}
			if after := r.stream("host1"); c.clone {
				before.Clones++
				if d := cmp.Diff(before, after); d != "" || !slices.Contains(r.standing(), agentCloned) {
					t.Errorf("it has changed something, or is not told: %s %v", d, r.standing())
				}
			}
			r.restarted()
			for seq := uint64(2); seq <= 4; seq++ {
				if out := r.blocks(s.upTo(seq)); out.Accepted != 1 || out.Clone || out.Through != seq {
					t.Errorf("block %d after it: %+v", seq, out)
				}
			}
			if c.jump == 5 {
				if got := r.standing(); len(r.stream("host1").Blind) != 0 || slices.Contains(got, agentBlind) {
					t.Errorf("what was blind has come: %v", got)
				}
				if out := r.blocks(s.upTo(4), s.upTo(5)); !out.Clone || out.Accepted != 0 {
					t.Errorf("the sequence that was forged: %+v", out)
				}
			}
		})
	}
}

func TestJumpOfAnUnknownSpool(t *testing.T) {
	r := newRig(t, testRules)
	if out := r.blocks(forged(newSender("host1", 1), 1<<40)); !out.Clone || len(r.m.SpoolsView()) != 0 || len(r.standing()) != 0 {
		t.Errorf("%+v, %v", out, r.standing())
	}
}

// TestOldImage: what a restored image sends under sequences that are long past is not
// taken for delivered.
func TestOldImage(t *testing.T) {
	r := newRig(t, testRules)
	s := newSender("host1", 1)
	s.upTo(100)
	image := *s
	image.blocks = slices.Clone(s.blocks)
	for seq := range uint64(100 + maxRecent + 100) {
		r.blocks(s.upTo(seq + 1))
	}
	image.head.Agent = "host1"
	h := image.head
	h.Seq++
	evidence := block(h, event("evidence", "x", "{}"))
	if out := r.blocks(evidence); !out.Clone || out.Accepted != 0 {
		t.Fatalf("%+v", out)
	}
	if got := r.standing(); !slices.Contains(got, agentCloned) {
		t.Errorf("not told: %v", got)
	}
	h.Spool, h.Seq, h.Prev = report.SpoolID{2}, 1, [32]byte{} // as the agent does about it
	if out := r.blocks(block(h, event("evidence", "x", "{}"))); out.Accepted != 1 || out.Through != 1 {
		t.Errorf("under its new id: %+v", out)
	}
	if out := r.blocks(s.upTo(100+maxRecent+100), s.upTo(100+maxRecent+101)); out.Accepted != 1 || out.Clone {
		t.Errorf("the one that went on: %+v", out)
	}
}

// TestSpoolsOfOneAgent displace no other agent's.
func TestSpoolsOfOneAgent(t *testing.T) {
	r := newRig(t, testRules)
	honest := newSender("host1", 1)
	r.blocks(honest.upTo(1))
	for i := range 200 {
		r.later(time.Second)
		h := report.Head{Agent: "flood", Spool: report.SpoolID{byte(i), 7}, Seq: 1}
		r.blocks(block(h, event(fmt.Sprint("f", i), "x", "{}")))
	}
	r.restarted()
	if out := r.blocks(honest.upTo(2)); out.Accepted != 1 || slices.Contains(r.standing(), agentBlind) || len(r.stream("host1").Blind) != 0 {
		t.Errorf("%+v %v", out, r.standing())
	}
	if got := len(r.m.SpoolsView()); got != maxSpoolsOfAgent+1 {
		t.Errorf("%d streams are kept", got)
	}
}

func TestTooManyAgentsIsTold(t *testing.T) {
	r := newRig(t, testRules)
	for i := range maxAgents + 3 {
		r.blocks(newSender(fmt.Sprint("host", i), 1).upTo(1))
	}
	got := r.named(agentsForgotten)
	if len(got) != 1 || got[0].Total != 3 || len(r.m.SpoolsView()) != maxAgents {
		t.Errorf("%+v, %d streams", got, len(r.m.SpoolsView()))
	}
}

// TestDeliveryOracle delivers the blocks of a spool again, after gaps and out of
// order, and counts what is to be counted: each event once, however it came; and
// where the answer says that a block is settled, it was.
func TestDeliveryOracle(t *testing.T) {
	for seed := range uint64(10) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		r := newRig(t, testRules)
		s := newSender("host1", 1)
		counted := map[uint64]bool{}
		newest := uint64(0)
		for range 900 {
			r.later(time.Millisecond)
			seq := newest + 1
			switch rnd.IntN(12) {
			case 0:
				if seq < 400 {
					seq += rnd.Uint64N(7) // blocks before it are delayed; fewer than the ranges that are kept
				}
			case 1, 2, 3, 4:
				seq = 1 + rnd.Uint64N(seq)
			}
			newest = max(newest, seq)
			out := r.blocks(s.upTo(seq))
			if out.Clone {
				if !counted[seq] || newest-seq < maxRecent {
					t.Fatalf("seed %d: block %d of %d is taken for another spool's", seed, seq, newest)
				}
				continue
			}
			want := 1
			if counted[seq] {
				want = 0
			}
			counted[seq] = true
			if out.Accepted != want || out.Through != seq || out.Duplicates != 0 {
				t.Fatalf("seed %d: block %d: %+v, want %d events", seed, seq, out, want)
			}
			if rnd.IntN(40) == 0 {
				r.restarted()
			}
		}
		blind := 0
		for _, b := range r.stream("host1").Blind {
			blind += int(b.To - b.From + 1)
		}
		if want := int(newest) - len(counted); blind != want {
			t.Errorf("seed %d: %d blocks are blind, want %d", seed, blind, want)
		}
	}
}

// TestMissingBlocksAreTold until they come, or for a day, though nobody looks.
func TestMissingBlocksAreTold(t *testing.T) {
	stands := func(r *rig) bool { return slices.Contains(r.standing(), agentBlind) }
	for name, come := range map[string]bool{"they come": true, "they never come": false} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, testRules)
			s := newSender("host1", 1)
			r.blocks(s.upTo(1))
			s.upTo(3)
			r.blocks(s.upTo(4))
			r.later(23 * time.Hour)
			r.tick()
			r.restarted()
			if !stands(r) {
				t.Fatal("it ended, and nothing came")
			}
			if come {
				if r.blocks(s.upTo(2)); !stands(r) {
					t.Error("one of two has come, and it ended")
				}
				r.blocks(s.upTo(3))
			} else {
				r.later(time.Hour)
				r.tick()
				if got := r.m.Gone[len(r.m.Gone)-1]; got.Rule != agentBlind || got.Cause.Kind != record.NeverCame {
					t.Errorf("%s ended because %v", got.Rule, got.Cause)
				}
			}
			if stands(r) {
				t.Error("it stands")
			}
		})
	}
	t.Run("more gaps than are kept", func(t *testing.T) {
		r := newRig(t, testRules)
		s := newSender("host1", 1)
		for seq := uint64(1); seq <= 2*maxBlind+3; seq += 2 {
			r.blocks(s.upTo(seq))
		}
		for seq := uint64(2); seq <= 2*maxBlind+2; seq += 2 {
			r.blocks(s.upTo(seq))
		}
		if !stands(r) {
			t.Error("all is well, but for a gap that was forgotten")
		}
	})
}

package selfreport

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/agent/report"
)

// A beat tells what the asks since the one before named and left out, of each gate
// that was asked.
func TestAsks(t *testing.T) {
	var s asks
	s.note("b", nil)
	s.note("a", map[string]string{"request": "w1", "asset": "BTC"})
	s.note("a", map[string]string{"request": "w2", "customer": "c1"})
	all := []string{"request", "customer", "address", "tag"}
	want := []report.Asked{{Gate: "a", Names: all[:2], Lacks: all[1:]}, {Gate: "b", Lacks: all}}
	if d := cmp.Diff(want, s.take()); d != "" {
		t.Error(d)
	}
	if again := s.take(); len(again) != 0 {
		t.Errorf("told twice: %+v", again)
	}
	s.note("b", map[string]string{"tag": "7"})
	if d := cmp.Diff([]report.Asked{{Gate: "b", Names: all[3:], Lacks: all[:3]}}, s.take()); d != "" {
		t.Error(d)
	}
}

// TestBeatTellsAsks: the next beat says what asks named, and the one after it nothing.
func TestBeatTellsAsks(t *testing.T) {
	inBubble(t, func(r *Reporter, k *kept) {
		said := func() string {
			time.Sleep(beatEvery)
			synctest.Wait()
			k.mu.Lock()
			defer k.mu.Unlock()
			return k.said
		}
		synctest.Wait() // the first beat
		r.Asked("g", map[string]string{"request": "w1"})
		if got, want := said(), `{"asked":[{"gate":"g","names":["request"],"lacks":["customer","address","tag"]}]}`; got != want {
			t.Errorf("says %s, want %s", got, want)
		}
		if got := said(); got != "" {
			t.Errorf("says %s again", got)
		}
	})
}

package selfreport

import (
	"encoding/json"
	"fmt"
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

// TestEachGateHasItsTurn: however many gates are asked all the time, each is told.
func TestEachGateHasItsTurn(t *testing.T) {
	var s asks
	told := map[string]bool{}
	for range 4 {
		for i := range 3*maxAsked + 7 {
			s.note(fmt.Sprintf("g%04d", i), map[string]string{"request": "r"})
		}
		for _, a := range s.take() {
			told[a.Gate] = true
		}
	}
	if len(told) != 3*maxAsked+7 {
		t.Errorf("%d gates were told", len(told))
	}
}

// TestLargestBeat: a beat that says all that one may say is one that is taken.
func TestLargestBeat(t *testing.T) {
	name := func(i int) string { return fmt.Sprintf("%0*d", 128, i) }
	var beat report.Beat
	for _, why := range report.Doubts() {
		d := report.Doubt{Why: why}
		for i := range report.MaxDoubtGates {
			d.Gates = append(d.Gates, name(i))
		}
		beat.Doubts = append(beat.Doubts, d)
	}
	var s asks
	for i := range 2 * maxAsked {
		s.note(name(i), nil)
		s.note(name(i), map[string]string{"request": "r", "customer": "c", "address": "a", "tag": "t"})
	}
	beat.Asked = s.take()
	text, err := json.Marshal(beat)
	if err != nil || len(text) > report.MaxBeat {
		t.Errorf("%d bytes, at most %d: %v", len(text), report.MaxBeat, err)
	}
}

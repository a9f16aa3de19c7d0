package ledger

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// While the disk is full, what people must hear of takes a share of the reserve
// and no more; decisions take all of it.
func TestReserveIsForDecisions(t *testing.T) {
	l, _ := open(t, t.TempDir())
	l.space.mu.Lock() // nothing frees it
	defer l.space.mu.Unlock()
	l.space.release("test")
	took := 0
	for _, kind := range []entry.Kind{entry.KindCondition, entry.KindTick, entry.KindLevels, entry.KindNotifyState} {
		for range 100 {
			_, _, err := l.Propose(t.Context(), Proposal{Kind: kind, Need: kind.Need(), Body: make([]byte, 16<<10)})
			if err == nil {
				took += 16 << 10
			} else if !errors.Is(err, entry.ErrFull) {
				t.Fatal(err)
			}
		}
	}
	if took == 0 || took > share {
		t.Errorf("they took %d bytes of the reserve, at most %d are theirs", took, share)
	}
	for _, kind := range []entry.Kind{entry.KindBatch, entry.KindSamples, entry.KindRecount} {
		if _, _, err := l.Propose(t.Context(), Proposal{Kind: kind, Need: kind.Need()}); !errors.Is(err, entry.ErrFull) {
			t.Errorf("kind %d: %v", kind, err)
		}
	}
	// One that was too large has not cost a smaller one its place.
	l.space.full.Store(false)
	_ = l.space.takes(entry.NeedSmall, 0)
	l.space.full.Store(true)
	if l.space.takes(entry.NeedSmall, share+1) || !l.space.takes(entry.NeedSmall, share) {
		t.Error("what was refused took of the share")
	}
	for _, kind := range []entry.Kind{entry.KindDecision, entry.KindResult, entry.KindLead} {
		if _, _, err := l.Propose(t.Context(), Proposal{Kind: kind, Need: kind.Need()}); err != nil {
			t.Errorf("kind %d: %v", kind, err)
		}
	}
	l.space.full.Store(false)
	if _, _, err := l.Propose(t.Context(), Proposal{Kind: entry.KindTick, Need: entry.NeedSmall}); err != nil {
		t.Error(err)
	}
	l.space.full.Store(true)
	if _, _, err := l.Propose(t.Context(), Proposal{Kind: entry.KindTick, Need: entry.NeedSmall}); err != nil {
		t.Errorf("the share is not anew when the disk is full again: %v", err)
	}
	l.space.full.Store(false)
}

// panics is an applier that cannot take one entry.
type panics struct{ record }

func (p *panics) Apply(e entry.Entry) any {
	if string(e.Body) == "bad" {
		panic("no such rule")
	}
	return p.record.Apply(e)
}

// A panic in Apply ends the ledger with the entry's index, also at the next
// start.
func TestPanicInApply(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(t.Context(), Options{Dir: dir, Applier: &panics{}})
	if err != nil {
		t.Fatal(err)
	}
	propose(t, l, "good")
	index := l.Head().Index + 1
	if _, _, err := l.Propose(t.Context(), Proposal{Body: []byte("bad")}); !errors.Is(err, entry.ErrUnknown) {
		t.Errorf("proposed: %v", err)
	}
	<-l.Failed()
	says := func(err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("entry %d: cannot be applied", index)) || !strings.Contains(err.Error(), "no such rule") {
			t.Errorf("it says %v, want entry %d", err, index)
		}
	}
	says(l.Err())
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	_, err = Open(t.Context(), Options{Dir: dir, Applier: &panics{}})
	says(err)
}

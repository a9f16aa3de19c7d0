package closers

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestReverseNamedJoined(t *testing.T) {
	var s Stack
	var order []string
	boom, bang := errors.New("boom"), errors.New("bang")
	s.Add("a", func() error { order = append(order, "a"); return nil })
	s.Add("b", func() error { order = append(order, "b"); return boom })
	s.Add("c", func() error { order = append(order, "c"); return bang })
	err := s.Close()
	if !slices.Equal(order, []string{"c", "b", "a"}) {
		t.Errorf("closed in the order %q", order)
	}
	if !errors.Is(err, boom) || !errors.Is(err, bang) || err.Error() != "close c: bang\nclose b: boom" {
		t.Errorf("got %v", err)
	}
	if again := s.Close(); !errors.Is(again, boom) || len(order) != 3 {
		t.Errorf("a second Close: %v, closed %q", again, order)
	}
}

// TestHangs bounds a step that does not end, and leaves what it stands on.
func TestHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Stack{Within: time.Minute}
		closed := false
		end := make(chan struct{})
		s.Add("lock", func() error { closed = true; return nil })
		s.Add("ledger", func() error { closed = true; return nil })
		s.Add("rooms", func() error { <-end; return nil })
		s.Add("listener", func() error { return nil })
		begun := time.Now()
		err := s.Close()
		if took := time.Since(begun); took != time.Minute {
			t.Errorf("took %s", took)
		}
		if err == nil || !strings.Contains(err.Error(), "close rooms: still not closed after 1m0s, so these are left as they are: ledger, lock") {
			t.Errorf("got %v", err)
		}
		if closed {
			t.Error("closed what a step that goes on may use")
		}
		close(end)
	})
}

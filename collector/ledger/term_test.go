package ledger

import (
	"context"
	"errors"
	"testing"
)

// TestStepDown bounces leadership while entries come: each term ends with its
// cause and another begins, and nothing that was acknowledged is lost.
func TestStepDown(t *testing.T) {
	l, r := open(t, t.TempDir())
	var acked int
	for range 3 {
		term, err := l.Lead(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		propose(t, l, "before")
		acked++
		l.StepDown()
		<-term.Done()
		if cause := context.Cause(term); !errors.Is(cause, errSteppedDown) {
			t.Errorf("the term ended with %v", cause)
		}
		next, err := l.Lead(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if next == term || next.Err() != nil {
			t.Errorf("the next term has ended already: %v", context.Cause(next))
		}
		propose(t, l, "after")
		acked++
	}
	if got := len(r.all(t)); got != acked {
		t.Errorf("%d entries applied, want %d", got, acked)
	}
	last, err := l.Lead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	closed(t, l)
	if last.Err() == nil {
		t.Error("a closed ledger leads")
	}
	if _, err := l.Lead(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestFailedDoesNotLead ends the term of a ledger that has stopped for good.
func TestFailedDoesNotLead(t *testing.T) {
	l, _ := open(t, t.TempDir())
	term, err := l.Lead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	l.fail(boom)
	<-term.Done()
	if _, err := l.Lead(t.Context()); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
}

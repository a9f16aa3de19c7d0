package ledger

import (
	"context"
	"errors"
	"fmt"
)

// terms are the times during which this node leads, one after another. The
// ledger's mu guards them.
type terms struct {
	now    context.Context // nil while it does not lead
	end    context.CancelCauseFunc
	turned chan struct{} // closed when the next one begins
}

// turn ends the term and begins another one, if the node leads.
func (t *terms) turn(life context.Context, leads bool, why error) {
	if t.now != nil {
		t.end(why)
		t.now, t.end = nil, nil
	}
	if leads {
		t.now, t.end = context.WithCancelCause(life)
		close(t.turned)
		t.turned = make(chan struct{})
	}
}

// Lead waits until this node leads and has applied all that was written before,
// and returns a context that ends when it leads no more: its cause says why.
// After that the next term may begin at once. While the log is opened anew
// nobody leads.
func (l *Ledger) Lead(ctx context.Context) (term context.Context, err error) {
	for {
		l.mu.Lock()
		now, turned := l.terms.now, l.terms.turned
		l.mu.Unlock()
		if now != nil && now.Err() == nil {
			return now, nil
		}
		select {
		case <-turned:
		case <-l.failed:
			return nil, l.err
		case <-l.life.Done():
			return nil, ErrClosed
		case <-ctx.Done():
			return nil, fmt.Errorf("wait to lead: %w", context.Cause(ctx))
		}
	}
}

var errSteppedDown = errors.New("stepped down")

// StepDown ends the term, as a failed write does: the log is opened anew, and in
// a cluster of one the next term begins. What is in flight is answered from the
// replay, or as unknown.
func (l *Ledger) StepDown() {
	if n := l.current(); n != nil {
		n.store.fail(errSteppedDown)
	}
}

package ledger

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tomeishi/tomeishi/collector/entry"
)

const (
	firstWait = 20 * time.Millisecond
	lastWait  = 2 * time.Second
	maxTries  = 12              // while space is not what is missing
	answerBy  = 5 * time.Second // in-flight proposals wait so long for their fate
)

// reopen stops raft after a failed write and opens the log anew under the same
// Applier. raft-wal does not recover by itself: one failed rotation leaves it
// refusing everything, even after space is freed. What was in flight and landed
// after all is found by the replay and answered; the rest is unknown. It
// returns false if the ledger has failed or is being closed.
func (l *Ledger) reopen(n *node) bool {
	cause := n.store.cause
	l.o.Log.Warn("the log could not be written; opening it anew", "error", cause)
	l.setNode(nil, cause)
	l.space.pressed(cause)
	err := n.stop()
	if err != nil {
		l.o.Log.Warn("close the log", "error", err)
	}
	answer := time.Now().Add(answerBy)
	for tries, wait := 1, firstWait; ; tries, wait = tries+1, min(wait*2, lastWait) {
		l.met.reopened.Inc()
		next, err := l.openNode(l.life)
		if err == nil {
			l.fsm.giveUp(fmt.Errorf("%w: %w", entry.ErrUnknown, cause))
			l.begin(next)
			l.o.Log.Info("the log is open again", "tries", tries)
			return true
		}
		if l.beyond(err, tries) {
			l.fail(err)
			return false
		}
		l.space.pressed(err)
		if time.Now().After(answer) {
			l.fsm.giveUp(fmt.Errorf("%w: %w", entry.ErrUnknown, err))
		}
		l.o.Log.Warn("open the log anew", "error", err, "tries", tries)
		select {
		case <-time.After(wait):
		case <-l.life.Done():
			return false
		}
	}
}

// beyond says when trying again is of no use. A full disk is waited for, and so
// are descriptors, which others have taken.
func (l *Ledger) beyond(err error, tries int) bool {
	return l.hasFailed() || errors.Is(err, ErrDamaged) || tries >= maxTries && !l.Full() && !lacksFiles(err)
}

func lacksFiles(err error) bool { return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) }

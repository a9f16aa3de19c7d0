// Package closers releases what was acquired, for both programs.
//
// It promises that what was added last is closed first, that each step is
// named in its error and bounded in time, and that one which does not end
// leaves alone what stands below it, because it may still be used. It does not
// promise that a step can be interrupted.
package closers

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Within is how long a step may take, unless a Stack says otherwise. The
// longest that is known is a snapshot that the ledger is writing.
const Within = 30 * time.Second

// A Stack is what has been acquired so far, in order. Its zero value is empty.
// Each thing is added on the line after it was made.
type Stack struct {
	// Within is how long each step may take; 0 for the package's Within.
	Within time.Duration

	mu    sync.Mutex // guards what follows; held by Close from begin to end
	steps []step
	err   error // of all that was closed
}

// step releases one thing.
type step struct {
	name  string
	close func() error
}

// Add puts a thing on the stack: its name, and how it is released.
func (s *Stack) Add(name string, release func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps = append(s.steps, step{name, release})
}

// Close releases everything, the last first, and joins the errors. Called
// again it does nothing more and returns the same.
func (s *Stack) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.steps) > 0 {
		last := s.steps[len(s.steps)-1]
		s.steps = s.steps[:len(s.steps)-1]
		err := last.run(s.within())
		if errors.Is(err, errHangs) {
			err = fmt.Errorf("%w after %s%s", err, s.within(), s.left())
			s.steps = nil
		}
		if err != nil {
			s.err = errors.Join(s.err, fmt.Errorf("close %s: %w", last.name, err))
		}
	}
	return s.err
}

func (s *Stack) within() time.Duration {
	if s.Within == 0 {
		return Within
	}
	return s.Within
}

// left names what is not closed because of a step that did not end.
func (s *Stack) left() string {
	var names []string
	for _, below := range slices.Backward(s.steps) {
		names = append(names, below.name)
	}
	if len(names) == 0 {
		return ""
	}
	return ", so these are left as they are: " + strings.Join(names, ", ")
}

var errHangs = errors.New("still not closed")

// run calls close. Where it does not end in time, its goroutine is the
// process's to end.
func (s step) run(within time.Duration) error {
	done := make(chan error, 1)
	go func() { done <- s.close() }() // the select below waits, within its time
	over := time.NewTimer(within)
	defer over.Stop()
	select {
	case err := <-done:
		return err
	case <-over.C:
		return errHangs
	}
}

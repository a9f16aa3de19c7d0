package term

import (
	"errors"
	"fmt"
)

// Exit codes.
const (
	Done     = 0
	Failed   = 1
	Usage    = 2
	Findings = 3
)

// An ExitCode ends the program when what there was to say has been said.
type ExitCode int

func (e ExitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// usageError says that the command was called wrongly.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

// Usagef is an error that says how the command was called wrongly.
func Usagef(format string, args ...any) error {
	return usageError{fmt.Sprintf(format, args...)}
}

// ErrNotYet refuses what a later version brings.
var ErrNotYet = errors.New("not in this version")

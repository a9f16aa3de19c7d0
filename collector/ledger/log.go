package ledger

import (
	"context"
	"io"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// sink passes the engines' complaints to slog. Their warnings are routine here
// (every start is an election), so they arrive as Debug and errors as Warn:
// what someone must act on is logged by the ledger itself.
type sink struct{ log *slog.Logger }

// Accept takes one line of an engine.
func (s sink) Accept(name string, level hclog.Level, msg string, args ...any) {
	to := slog.LevelDebug
	switch {
	case level < hclog.Warn:
		return
	case level >= hclog.Error:
		to = slog.LevelWarn
	}
	s.log.Log(context.Background(), to, "from the log's engine", append([]any{"engine", name, "says", msg}, args...)...)
}

func engineLog(log *slog.Logger) hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: "raft", Level: hclog.Off, Output: io.Discard})
	l.RegisterSink(sink{log})
	return l
}

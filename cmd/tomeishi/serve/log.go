package serve

import (
	"io"
	"log/slog"

	"github.com/spf13/pflag"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

// levelFlag adds --log-level.
func levelFlag(f *pflag.FlagSet, normal string) *string {
	return f.String("log-level", normal, "what is logged to standard error: `debug|info|warn|error`")
}

// newLog logs as text for people at a terminal and as JSON for machines.
func newLog(w io.Writer, level string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: l}
	if term.IsTerminal(w) {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}

func checkLevel(level string) error {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return term.Usagef("--log-level is debug, info, warn or error, not %s", term.Quote(level))
	}
	return nil
}

package series

import (
	"context"
	"log/slog"
)

// quieter makes an engine's logger: what it thinks worth telling of its routine
// is for those who debug.
func quieter(log *slog.Logger) *slog.Logger { return slog.New(routine{log.Handler()}) }

type routine struct{ slog.Handler }

// Enabled asks for a level below its own where it is not a warning.
func (r routine) Enabled(ctx context.Context, level slog.Level) bool {
	if level < slog.LevelWarn {
		level = slog.LevelDebug
	}
	return r.Handler.Enabled(ctx, level)
}

// WithAttrs is as quiet.
func (r routine) WithAttrs(attrs []slog.Attr) slog.Handler {
	return routine{r.Handler.WithAttrs(attrs)}
}

// WithGroup is as quiet.
func (r routine) WithGroup(name string) slog.Handler { return routine{r.Handler.WithGroup(name)} }

package series

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// A panic of the TSDB ends the view and nothing else.
func TestBroken(t *testing.T) {
	s, err := Open(Options{Dir: t.TempDir(), Entries: (&journal{}).from, Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()})
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRules(s, RulesOptions{Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Run(ctx)
	}()
	<-s.CaughtUp()
	up := []OwnSample{{Labels: map[string]string{"__name__": "up"}, Value: 1}}
	if err := s.Own(ctx, time.Now(), up); err != nil || r.Blind() != "" {
		t.Fatal(err, r.Blind())
	}
	if err := s.guarded(func() error { panic("no space left on device") }); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	if err := s.Own(ctx, time.Now(), up); !errors.Is(err, errBroken) {
		t.Errorf("after a panic something was appended: %v", err)
	}
	if r.Blind() == "" {
		t.Error("nobody says that the rules are blind")
	}
	cancel()
	select {
	case <-ended:
	case <-time.After(2 * closeTimeout):
		t.Fatal("a broken view does not end")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

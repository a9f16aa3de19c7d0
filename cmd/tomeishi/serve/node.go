package serve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tomeishi/tomeishi/agent/durable"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector"
	"github.com/tomeishi/tomeishi/collector/api"
	"github.com/tomeishi/tomeishi/collector/config"
)

// node is what runs in this process: a collector, and in up an agent beside
// it.
type node struct {
	*term.Terminal
	log       *slog.Logger
	config    config.Config
	reread    func() (config.Config, error) // nil without a file
	collector *collector.Collector
	ready     []func(context.Context) error // of what runs beside the collector
	say       func(context.Context) error   // tells people that it runs, and where
	hangup    chan os.Signal
}

// open opens the collector; serve closes it. A SIGHUP that comes meanwhile
// waits, it does not end the process.
func (n *node) open(ctx context.Context, up bool) error {
	n.hangup = make(chan os.Signal, 1)
	signal.Notify(n.hangup, syscall.SIGHUP)
	limitMemory(n.log)
	var err error
	n.collector, err = collector.New(ctx, collector.Options{Config: n.config, Reread: n.reread, Log: n.log, Version: term.Version, Up: up})
	return remedy(err, n.config.Listen, "--listen, or listen: in the configuration", n.config.Data)
}

// serve runs the collector, and what runs beside it, until ctx ends or one of
// them fails. The collector stops last: the others speak to it.
func (n *node) serve(ctx context.Context, beside ...func(context.Context) error) error {
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer signal.Stop(n.hangup)
	ctx, cancel := context.WithCancel(ctx)
	over := make(chan error, 1)
	go func() { // serve waits for over
		defer cancel()
		over <- n.collector.Run(serving)
	}()
	g, ctx := errgroup.WithContext(ctx)
	for _, run := range beside {
		g.Go(func() error { return run(ctx) })
	}
	g.Go(func() error { n.announce(ctx); return nil })
	g.Go(func() error { n.reloadOnHangup(ctx); return nil })
	err := g.Wait()
	stop()
	if err = errors.Join(err, <-over); err == nil {
		n.Printf("Stopped.\n")
	}
	return err
}

// close releases what open acquired, when there is nothing to serve.
func (n *node) close() error {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	return n.collector.Run(ended)
}

// patience is how long a start may take before it says what it waits for.
const patience = 5 * time.Second

// announce waits until all is ready, and says so. What it cannot say stops
// nothing.
func (n *node) announce(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	slow := time.After(patience)
	for {
		err := n.notReady(ctx)
		if err == nil {
			if err := n.say(ctx); err != nil && ctx.Err() == nil {
				n.log.Warn("it runs, but cannot say where", "error", err)
			}
			return
		}
		select {
		case <-ctx.Done():
			return // stopped before it was ready
		case <-slow:
			n.Notef("still starting: %s\n", term.Plain(err.Error()))
			slow = time.After(patience)
		case <-tick.C:
		}
	}
}

func (n *node) notReady(ctx context.Context) error {
	err := n.collector.Ready()
	for i := 0; i < len(n.ready) && err == nil; i++ {
		err = n.ready[i](ctx)
	}
	return err
}

// reloadOnHangup reloads at each SIGHUP, and says how it went.
func (n *node) reloadOnHangup(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.hangup:
		}
		said, err := n.collector.Reload(ctx)
		switch {
		case err == nil:
			n.Printf("Reloaded.\n%s\n", term.Plain(said))
		case api.IsBadRules(err):
			n.Printf("NOT reloaded. What was there before goes on:\n%s\n", term.Plain(err.Error()))
		default:
			n.Printf("It is NOT KNOWN whether all was reloaded; tomeishi status shows which rules are live:\n%s\n", term.Plain(err.Error()))
		}
	}
}

// remedy adds to an error at the start what to do about it.
func remedy(err error, listen, flag, data string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w\nAnother program listens on %s: stop it, or choose another address with %s", err, listen, flag)
	case errors.Is(err, durable.ErrInUse):
		return fmt.Errorf("%w\nThat process works on this data: stop it, or choose another folder with --data", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w\nThe user %d has to be able to write to %s and to listen on %s", err, os.Getuid(), absolute(data), listen)
	}
	return err
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// Package agent is the agent as a whole: it takes events from the applications
// of one host, keeps them until a collector has them, answers for the gates,
// and measures the host.
//
// It promises what its rooms promise: an accepted event is on this host's
// disk, and a gate is never answered more openly than the collector's last
// word allows. Measuring comes last: no fault of it delays or stops the rest.
// It runs in a process of its own or inside another's.
package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/closers"
	"github.com/tomeishi/tomeishi/agent/collectors"
	"github.com/tomeishi/tomeishi/agent/config"
	"github.com/tomeishi/tomeishi/agent/durable"
	"github.com/tomeishi/tomeishi/agent/gates"
	"github.com/tomeishi/tomeishi/agent/host"
	"github.com/tomeishi/tomeishi/agent/local"
	"github.com/tomeishi/tomeishi/agent/samples"
	"github.com/tomeishi/tomeishi/agent/selfreport"
	"github.com/tomeishi/tomeishi/agent/spool"
	"github.com/tomeishi/tomeishi/agent/uplink"
)

// Options of New.
type Options struct {
	Config  config.Config
	Version string
	Log     *slog.Logger
	Metrics *metrics.Set
	// Client asks the collectors; nil makes one from the configuration.
	Client *http.Client
	// ReadyNeedsLease makes the agent ready only after a collector's first
	// answer.
	ReadyNeedsLease bool

	host host.Options // where it is measured; empty: where it is
}

// An Agent is wired and listens; Run makes it answer.
type Agent struct {
	o          Options
	log        *slog.Logger
	spool      *spool.Queue
	gates      *gates.Copy
	uplink     *uplink.Uplink       // nil without collectors
	selfreport *selfreport.Reporter // nil without collectors
	signals    *signals
	server     *http.Server
	tcp        net.Listener
	unix       net.Listener
	closers    closers.Stack // what New took
}

const shutdownTime = 5 * time.Second

// New checks the configuration, opens what is on disk and listens. Clients
// wait from then on; Run serves them.
func New(o Options) (*Agent, error) {
	if err := o.Config.Check(); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = metrics.NewSet()
	}
	a := &Agent{o: o, log: o.Log.With("component", "agent")}
	if err := a.setup(); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *Agent) setup() error {
	c, set := &a.o.Config, a.o.Metrics
	part := func(room string) *slog.Logger { return a.o.Log.With("component", "agent/"+room) }

	if err := makeFolder(c.Data); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	// The lock first: what follows repairs files and takes over the socket.
	lock, err := durable.Lock(c.Data)
	if err != nil {
		return err
	}
	a.closers.Add("lock", lock.Close)

	if err := c.KeepID(); err != nil {
		a.log.Warn("a host that gets another name will be another agent: say id: in the configuration", "error", err)
	}
	if host, err := os.Hostname(); err == nil && host != c.ID {
		a.log.Info("this agent's id is not its host's name: it is the configuration's, or kept in its data", "id", c.ID, "host", host)
	}

	a.spool, err = spool.Open(filepath.Join(c.Data, "spool"), spool.Options{
		Agent: c.ID, Max: int64(c.Spool.Max), Log: part("spool"), Metrics: set,
	})
	if err != nil {
		return err
	}
	a.closers.Add("spool", a.spool.Close)

	ask, err := a.asker()
	if err != nil {
		return err
	}
	a.gates, err = gates.New(c.Data, gates.Options{Agent: c.ID, Peers: ask(), Log: part("gates"), Metrics: set})
	if err != nil {
		return err
	}
	var lane *samples.Lane
	if len(c.Collectors) > 0 {
		a.uplink = uplink.New(a.spool, ask(), part("uplink"), set)
		a.selfreport = selfreport.New(selfreport.Options{Agent: c.ID, Spool: a.spool, Refuses: a.gates.Refuses, Doubts: a.gates.Doubts, Told: a.uplink.Told, Log: part("selfreport"), Metrics: set})
		lane = samples.New(samples.Options{
			Dir: filepath.Join(c.Data, "samples"), Agent: c.ID, Labels: attrs(c.Labels), Max: int64(c.Spool.Samples),
			Live: ask(), Backlog: ask(), Log: part("samples"), Metrics: set,
		})
	}
	a.signals = newSignals(a.o.host, lane, attrs(c.Labels), part("host"))

	// Listening last: whoever connects finds the rooms open.
	api := local.New(local.Options{
		Agent: c.ID, Hosts: []string{c.Listen}, Spool: a.spool, Gates: a.gates,
		Ready: a.notReady, Signals: a.signals.write, Refused: a.refused(), Asked: a.asked(), Log: part("local"), Metrics: set,
	})
	a.server = api.Server()
	ctx := context.Background() // binding does not wait
	if a.tcp, err = (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	a.tcp = api.Limit(a.tcp)
	a.closers.Add("listener", ignoreClosed(a.tcp.Close))
	if a.unix, err = local.ListenUnix(ctx, c.Socket); err != nil {
		return err
	}
	a.unix = api.Limit(a.unix)
	a.closers.Add("socket", ignoreClosed(a.unix.Close))
	if folder := local.Unreachable(c.Socket); folder != "" {
		a.log.Info("applications of other users do not reach the socket: they may use listen, or name it in /run",
			"closed_folder", folder, "remedy", "socket: /run/tomeishi/agent.sock")
	}
	a.info()
	return nil
}

// asker makes what makes a set of peers for each room: each goes its own way
// when a collector fails. Without collectors they are nil.
func (a *Agent) asker() (func() *collectors.Peers, error) {
	c := &a.o.Config
	if len(c.Collectors) == 0 {
		a.log.Warn("no collectors: events are kept here and go nowhere, samples are only shown, gates are unknown")
		return func() *collectors.Peers { return nil }, nil
	}
	token, err := c.Token()
	if err != nil {
		return nil, err
	}
	client := a.o.Client
	if client == nil {
		if client, err = collectors.Client(c.TLS.CAFile); err != nil {
			return nil, err
		}
		a.closers.Add("connections", func() error { client.CloseIdleConnections(); return nil })
	}
	return func() *collectors.Peers { return collectors.New(c.Collectors, token, client) }, nil
}

// Run serves until ctx ends or a listener fails, then stops in order and
// releases everything.
func (a *Agent) Run(ctx context.Context) error {
	a.log.Info("agent runs", "listen", a.Addr(), "socket", a.o.Config.Socket,
		"data", a.o.Config.Data, "id", a.o.Config.ID, "collectors", a.o.Config.Collectors)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var rooms, servers sync.WaitGroup
	for _, l := range []net.Listener{a.tcp, a.unix} {
		servers.Go(func() {
			if err := a.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				cancel(fmt.Errorf("serve %s: %w", l.Addr(), err))
			}
		})
	}
	rooms.Go(func() { a.gates.Run(ctx) })
	rooms.Go(func() { a.signals.run(ctx) })
	if a.uplink != nil {
		rooms.Go(func() { a.uplink.Run(ctx) })
		rooms.Go(func() { a.selfreport.Run(ctx) })
	}
	<-ctx.Done()

	// Applications first: what they are being told must still become durable.
	stop, done := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer done()
	err := a.server.Shutdown(stop)
	if err != nil {
		err = errors.Join(fmt.Errorf("stop serving: %w", err), a.server.Close())
	}
	a.closers.Add("rooms", func() error { servers.Wait(); rooms.Wait(); return nil })
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		err = errors.Join(cause, err)
	}
	err = errors.Join(err, a.Close())
	a.log.Info("agent stopped")
	return err
}

// Close releases what New took. Run does it too; only an agent that never ran
// needs it.
func (a *Agent) Close() error { return a.closers.Close() }

// ignoreClosed: the server closes the listeners too.
func ignoreClosed(f func() error) func() error {
	return func() error {
		if err := f(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}

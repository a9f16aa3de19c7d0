// Package collector is the collector as a whole: it wires its rooms together,
// read top to bottom.
//
// It promises that New leaves nothing open when it fails, that Run returns when
// its context ends, and that events flow one way: intake, ledger, machine,
// then the views and effects at the edge.
package collector

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/durable"
	"github.com/tomeishi/tomeishi/collector/api"
	"github.com/tomeishi/tomeishi/collector/auth"
	"github.com/tomeishi/tomeishi/collector/config"
	"github.com/tomeishi/tomeishi/collector/effects"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/intake"
	"github.com/tomeishi/tomeishi/collector/ledger"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
	"github.com/tomeishi/tomeishi/collector/notify"
	"github.com/tomeishi/tomeishi/collector/series"
	"github.com/tomeishi/tomeishi/collector/tape"
	"github.com/tomeishi/tomeishi/collector/web"
)

// Options are what a collector needs.
type Options struct {
	Config  config.Config
	Log     *slog.Logger
	Version string
	// Up lets whoever is on this host decide over loopback, as `tomeishi up`
	// does.
	Up bool
}

// A Collector is a running collector.
type Collector struct {
	o       Options
	log     *slog.Logger
	metrics *metrics.Set
	machine *machine.Machine
	tape    *tape.Tape
	ledger  *ledger.Ledger
	series  *series.Store
	rules   *series.Rules // the metric rules
	rate    rate          // of samples
	leases  *effects.Leases
	message *message.Writer
	notify  *notify.Notifier
	web     *web.Web
	door    *auth.Door
	server  *http.Server
	socket  *http.Server
	tcp     net.Listener
	unix    net.Listener
	doors   doors
	reload  reloadState
	ready   atomic.Bool
	// stopping is closed first, so that watches end.
	stopping chan struct{}
	places   evidenceCache
	closers  []closer
}

// closer is something to release, and its name.
type closer struct {
	name  string
	close func() error
}

func (c *Collector) onClose(name string, release func() error) {
	c.closers = append(c.closers, closer{name, release})
}

// New opens everything: it replays the ledger, loads the rules and listens. It
// returns when the collector can take entries; Run serves.
func New(ctx context.Context, o Options) (_ *Collector, err error) {
	if err := o.Config.Check(); err != nil {
		return nil, err
	}
	c := newCollector(o)
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	if err := c.openState(ctx); err != nil {
		return nil, err
	}
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	// Before any other entry: nobody could be heard meanwhile, and that is not
	// silence.
	if err := c.lead(ctx); err != nil {
		return nil, err
	}
	if err := c.loadRules(ctx); err != nil {
		return nil, err
	}
	if err := c.listen(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

func newCollector(o Options) *Collector {
	c := &Collector{o: o, log: o.Log, metrics: metrics.NewSet(), machine: machine.New(), stopping: make(chan struct{})}
	c.doors.life, c.doors.cut = context.WithCancel(context.Background())
	return c
}

// openState opens the tape and the series before the ledger, which feeds them
// while it replays.
func (c *Collector) openState(ctx context.Context) error {
	data := c.o.Config.Data
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	lock, err := durable.Lock(data)
	if err != nil {
		return err
	}
	c.onClose("lock", lock.Close)
	if c.tape, err = tape.Open(filepath.Join(data, "tape"), tape.Options{Log: c.log.With("component", "tape"), Metrics: c.metrics}); err != nil {
		return err
	}
	c.onClose("tape", c.tape.Close)
	if err := c.openSeries(); err != nil {
		return err
	}
	c.ledger, err = ledger.Open(ctx, ledger.Options{
		Dir: filepath.Join(data, "ledger"), Applier: &applier{c.machine, c.tape, c.series},
		Log: c.log.With("component", "ledger"), Metrics: c.metrics,
		BeforeSnapshot: func(h ledger.Head) error { return c.tape.Sync(h.Index) },
		MinHead:        ledger.Head{Index: c.tape.Durable()},
	})
	if err != nil {
		return err
	}
	c.onClose("ledger", c.ledger.Close)
	c.logReplayed(ctx)
	gates, _ := c.machine.GatesView()
	c.leases = effects.NewLeases(gates)
	return nil
}

// logReplayed says where the ledger stood when it was opened, to compare
// collectors and restarts. The hash reads all of the state, so only for those
// who look.
func (c *Collector) logReplayed(ctx context.Context) {
	if c.log.Enabled(ctx, slog.LevelDebug) {
		index, chain, _ := c.machine.At()
		c.log.Debug("ledger replayed", "index", index, "chain", hex.EncodeToString(chain[:]), "state", fmt.Sprintf("%x", c.machine.Hash()))
	}
}

// begin makes the cell, once.
func (c *Collector) begin(ctx context.Context) error {
	if c.machine.CellID() != "" {
		return nil
	}
	g, err := newCell()
	if err == nil {
		_, err = c.submit(ctx, entry.KindGenesis, g)
	}
	return err
}

// newCell draws a cell's id and the secret of its hashes.
func newCell() (entry.Genesis, error) {
	var seed [32]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return entry.Genesis{}, fmt.Errorf("draw the cell's id: %w", err)
	}
	return entry.Genesis{
		Behavior: machine.Behavior,
		Cell:     hex.EncodeToString(seed[:16]),
		Secret:   [2]uint64{binary.LittleEndian.Uint64(seed[16:]), binary.LittleEndian.Uint64(seed[24:])},
	}, nil
}

// submit puts an entry that travels as JSON into the ledger.
func (c *Collector) submit(ctx context.Context, kind entry.Kind, v any) (any, error) {
	body := entry.Marshal(v)
	return c.Propose(ctx, kind, body, sha256.Sum256(body))
}

// Propose puts an entry into the ledger and returns its outcome.
func (c *Collector) Propose(ctx context.Context, kind entry.Kind, body []byte, digest [32]byte) (any, error) {
	_, out, err := c.propose(ctx, kind, body, digest)
	return out, err
}

func (c *Collector) propose(ctx context.Context, kind entry.Kind, body []byte, digest [32]byte) (index uint64, out any, err error) {
	return c.ledger.Propose(ctx, ledger.Proposal{Kind: kind, Body: body, Digest: digest, Decision: kind.Essential()})
}

// handler is everything that the collector answers.
func (c *Collector) handler() *http.ServeMux {
	mux := http.NewServeMux()
	intake.New(intake.Options{Ledger: c, Metrics: c.metrics, Agent: auth.SpeaksFor}).Register(mux)
	a := &api.API{Options: api.Options{
		Machine: c.machine, Message: c.message, Leases: c.leases, Actor: c.actor, Agent: auth.SpeaksFor,
		Decide: func(ctx context.Context, d entry.Decision) (any, error) {
			return c.submit(ctx, entry.KindDecision, d)
		},
		Evidence: c.evidence, Reload: c.reloadRules, Backup: c.backup, Still: c.door.Still, Stopping: c.stopping, Ready: c.Ready, Status: c.status, Groups: func() []machine.GroupView { return c.rules.Groups() },
	}}
	a.Register(mux)
	c.series.Register(mux)
	c.notify.Register(mux)
	c.web = c.screen()
	c.web.Register(mux)
	c.door.Register(mux)
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		c.metrics.WritePrometheus(w)
		metrics.WriteProcessMetrics(w)
		if err := errors.Join(c.series.WriteMetrics(w), c.notify.WriteMetrics(w)); err != nil {
			c.log.Debug("write the engines' metrics", "error", err)
		}
	})
	return mux
}

// Run serves until ctx ends or something that cannot go on fails.
func (c *Collector) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	c.measure()
	wg.Go(func() { c.keepTime(ctx) })
	wg.Go(func() { c.trimTape(ctx) })
	wg.Go(func() { c.series.Run(ctx) })
	wg.Go(func() { c.rules.Run(ctx) })
	wg.Go(func() { c.notify.Run(ctx) })
	wg.Go(func() { c.door.Run(ctx) })
	wg.Go(func() { c.watchSelf(ctx) })
	wg.Go(func() { c.watchAgents(ctx) })
	verifier := &effects.Verifier{State: c.machine, Leases: c.leases, Submit: func(ctx context.Context, r entry.Result) error {
		_, err := c.submit(ctx, entry.KindResult, r)
		return err
	}}
	wg.Go(func() { verifier.Run(ctx) })
	wg.Go(func() { cancel(c.serve(c.server, c.tcp)) })
	wg.Go(func() { cancel(c.serve(c.socket, c.unix)) })
	c.ready.Store(true)
	select {
	case <-ctx.Done():
	case <-c.ledger.Failed():
		cancel(c.ledger.Err())
	}
	c.ready.Store(false)
	close(c.stopping)
	err := context.Cause(ctx)
	c.stopServers()
	cancel(nil)
	wg.Wait()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, c.close())
}

// close releases in reverse what was acquired.
func (c *Collector) close() error {
	var errs []error
	for len(c.closers) > 0 {
		last := c.closers[len(c.closers)-1]
		c.closers = c.closers[:len(c.closers)-1]
		if err := last.close(); err != nil {
			errs = append(errs, fmt.Errorf("close %s: %w", last.name, err))
		}
	}
	return errors.Join(errs...)
}

// Ready says why the collector is not ready, nil when it is.
func (c *Collector) Ready() error {
	switch {
	case !c.ready.Load():
		return errors.New("starting or stopping")
	case c.ledger.Full():
		return errors.New("the disk is full: events are refused, gates and decisions still work")
	}
	if err := c.notify.Ready(); err != nil {
		return fmt.Errorf("people are not told: %w", err)
	}
	if _, set, _ := c.machine.RulesView(); set == "" {
		return errors.New("no rule set is live")
	}
	return nil
}

// keepTime writes a tick whenever a timer of the machine is due, and only then.
func (c *Collector) keepTime(ctx context.Context) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if due := c.machine.Due(); due == 0 || due > c.ledger.Now() {
			continue
		}
		if _, err := c.submit(ctx, entry.KindTick, struct{}{}); err != nil && ctx.Err() == nil {
			c.log.Warn("tick", "error", err)
		}
	}
}

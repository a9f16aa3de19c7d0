// Package collector is the collector as a whole: it wires its rooms together,
// read top to bottom in setup.
//
// It promises that New leaves nothing open when it fails, that Run returns when
// its context ends, and that events flow one way: intake, ledger, machine,
// then the views and effects at the edge. What only one collector of a cell may
// do is the leader's.
package collector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"sync/atomic"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/closers"
	"github.com/tomeishi/tomeishi/agent/httpguard"
	"github.com/tomeishi/tomeishi/collector/auth"
	"github.com/tomeishi/tomeishi/collector/config"
	"github.com/tomeishi/tomeishi/collector/message"
	"github.com/tomeishi/tomeishi/collector/notify"
	"github.com/tomeishi/tomeishi/collector/series"
	"github.com/tomeishi/tomeishi/collector/web"
)

// Options are what a collector needs.
type Options struct {
	Config config.Config
	// Reread reads the configuration again, for a reload; nil where there is no
	// file.
	Reread  func() (config.Config, error)
	Log     *slog.Logger
	Version string
	// RuleBytes is what rules may remember; 0 means a part of the process's memory.
	RuleBytes int
	// Up lets whoever is on this host decide over loopback, as `tomeishi up`
	// does.
	Up bool
}

// A Collector is a running collector.
type Collector struct {
	*core
	o        Options
	log      *slog.Logger
	metrics  *metrics.Set
	tcp      net.Listener
	unix     net.Listener
	whole    eyes // of those who may see what is private
	masked   eyes // of all others, of notifications and of the log
	door     *auth.Door
	notify   *notify.Notifier
	leader   *leader
	rules    *series.Rules // the metric rules
	reloader *reloader
	web      *web.Web
	servers  *servers
	rate     rate // of samples
	ready    atomic.Bool
	closers  closers.Stack // what New took
}

// New opens everything: it replays the ledger, loads the rules and listens. It
// returns when the collector can take entries; Run serves.
func New(ctx context.Context, o Options) (*Collector, error) {
	if err := o.Config.Check(); err != nil {
		return nil, err
	}
	c := &Collector{o: o, log: o.Log.With("component", "collector"), metrics: metrics.NewSet()}
	if err := c.setup(ctx); err != nil {
		return nil, errors.Join(err, c.closers.Close())
	}
	return c, nil
}

func (c *Collector) setup(ctx context.Context) (err error) {
	cfg := &c.o.Config
	part := func(name string) *slog.Logger { return c.o.Log.With("component", name) }
	zone, err := cfg.Zone()
	if err != nil {
		return err
	}

	if c.core, err = openCore(ctx, c.o, c.metrics, &c.closers); err != nil {
		return err
	}

	// The addresses before what speaks to people: it links to them. Whoever
	// connects waits until Run serves.
	cert, err := readCertificate(cfg.TLS)
	if err != nil {
		return err
	}
	shown := newCertificate(cert)
	if c.tcp, err = listenTCP(ctx, cfg.Listen, shown); err != nil {
		return err
	}
	c.closers.Add("listener", closed(c.tcp))
	if c.unix, err = listenUnix(ctx, cfg.Socket); err != nil {
		return err
	}
	c.closers.Add("socket", closed(c.unix))

	// People: their rights and their notifications.
	edge := edge{c}
	writer := func(everything bool) *message.Writer {
		return message.New(message.Options{
			Machine: c.machine.Shown(everything), Evidence: c.evidence, Differ: c.differ, Detail: c.detail,
			Language: message.Language(cfg.Language), Zone: zone, External: c.external(),
		})
	}
	c.whole, c.masked = eyes{c.machine.Shown(true), writer(true)}, eyes{c.machine.Shown(false), writer(false)}
	c.door, err = auth.New(auth.Options{
		Config: cfg.Auth, Up: c.o.Up, Socket: cfg.Socket, Folder: cfg.Data,
		External: cfg.ExternalURL, LoginPage: edge.loginPage, Log: part("auth"),
	})
	if err != nil {
		return err
	}
	c.notify, err = notify.New(notify.Options{
		Feed: c.masked.machine.Follow(), Kept: c.machine.KeptView, Propose: c.proposeNotifyState,
		Annotations: c.annotations, Page: c.page,
		File: cfg.Alertmanager, Heartbeat: heartbeat(cfg),
		External: c.external(), Actor: edge.Actor, Log: part("notify"),
	})
	if err != nil {
		return err
	}

	// Decisions: metric rules on every member, the rest on the leader.
	c.leader = &leader{core: c.core, log: part("leader"), notify: c.notify, conditions: c.conditions}
	c.leader.memory.bound = cmp.Or(c.o.RuleBytes, ruleBytes())
	c.rules, err = series.NewRules(c.series, series.RulesOptions{
		Interval: cfg.EvaluationInterval, ExternalLabels: cfg.Labels, ExternalURL: cfg.ExternalURL,
		Standing: c.machine.Standing, Propose: c.leader.proposeLevels, Log: part("series"), Metrics: c.metrics,
	})
	if err != nil {
		return err
	}
	c.reloader = &reloader{
		core: c.core, log: part("reload"), read: c.o.Reread, config: *cfg,
		metric: c.rules, door: c.door, notify: c.notify, shown: shown,
	}
	c.leader.rules = c.reloader.begin
	if err := c.leader.begin(ctx); err != nil {
		return err
	}

	// Requests last: whoever asks finds the rooms open.
	c.web = edge.screen(c.masked)
	c.servers = newServers(c.log)
	mux := edge.routes()
	hosts := []string{cfg.Listen}
	if u, err := url.Parse(c.external()); err == nil && u.Host != "" {
		hosts = append(hosts, u.Host)
	}
	c.servers.answer(httpguard.Guard(c.door.Identify(mux), hosts), c.door.OnSocket(mux))
	c.measure()
	return nil
}

func heartbeat(c *config.Config) notify.Heartbeat {
	return notify.Heartbeat{URLFile: c.Heartbeat.URLFile, Every: c.Heartbeat.Every}
}

// Run serves until ctx ends or something that cannot go on fails, and releases
// everything.
func (c *Collector) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var rooms sync.WaitGroup
	for _, run := range []func(context.Context){
		c.leader.run, c.series.Run, c.rules.Run, c.door.Run, c.watchAgents, c.trimTape,
	} {
		rooms.Go(func() { run(ctx) })
	}
	most := roomForConnections()
	idle := func() int { return minIdle + 3*c.machine.AgentCount() }
	rooms.Go(func() { cancel(c.servers.serve(c.servers.tcp, c.tcp, most*7/8, idle)) })
	rooms.Go(func() { cancel(c.servers.serve(c.servers.unix, c.unix, most/8, idle)) })
	c.closers.Add("rooms", func() error { cancel(nil); rooms.Wait(); return nil })
	c.closers.Add("servers", func() error { c.servers.stop(); return nil })
	c.ready.Store(true)
	select {
	case <-ctx.Done():
	case <-c.ledger.Failed():
		cancel(c.ledger.Err())
	}
	c.ready.Store(false)
	err := context.Cause(ctx)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, c.closers.Close())
}

// Ready says why the collector is not ready, nil when it is.
func (c *Collector) Ready() error {
	switch {
	case !c.ready.Load():
		return errors.New("starting or stopping")
	case c.ledger.Gone() != nil:
		return c.ledger.Gone()
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

// Reload reads again what can change while the collector runs, and says what
// changed. What has an error changes nothing; the error says where, line by
// line.
func (c *Collector) Reload(ctx context.Context) (string, error) { return c.reloader.reload(ctx) }

// Addr is the TCP address that the collector listens on.
func (c *Collector) Addr() string { return c.tcp.Addr().String() }

// URL is where to reach the collector from this host.
func (c *Collector) URL() string {
	if c.o.Config.TLS.CertFile != "" {
		return "https://" + c.Addr()
	}
	return "http://" + c.Addr()
}

// Socket is the path of the Unix socket.
func (c *Collector) Socket() string { return c.o.Config.Socket }

// Package notify tells people of alerts.
//
// It promises that a notification which its receiver answered a second before
// a crash is not repeated, that one which was not answered is tried again under
// the same key, and that a silence is in the ledger before it is answered. It
// does not promise that nobody is told twice: an answer that did not come is
// unknown. It is the only importer of Alertmanager.
package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/api"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/alertmanager/nflog"
	amnotify "github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/silence"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// A Feed says which alerts were raised and have ended.
type Feed interface {
	// News has a value when there may be something to take.
	News() <-chan struct{}
	// Take are copies of the alerts that changed since the last Take; the first
	// has all that stand and those that ended lately.
	Take() []machine.Alert
}

// Options are what a Notifier needs.
type Options struct {
	Feed Feed
	// Kept is what the ledger has kept of silences and of the log of
	// notifications, also what another collector told.
	Kept func() []entry.NotifyRecord
	// Propose puts notes into the ledger. An error of entry.ErrUnknown says
	// that they may be there.
	Propose func(context.Context, entry.NotifyState) error
	// Annotations are what an alert is told with, as it is now.
	Annotations func(machine.Alert) map[string]string
	// Page is the headline, the text and the link that a notification carries
	// for the alert with this id, as it is now; not ok if it is no longer known.
	Page func(alert string) (headline, text, link string, ok bool)
	// File is the Alertmanager configuration; empty for the built-in one.
	File      string
	Heartbeat Heartbeat
	// External is the URL of the screen, without a slash at its end.
	External string
	// Actor says who asks for what needs the right, or why they may not. Without
	// it everybody may look and nobody may change anything.
	Actor func(r *http.Request, right string) (string, error)
	Log   *slog.Logger
}

// Heartbeat is where to say that everything works.
type Heartbeat struct {
	URLFile string        // holds the URL
	Every   time.Duration // at least 10 s; 0 is a minute
}

const (
	// retention is how long silences are kept after they ended, and the longest
	// that the log of notifications is.
	retention = 120 * time.Hour
	// collectEvery is how often what has ended is dropped from memory.
	collectEvery = 30 * time.Minute
	upkeepEvery  = 10 * time.Minute

	maxSilences    = 10_000
	maxSilenceSize = 32 << 10 // bytes, of one
)

// A Notifier tells people of alerts.
type Notifier struct {
	o        Options
	log      *slog.Logger
	registry *prometheus.Registry // of the engine

	nflog     *nflog.Log
	silences  *silence.Silences
	silencer  *silence.Silencer
	alerts    alertStore
	follower  follower
	pipelines *amnotify.PipelineBuilder
	groups    *dispatch.DispatcherMetrics
	api       *api.API
	served    http.Handler // Alertmanager's own

	unread   error // of the file, at the start
	queue    *queue
	failures failures

	// deciding is held while a person changes a silence, so that the actor of
	// what is broadcast meanwhile is known.
	deciding sync.Mutex

	reloading sync.Mutex // guards the swap of engines
	engine    atomic.Pointer[engine]
	running   atomic.Bool
}

// matcherMode is process-global in Alertmanager: it is set once, before the
// first configuration is read, and never while another Notifier may read it.
var matcherMode sync.Once

func useMatchers() {
	matcherMode.Do(func() { compat.InitFromFlags(slog.New(slog.DiscardHandler), featurecontrol.NoopFlags{}) })
}

// New reads the configuration and checks it; Run tells. A file that cannot be
// read is not an error here, see Unread: gates must close all the same.
func New(o Options) (*Notifier, error) {
	useMatchers()
	if err := o.Heartbeat.check(); err != nil {
		return nil, err
	}
	n := &Notifier{
		o: o, log: o.Log, registry: prometheus.NewRegistry(),
		queue: newQueue(o.Propose, o.Log),
	}
	n.follower = follower{n: n, standing: map[fingerprint][]*told{}, under: map[string]*alert.Alert{}}
	if err := n.openState(); err != nil {
		return nil, err
	}
	// Once: made a second time on one registry they panic.
	n.pipelines = amnotify.NewPipelineBuilder(n.registry, featurecontrol.NoopFlags{}, eventrecorder.NopRecorder())
	n.groups = dispatch.NewDispatcherMetrics(false, n.registry, featurecontrol.NoopFlags{})
	n.alerts.told = n.toldFiring
	if err := n.openAPI(); err != nil {
		return nil, err
	}
	e, err := n.build(o.File, o.Heartbeat)
	if err != nil && o.File != "" {
		n.unread = err
		// Without a heartbeat: people are not told, and whoever listens there
		// must notice.
		e, err = n.build("", Heartbeat{})
	}
	if err != nil {
		return nil, err
	}
	n.publish(e)
	return n, nil
}

// Unread is why New could not read the file, nil if it could. The built-in
// configuration serves until Load can.
func (n *Notifier) Unread() error { return n.unread }

// openState makes the log of notifications and the silences, empty until Run.
func (n *Notifier) openState() (err error) {
	if n.nflog, err = nflog.New(nflog.Options{Retention: retention, Logger: n.log, Metrics: n.registry}); err != nil {
		return fmt.Errorf("open the log of notifications: %w", err)
	}
	n.silences, err = silence.New(silence.Options{
		Retention: retention, Logger: n.log, Metrics: n.registry, EventRecorder: eventrecorder.NopRecorder(),
		Limits: silence.Limits{
			MaxSilences:         func() int { return maxSilences },
			MaxSilenceSizeBytes: func() int { return maxSilenceSize },
		},
	})
	if err != nil {
		return fmt.Errorf("open the silences: %w", err)
	}
	n.silencer = silence.NewSilencer(n.silences, n.log, eventrecorder.NopRecorder())
	return nil
}

// recall merges what the ledger has kept. Meanwhile nothing is broadcast: a
// merge broadcasts again what it was given.
func (n *Notifier) recall() {
	n.deciding.Lock()
	defer n.deciding.Unlock()
	n.nflog.SetBroadcast(func([]byte) {})
	n.silences.SetBroadcast(func([]byte) {})
	if n.o.Kept != nil {
		n.remember(n.o.Kept())
	}
	n.nflog.SetBroadcast(func(b []byte) { n.queue.log(b, n.heartbeats) })
	n.silences.SetBroadcast(n.queue.silence)
}

// remember merges what was kept. What cannot be read costs a repeated
// notification or a silence, and must not cost all of them.
func (n *Notifier) remember(kept []entry.NotifyRecord) {
	for _, k := range kept {
		var err error
		switch k.Of {
		case entry.KeptLog:
			err = n.nflog.Merge(k.Body)
		case entry.KeptSilence:
			err = n.silences.Merge(k.Body)
		default:
			err = errors.New("of an unknown kind")
		}
		if err != nil {
			n.log.Error("what was kept cannot be read", "of", k.Of, "key", k.Key, "error", err)
		}
	}
}

// Run tells people until ctx ends. It may be called again: it goes on where it
// stopped, with what was told meanwhile by others.
func (n *Notifier) Run(ctx context.Context) {
	n.recall()
	var wg sync.WaitGroup
	defer wg.Wait()
	// Notifications sent while the rest stopped must be proposed too.
	flushing, flushed := context.WithCancel(context.WithoutCancel(ctx))
	defer flushed()
	wg.Go(func() { n.queue.run(flushing) })

	stopUpkeep := make(chan struct{})
	defer close(stopUpkeep)
	wg.Go(func() { n.nflog.Maintenance(upkeepEvery, "", stopUpkeep, nil) })
	wg.Go(func() { n.silences.Maintenance(upkeepEvery, "", stopUpkeep, nil) })

	if err := n.alerts.open(ctx, n.silencer, n.log); err != nil {
		n.log.Error("open the store of alerts", "error", err)
		<-ctx.Done()
		return
	}
	defer n.alerts.close()
	// All that stands comes before the dispatcher, so that groups are whole and
	// the log knows them again.
	n.follower.take(ctx)
	n.startEngine()
	defer n.stopEngine()
	n.follower.run(ctx)
}

// Ready says why people cannot be told; nil once they are.
func (n *Notifier) Ready() error {
	if !n.running.Load() {
		return errNotRunning
	}
	return nil
}

// Load reads a configuration and builds all that it needs. Nothing changes until
// use is called, which cannot fail; with an error there is nothing to use.
func (n *Notifier) Load(file string, h Heartbeat) (use func(), err error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	e, err := n.build(file, h)
	if err != nil {
		return nil, err
	}
	return func() {
		n.reloading.Lock()
		defer n.reloading.Unlock()
		if n.running.Load() {
			n.engine.Load().stop()
			e.start(n)
		}
		n.publish(e)
	}, nil
}

// WriteMetrics writes what the engine tells of itself, in the text format of
// Prometheus.
func (n *Notifier) WriteMetrics(w io.Writer) error {
	families, err := prometheus.Gatherers{n.registry, n.alerts.metrics()}.Gather()
	for _, f := range families {
		if _, werr := expfmt.MetricFamilyToText(w, f); werr != nil {
			return errors.Join(err, werr)
		}
	}
	return err
}

package notify

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"reflect"
	"sync"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/config/receiver"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/labelset"
	amnotify "github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/alertmanager/timeinterval"
)

// An engine is one loaded configuration, and while it runs what tells by it.
type engine struct {
	conf       *config.Config
	heartbeat  string // name of the receiver of heartbeats, if there is one
	tmpl       *template.Template
	routes     *dispatch.Route
	receivers  map[string][]amnotify.Integration
	intervener *timeinterval.Intervener
	keys       map[receiverKey]bool // of all integrations

	inhibitor  *inhibit.Inhibitor
	dispatcher *dispatch.Dispatcher
	stage      *stage
	wg         sync.WaitGroup
}

const (
	groupUpkeep = 30 * time.Second
	// stopWithin is how long a stopping engine waits for notifications under way.
	stopWithin = grace + time.Second
)

// build makes an engine of a configuration; of the built-in one without a file.
// Nothing of it runs.
func (n *Notifier) build(file string, h Heartbeat) (*engine, error) {
	c, err := read(file, h, n.log)
	if err != nil {
		return nil, err
	}
	e := &engine{conf: c.conf, heartbeat: c.heartbeat, receivers: map[string][]amnotify.Integration{}, keys: map[receiverKey]bool{}}
	if e.tmpl, err = templates(c.conf.Templates, n.o.External); err != nil {
		return nil, err
	}
	for _, f := range append(c.findings, rehearse(c.text, c.conf, e.tmpl)...) {
		n.log.Warn("the alertmanager configuration should be mended", "file", file, "line", f.Line, "finding", f.Text)
	}
	e.routes = dispatch.NewRoute(c.conf.Route, nil)
	for _, rcv := range c.conf.Receivers {
		found, err := receiver.BuildReceiverIntegrations(rcv, e.tmpl, n.log)
		if err != nil {
			return nil, fmt.Errorf("%s: receiver %s: %w", file, rcv.Name, err)
		}
		if file == "" && rcv.Name == screenReceiver {
			found = append(found, amnotify.NewIntegration(screen{}, screen{}, "webhook", 0, rcv.Name))
		}
		e.receivers[rcv.Name] = n.wrap(e, &rcv, found)
	}
	intervals := map[string][]timeinterval.TimeInterval{}
	for _, t := range c.conf.MuteTimeIntervals {
		intervals[t.Name] = t.TimeIntervals
	}
	for _, t := range c.conf.TimeIntervals {
		intervals[t.Name] = t.TimeIntervals
	}
	e.intervener = timeinterval.NewIntervener(intervals)
	return e, nil
}

// publish makes e the engine that is asked.
func (n *Notifier) publish(e *engine) {
	n.engine.Store(e)
	n.failures.only(e.keys)
	n.api.Update(e.conf, func(ctx context.Context, labels labelset.LabelSet) {
		if e.inhibitor != nil {
			e.inhibitor.Mutes(ctx, labels)
		}
		n.silencer.Mutes(ctx, labels)
	})
}

func (n *Notifier) startEngine() {
	n.reloading.Lock()
	defer n.reloading.Unlock()
	e := n.engine.Load()
	e.start(n)
	n.publish(e)
	n.running.Store(true)
}

func (n *Notifier) stopEngine() {
	n.reloading.Lock()
	defer n.reloading.Unlock()
	n.running.Store(false)
	n.engine.Load().stop()
}

// start begins to tell. It returns when the alerts that are there are grouped.
func (e *engine) start(n *Notifier) {
	recorder := eventrecorder.NopRecorder()
	e.inhibitor = inhibit.NewInhibitor(&n.alerts, e.conf.InhibitRules, n.log, recorder)
	e.stage = &stage{Stage: n.pipelines.New(e.receivers, func() time.Duration { return 0 }, e.inhibitor, n.silencer, e.intervener, n.nflog, nil)}
	e.dispatcher = dispatch.NewDispatcher(&n.alerts, e.routes, e.stage, e.intervener, flushWithin, groupUpkeep, nil, n.log, recorder, n.groups, e.tmpl)
	inOrder(e.dispatcher)
	// First the inhibitor: nobody must be told of what is about to be inhibited.
	e.wg.Go(e.inhibitor.Run)
	e.inhibitor.WaitForLoading()
	e.wg.Go(func() { e.dispatcher.Run(time.Now()) })
	e.dispatcher.WaitForLoading()
}

// inOrder makes a dispatcher take alerts in the order in which they are put. By
// itself it takes them with several goroutines: an alert that ends just after it
// was raised could stand for good, since the machine says its end only once. It
// has no option for that; where the field has another name a test says so.
func inOrder(d *dispatch.Dispatcher) {
	if f := reflect.ValueOf(d).Elem().FieldByName("concurrency"); f.IsValid() && f.Type() == reflect.TypeFor[int]() {
		*(*int)(f.Addr().UnsafePointer()) = 1
	}
}

// flushWithin is how long one flush of a group may take, retries included.
func flushWithin(groupInterval time.Duration) time.Duration {
	return max(groupInterval, amnotify.MinTimeout)
}

// stop ends telling. What is under way may still be answered, within grace, so
// that it need not be told again.
func (e *engine) stop() {
	e.dispatcher.Stop()
	e.stage.close(stopWithin)
	e.inhibitor.Stop()
	e.wg.Wait()
}

// A stage counts the flushes that are under way: a dispatcher that stops does
// not wait for them.
type stage struct {
	amnotify.Stage
	mu      sync.Mutex // guards what follows
	running int
	closed  bool
	idle    chan struct{} // closed when closed and none runs
}

// Exec implements amnotify.Stage.
func (s *stage) Exec(ctx context.Context, l *slog.Logger, alerts ...*alert.Alert) (context.Context, []*alert.Alert, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ctx, nil, context.Canceled
	}
	s.running++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.running--; s.running == 0 && s.closed {
			close(s.idle)
		}
	}()
	return s.Stage.Exec(ctx, l, alerts...)
}

func (s *stage) close(within time.Duration) {
	s.mu.Lock()
	s.closed, s.idle = true, make(chan struct{})
	if s.running == 0 {
		close(s.idle)
	}
	s.mu.Unlock()
	select {
	case <-s.idle:
	case <-time.After(within):
	}
}

// externalURL is the screen's, for templates and payloads.
func externalURL(external string) (*url.URL, error) {
	u, err := url.Parse(external)
	if err != nil {
		return nil, fmt.Errorf("external URL: %w", err)
	}
	return u, nil
}

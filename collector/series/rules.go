package series

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/prometheus/model/labels"
	promrules "github.com/prometheus/prometheus/rules"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/series/syntax"
	"github.com/tomeishi/tomeishi/rules"
)

const (
	defaultInterval = 15 * time.Second
	// maxTurn is how long an evaluation keeps others waiting.
	maxTurn   = 500 * time.Millisecond
	maxBehind = 30 * time.Second
	// outageTolerance is how long the collector may have been away for what
	// was pending to go on.
	outageTolerance = 24 * time.Hour
)

// RulesOptions of NewRules.
type RulesOptions struct {
	// Interval of groups that have none of their own; 0 is 15 s.
	Interval       time.Duration
	ExternalLabels map[string]string // $externalLabels of templates
	ExternalURL    string            // $externalURL of templates
	// Standing are the standing alerts of one metric rule.
	Standing func(rule machine.RuleID) []machine.Standing
	// Propose puts levels into the ledger. It is called from every group's
	// goroutine, and may fail or not know: the next evaluation compares again.
	Propose func(ctx context.Context, l entry.Levels) error
	Log     *slog.Logger
	Metrics *metrics.Set
}

// Rules are the metric rules: Prometheus's manager evaluates them, and where
// what fires and what stands differ, that is proposed.
type Rules struct {
	o     RulesOptions
	store *Store
	url   *url.URL

	// loaded is what the manager evaluates. It is nil until Run.
	loaded atomic.Pointer[loaded]

	mu      sync.Mutex         // guards what follows; held over a load, so that loads come one after another
	manager *promrules.Manager // nil before and after Run
	source  source             // what the manager reads
	next    *ruleSet           // loaded last

	// turns has a place for each evaluation at a time. One core is left to the
	// rest: in a storm hundreds of groups that evaluate at once would make
	// every gate wait.
	turns chan struct{}

	fed    fed
	behind behind
	waits  atomic.Bool // nothing is evaluated, because of behind

	seconds         *metrics.Histogram
	missed          *metrics.Counter
	fired, resolved *metrics.Counter // levels
	failed          *metrics.Counter
	refused         atomic.Bool // the last proposal failed
}

// NewRules makes rules on the store's series. Nothing is evaluated before Run.
func NewRules(s *Store, o RulesOptions) (*Rules, error) {
	external, err := url.Parse(o.ExternalURL)
	if err != nil {
		return nil, fmt.Errorf("external_url: %w", err)
	}
	if o.Interval == 0 {
		o.Interval = defaultInterval
	}
	const name = "tomeishi_rules_metric_"
	return &Rules{
		o: o, store: s, url: external, source: source{parser: s.parser},
		turns:    make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1)),
		seconds:  o.Metrics.NewHistogram(name + "evaluation_seconds"),
		missed:   o.Metrics.NewCounter(name + "missed_iterations_total"),
		fired:    o.Metrics.NewCounter(name + `levels_total{level="firing"}`),
		resolved: o.Metrics.NewCounter(name + `levels_total{level="resolved"}`),
		failed:   o.Metrics.NewCounter(name + "failed_proposals_total"),
	}, nil
}

// Load makes the rules of a set those that are evaluated: files as Prometheus
// reads them, and metrics, their alerting rules in the same order. Groups that
// did not change go on as they are; of those that changed, the rules that kept
// name and labels keep their alerts. Before and after Run it only checks and
// remembers. After an error everything is as before.
func (r *Rules) Load(set string, files []rules.File, metrics []*rules.MetricRule) error {
	next, err := readSet(set, files, metrics, r.store.parser)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.manager == nil {
		r.next = next
		return nil
	}
	return r.update(next)
}

// Run evaluates the rules until ctx ends, each group at its own interval, from
// when the store has caught up with the ledger. It is called once.
func (r *Rules) Run(ctx context.Context) {
	select {
	case <-r.store.CaughtUp():
	case <-ctx.Done():
		return
	}
	r.begin(ctx)
	var wg sync.WaitGroup
	wg.Go(r.manager.Run)
	<-ctx.Done()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.manager.Stop()
	r.manager = nil // which would take another set without a word
	wg.Wait()
}

// begin makes the manager and gives it what was loaded.
func (r *Rules) begin(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.manager = promrules.NewManager(r.managerOptions(ctx))
	if r.next == nil {
		return
	}
	if err := r.update(r.next); err != nil {
		r.o.Log.Error("the metric rules do not run", "error", err)
	}
}

func (r *Rules) managerOptions(ctx context.Context) *promrules.ManagerOptions {
	return &promrules.ManagerOptions{
		NameValidationScheme: syntax.Names,
		ExternalURL:          r.url,
		QueryFunc:            promrules.EngineQueryFunc(r.store.engine, r.store.db),
		NotifyFunc:           func(context.Context, string, ...*promrules.Alert) {}, // alerts are levels here
		Context:              ctx,
		AppendableV2:         r.store.db,
		Queryable:            r.store.db,
		Logger:               r.o.Log,
		Registerer:           r.store.registry,
		OutageTolerance:      outageTolerance,
		RestoreNewRuleGroups: true,
		GroupLoader:          &r.source,
		Parser:               r.store.parser,
	}
}

// update gives the manager another set. The caller holds mu.
func (r *Rules) update(next *ruleSet) error {
	r.source.files = next.files
	before := r.loaded.Load()
	external := labels.FromMap(r.o.ExternalLabels)
	if err := r.manager.Update(r.o.Interval, next.names, external, r.o.ExternalURL, r.iterate); err != nil {
		return err
	}
	// Until here a group that is new to the manager is not known to iterate,
	// and proposes nothing.
	r.loaded.Store(next.bind(r.manager.RuleGroups(), before))
	return nil
}

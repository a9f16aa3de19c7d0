// Package series is the metrics: a view of the ledger's samples that PromQL can
// be asked about, and the metric rules that are evaluated on it.
//
// It promises that a sample which the ledger has is in the view, also after a
// crash, as long as the tape and the retention reach; and that nothing here
// decides what the machine believes: what rules find is proposed to the
// ledger. It may be lost and made again. It is the only importer of
// Prometheus.
package series

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/series/syntax"
	"github.com/tomeishi/tomeishi/rules"
)

// Options of Open.
type Options struct {
	Dir       string
	Retention time.Duration // of samples; 0 is 15 days
	// Interval is how often rules are evaluated by default. It is the step of
	// subqueries that name none, as in Prometheus; 0 is 15 seconds.
	Interval  time.Duration
	MaxSeries int // that are held at once; 0 is a million
	// Entries yields the ledger's entries from an index on, in order, as the
	// tape has them.
	Entries func(from uint64) iter.Seq2[entry.Entry, error]
	// Propose puts a remote write request into the ledger and returns its index.
	Propose func(ctx context.Context, kind entry.Kind, body []byte, digest [32]byte) (uint64, error)
	Log     *slog.Logger
	Metrics *metrics.Set
	Version string

	maxHeld int // samples that one query may hold; 0 is maxHeldSamples
}

const (
	defaultRetention = 15 * 24 * time.Hour
	defaultMaxSeries = 1_000_000

	// ahead is how far ahead of its entry a sample may be.
	ahead = 5 * time.Minute
	// oldest is how old a sample may be that comes late.
	oldest = 24 * time.Hour

	lookback       = 5 * time.Minute
	queryTimeout   = 30 * time.Second
	maxHeldSamples = 5_000_000 // by one query at a time, 16 bytes each
)

// A Store is the view. Offer is for the one that applies entries.
type Store struct {
	o        Options
	db       *tsdb.DB
	engine   promql.QueryEngine
	parser   parser.Parser
	registry *prometheus.Registry // of the engines inside

	queue    queue
	feeder   feeder
	progress progress
	writes   writes
	families families
	queries  queries
	disk     disk
	broken   broken
	met      meters
	// caughtUp is closed when what the ledger had at the start is in the view.
	// Before, nothing else may be appended: a sample of now would make those of
	// yesterday too old.
	caughtUp chan struct{}
	started  time.Time

	stopCompacting context.CancelFunc
}

// Open opens the view in its folder. What is damaged is set aside.
func Open(o Options) (*Store, error) {
	o.Retention = cmp.Or(o.Retention, defaultRetention)
	o.MaxSeries = cmp.Or(o.MaxSeries, defaultMaxSeries)
	o.Interval = cmp.Or(o.Interval, defaultInterval)
	s := &Store{o: o, parser: syntax.NewParser(), caughtUp: make(chan struct{}), started: time.Now()}
	opened, err := openDB(o)
	if err != nil {
		return nil, err
	}
	s.o.Dir = opened.dir
	s.db, s.registry, s.stopCompacting = opened.db, opened.registry, opened.stopCompacting
	s.engine = boundedEngine{step: o.Interval, room: 2 * cmp.Or(o.maxHeld, maxHeldSamples), Engine: promql.NewEngine(promql.EngineOpts{
		Logger: o.Log, Reg: s.registry, MaxSamples: cmp.Or(o.maxHeld, maxHeldSamples), Timeout: queryTimeout, LookbackDelta: lookback,
		EnableAtModifier: true, EnableNegativeOffset: true, Parser: s.parser,
		NoStepSubqueryIntervalFn: func(int64) int64 { return o.Interval.Milliseconds() },
	})}
	s.met = newMeters(o.Metrics, s)
	s.queue.open(opened.mark)
	s.progress.applied = opened.mark.Index
	s.disk = disk{dir: s.o.Dir}
	s.broken.now = make(chan struct{})
	s.feeder = newFeeder(s, opened.mark)
	s.writes.open(s)
	s.queries.open()
	return s, nil
}

// NewChecker makes the checker that reads expressions and rule files as the
// evaluation will.
func NewChecker() rules.Checker { return syntax.NewChecker() }

// Offer shows the view an entry that was applied, in order. It does not wait
// for the view.
func (s *Store) Offer(e entry.Entry) { s.queue.offer(e) }

// Run feeds the view until ctx ends.
func (s *Store) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { s.upkeep(ctx) })
	wg.Go(func() {
		err := s.guarded(func() error {
			s.feeder.run(ctx)
			return nil
		})
		if err != nil {
			<-ctx.Done()
		}
	})
	ended := make(chan struct{})
	go func() { // what follows waits for ended, unless the TSDB is broken
		wg.Wait()
		close(ended)
	}()
	<-ctx.Done()
	select {
	case <-ended:
	case <-s.broken.now:
		select {
		case <-ended:
		case <-time.After(closeTimeout):
		}
	}
}

// CaughtUp is closed when what the ledger had at the start is in the view.
func (s *Store) CaughtUp() <-chan struct{} { return s.caughtUp }

// An OwnSample is a value of a series of the collector's own.
type OwnSample struct {
	Labels map[string]string // __name__ among them
	Value  float64
}

// Own appends numbers of the collector's own making, which no entry carries.
// They are dropped, and counted, while the view catches up after a start and
// while its disk is nearly full.
func (s *Store) Own(ctx context.Context, at time.Time, samples []OwnSample) error {
	select {
	case <-s.caughtUp:
	default:
		s.met.refused(reasonCatchingUp).Add(len(samples))
		return nil
	}
	if s.disk.paused.Load() {
		s.met.refused(reasonDisk).Add(len(samples))
		return nil
	}
	return s.guarded(func() error {
		app := s.appender(ctx)
		for _, o := range samples {
			if _, err := app.Append(0, labels.FromMap(o.Labels), 0, at.UnixMilli(), o.Value, nil, nil, storage.AOptions{}); err != nil {
				s.met.refused(reasonOf(err)).Inc()
			}
		}
		if err := app.Commit(); err != nil {
			return fmt.Errorf("append the collector's own series: %w", err)
		}
		return nil
	})
}

// WaitApplied returns when the view has the entry, or with the error of ctx.
func (s *Store) WaitApplied(ctx context.Context, index uint64) error {
	return s.progress.wait(ctx, index)
}

// Register puts Prometheus's query API and the remote write receiver on mux.
func (s *Store) Register(mux *http.ServeMux) {
	mux.HandleFunc("POST /api/v1/write", s.postWrite)
	mux.HandleFunc("GET /api/v1/metadata", s.getMetadata)
	s.registerAPI(mux)
}

// WriteMetrics writes what the engines inside tell of themselves, in the text
// format of Prometheus.
func (s *Store) WriteMetrics(w io.Writer) error {
	families, err := s.registry.Gather()
	for _, f := range families {
		if _, werr := expfmt.MetricFamilyToText(w, f); werr != nil {
			return errors.Join(err, werr)
		}
	}
	return err
}

// Close closes the view, when Run has returned.
func (s *Store) Close() error {
	if s.broken.is() {
		return nil // it would wait for what a panic has left locked
	}
	s.feeder.remember()
	if err := surviving(s.db.Close); err != nil {
		return fmt.Errorf("close the series: %w", err)
	}
	return nil
}

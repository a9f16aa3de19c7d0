package series

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/grafana/regexp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/route"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/notifications"
	v1 "github.com/prometheus/prometheus/web/api/v1"
)

// compatible is the version of Prometheus that the API answers like. Clients
// look at it to see what they may ask.
const compatible = "3.16.0"

const apiPrefix = "/api/v1"

// registerAPI puts the parts of Prometheus's own API on mux that ask and change
// nothing. Rules and alerts are the collector's to tell; there is no
// administration, and nothing is scraped.
func (s *Store) registerAPI(mux *http.ServeMux) {
	// Prometheus's describes itself when it is made, which takes a while: made
	// when it is first asked.
	made := sync.OnceValue(func() http.Handler {
		router := route.New().WithPrefix(apiPrefix)
		s.newAPI().Register(router)
		return router
	})
	tells := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { made().ServeHTTP(w, r) })
	asks := s.guard(tells)
	for _, path := range []string{
		"/query", "/query_range", "/query_exemplars", "/format_query", "/parse_query", "/labels", "/series",
	} {
		mux.Handle("GET "+apiPrefix+path, asks)
		mux.Handle("POST "+apiPrefix+path, asks)
	}
	mux.Handle("GET "+apiPrefix+"/label/{name}/values", asks)
	mux.Handle("GET "+apiPrefix+"/status/tsdb", asks)
	for _, path := range []string{
		"/status/buildinfo", "/status/runtimeinfo", "/status/flags", "/status/config",
		"/targets", "/targets/metadata", "/scrape_pools", "/alertmanagers", "/notifications",
	} {
		mux.Handle("GET "+apiPrefix+path, tells)
	}
}

// newAPI makes Prometheus's API. Its arguments stand in order and change
// between releases.
func (s *Store) newAPI() *v1.API {
	return v1.NewAPI(
		s.engine, s.db,
		nil, // nothing is appended
		s.db,
		func(context.Context) v1.ScrapePoolsRetriever { return nothing{} },
		func(context.Context) v1.TargetRetriever { return nothing{} },
		func(context.Context) v1.AlertmanagerRetriever { return nothing{} },
		func() config.Config { return config.Config{} },
		map[string]string{},
		v1.GlobalURLOptions{},
		func(f http.HandlerFunc) http.HandlerFunc { return f },
		stats{db: s.db}, "", false, // no administration
		false, 0, // no search
		s.o.Log,
		nil,     // rules are told elsewhere
		0, 0, 0, // no remote read
		false,                      // no agent of Prometheus
		regexp.MustCompile(`^\b$`), // no other origin
		s.runtimeInfo,
		&v1.PrometheusVersion{Version: compatible, Revision: "tomeishi", Branch: s.o.Version, GoVersion: runtime.Version()},
		func() []notifications.Notification { return []notifications.Notification{} }, nil,
		s.registry, nil, nil,
		false, nil, // remote write goes through the ledger
		false, false, false, // no OTLP
		lookback, false, false,
		nil, nil,
		v1.OpenAPIOptions{IncludePaths: []string{"/none"}},
		s.parser,
		false, 0, // no estimates of what a query costs
	)
}

func (s *Store) runtimeInfo() (v1.RuntimeInfo, error) {
	host, err := os.Hostname()
	return v1.RuntimeInfo{
		StartTime: s.started, Hostname: host, ServerTime: time.Now().UTC(), ReloadConfigSuccess: true,
		GoroutineCount: runtime.NumGoroutine(), GOMAXPROCS: runtime.GOMAXPROCS(0),
		CorruptionCount:  int64(counter(s.registry, "prometheus_tsdb_wal_corruptions_total")),
		StorageRetention: model.Duration(s.o.Retention).String(),
	}, err
}

// nothing is what a Prometheus that scrapes nothing has.
type nothing struct{}

// ScrapePools are none.
func (nothing) ScrapePools() []string { return []string{} }

// TargetsActive are none.
func (nothing) TargetsActive() map[string][]*scrape.Target { return nil }

// TargetsDropped are none.
func (nothing) TargetsDropped() map[string][]*scrape.Target { return nil }

// TargetsDroppedCounts are none.
func (nothing) TargetsDroppedCounts() map[string]int { return nil }

// ScrapePoolConfig finds nothing.
func (nothing) ScrapePoolConfig(string) (*config.ScrapeConfig, error) {
	return nil, errors.New("nothing is scraped here: agents send their samples")
}

// Alertmanagers are none: the one inside is at /alertmanager.
func (nothing) Alertmanagers() []*url.URL { return nil }

// DroppedAlertmanagers are none.
func (nothing) DroppedAlertmanagers() []*url.URL { return nil }

// stats is what the API may ask of the TSDB: of its methods those that change
// something are not there, and no path leads to them.
type stats struct {
	v1.TSDBAdminStats
	db *tsdb.DB
}

// Stats counts what the head holds.
func (s stats) Stats(label string, limit int) (*tsdb.Stats, error) {
	return s.db.Head().Stats(label, limit), nil
}

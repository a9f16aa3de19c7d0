// Package local is the API for the applications on this host: events in, gates
// out.
//
// It promises that events answered with 202 are on disk, that a batch is taken
// whole or not at all, and that whatever is not a plain yes says so: full is
// 429, unknown is 503. It speaks on loopback and on a Unix socket, where it
// also knows who asks; it does not know it on loopback.
package local

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/gates"
	"github.com/tomeishi/tomeishi/agent/httpguard"
	"github.com/tomeishi/tomeishi/agent/report"
)

// Spool keeps events until a collector has them.
type Spool interface {
	// Append returns when the events are durable, or spool.ErrFull,
	// spool.ErrUnknown or another error, with which nothing was kept.
	Append(ctx context.Context, b *report.Builder) error
}

// Options of New.
type Options struct {
	Agent string
	Hosts []string // what the TCP listener is called, for the Host allow-list
	Spool Spool
	Gates *gates.Copy
	Ready func() string // why not ready; empty: ready
	// Signals writes what was measured on this host in Prometheus's text format,
	// for /metrics; nil writes nothing.
	Signals func(w io.Writer) error
	// Refused is told of every payment that a check refused, with the question,
	// and does not wait; nil is told of none.
	Refused func(g gates.Gate, ask map[string]string)
	// Asked is told what each check of a known gate named, if there is one.
	Asked   func(gate string, ask map[string]string)
	Log     *slog.Logger
	Metrics *metrics.Set
}

// An API answers applications.
type API struct {
	o       Options
	budget  budget
	conns   *httpguard.Connections
	seconds *metrics.Histogram
	refused *metrics.Counter
}

// Bounds of a client that is slow or greedy.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
	maxInFlight   = 64 << 20 // bytes of bodies being read and written at once

	// maxConns connections at most, in memory and well below what the spool and the
	// collectors need of descriptors.
	maxConns = 1024
)

// New makes the API.
func New(o Options) *API {
	most := int(httpguard.Descriptors(2*maxConns) / 2)
	return &API{
		o: o, conns: httpguard.NewConnections(most, func() int { return most }, o.Log), budget: budget{max: maxInFlight},
		seconds: o.Metrics.GetOrCreateHistogram("tomeishi_agent_events_request_seconds"),
		refused: o.Metrics.GetOrCreateCounter("tomeishi_agent_events_refused_total"),
	}
}

// Limit accepts no more connections of a listener than there may be of all of them.
func (a *API) Limit(l net.Listener) net.Listener { return a.conns.Limit(l) }

// Server makes the HTTP server for both listeners.
func (a *API) Server() *http.Server {
	return &http.Server{
		Handler:           httpguard.Guard(http.HandlerFunc(a.route), a.o.Hosts),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ConnContext:       withPeer,
		ConnState:         a.conns.State,
		ErrorLog:          slog.NewLogLogger(a.o.Log.Handler(), slog.LevelDebug),
	}
}

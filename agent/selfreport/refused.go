package selfreport

import (
	"encoding/json"
	"hash/maphash"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/report"
)

// A Refusal is one payment that a gate did not let through.
type Refusal struct {
	Gate string
	// Closing tells one closing of the gate from the next.
	Closing uint64
	Epoch   uint64 // of the cell, by which the gate refused
	// Unsure says why it refused without the collector's word for it; empty where
	// a hold refused.
	Unsure string
	// Lacks is a field that the ask left out, where it was refused only for that.
	Lacks string
	// Ask is the question: request, customer, address, asset, amount.
	Ask map[string]string
}

const (
	// maxTold bounds the requests of one closing: one more than are told apart, so
	// that the collector knows of more.
	maxTold = report.MaxRefused + 1
	// maxQueue bounds the events that wait.
	maxQueue = 10_000
	// maxField bounds what is repeated of a question, in bytes.
	maxField = 512
	// unnamedEvery is how often asks that name no request are reported.
	unnamedEvery = 5 * time.Second
)

// refusals are what was refused and is to be reported.
type refusals struct {
	asks, dropped *metrics.Counter
	news          chan struct{} // has a value when there may be something to take
	seed          maphash.Seed

	mu       sync.Mutex          // guards what follows
	closings map[string]*closing // by gate
	queue    []item
	unnamed  map[report.Refused]uint64 // asks, by what is said of them
	counted  time.Time                 // when those were reported last
}

// A closing is one stretch during which a gate refuses, and what was told of it.
type closing struct {
	id     uint64
	unsure string
	told   map[uint64]struct{} // hashes of requests
}

// An item is one event that waits.
type item struct {
	at      time.Time
	data    []byte
	of      *closing // nil for asks that named no request
	request uint64   // its hash
}

func newRefusals(set *metrics.Set) refusals {
	const name = "tomeishi_agent_refused_"
	return refusals{
		asks: set.GetOrCreateCounter(name + "total"), dropped: set.GetOrCreateCounter(name + "dropped_total"),
		news: make(chan struct{}, 1), seed: maphash.MakeSeed(),
		closings: map[string]*closing{}, unnamed: map[report.Refused]uint64{},
	}
}

// Refused notes that a payment was refused. It does not wait.
func (r *Reporter) Refused(x Refusal) { r.refused.note(x) }

func (q *refusals) note(x Refusal) {
	q.asks.Inc()
	about := report.Refused{Gate: x.Gate, Epoch: x.Epoch, Why: x.Unsure, Lacks: x.Lacks, Request: short(x.Ask["request"])}
	q.mu.Lock()
	defer q.mu.Unlock()
	if about.Request == "" {
		q.count(about)
		return
	}
	c := q.closings[x.Gate]
	if c == nil || c.id != x.Closing || c.unsure != x.Unsure {
		c = &closing{id: x.Closing, unsure: x.Unsure, told: map[uint64]struct{}{}}
		q.closings[strings.Clone(x.Gate)] = c
	}
	request := maphash.String(q.seed, about.Request)
	if _, told := c.told[request]; told || len(c.told) >= maxTold {
		return
	}
	about.Customer, about.Address = short(x.Ask["customer"]), short(x.Ask["address"])
	about.Asset, about.Amount = short(x.Ask["asset"]), short(x.Ask["amount"])
	if q.put(item{time.Now(), encode(about), c, request}) {
		c.told[request] = struct{}{}
	}
}

// short leaves out what is too long to be repeated.
func short(s string) string {
	if len(s) > maxField {
		return ""
	}
	return s
}

func encode(x report.Refused) []byte {
	raw, err := json.Marshal(x)
	if err != nil {
		panic("facts: " + err.Error()) // strings and numbers only
	}
	return raw
}

// count counts an ask that named no request. The caller holds mu.
func (q *refusals) count(about report.Refused) {
	if _, known := q.unnamed[about]; !known {
		if len(q.unnamed) >= maxQueue {
			q.dropped.Inc()
			return
		}
		about.Gate = strings.Clone(about.Gate) // it is part of a request's path
		q.wake()
	}
	q.unnamed[about]++
}

// put lets an event wait and tells whether there was room. The caller holds mu.
func (q *refusals) put(it item) bool {
	if len(q.queue) >= maxQueue {
		q.dropped.Inc()
		return false
	}
	q.queue = append(q.queue, it)
	q.wake()
	return true
}

func (q *refusals) wake() {
	select {
	case q.news <- struct{}{}:
	default:
	}
}

// take are the next events, and how long it is until there are more; 0 if
// nothing waits.
func (q *refusals) take(now time.Time) (items []item, next time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now.Sub(q.counted) >= unnamedEvery && len(q.unnamed) > 0 {
		q.counted = now
		for about, n := range q.unnamed {
			about.Unnamed = n
			q.put(item{at: now, data: encode(about)})
		}
		clear(q.unnamed)
	}
	n := min(batchMost, len(q.queue))
	items, q.queue = q.queue[:n:n], q.queue[n:]
	switch {
	case len(q.queue) > 0:
		return items, pace
	case len(q.unnamed) > 0:
		return items, unnamedEvery - now.Sub(q.counted)
	}
	q.queue = nil
	return items, 0
}

// lose is for events that the spool did not take: they are reported when they
// are asked for again.
func (q *refusals) lose(items []item) {
	q.dropped.Add(len(items))
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, it := range items {
		if it.of != nil {
			delete(it.of.told, it.request)
		}
	}
}

// forget forgets what was told of gates that refuse nobody any more.
func (q *refusals) forget(refuses func(gate string) bool) {
	q.mu.Lock()
	gates := make([]string, 0, len(q.closings))
	for g := range q.closings {
		gates = append(gates, g)
	}
	q.mu.Unlock()
	for _, g := range gates {
		if refuses(g) {
			continue
		}
		q.mu.Lock()
		delete(q.closings, g)
		q.mu.Unlock()
	}
}

// Package gates is this host's copy of the gates.
//
// It promises to answer at once, from memory, and never more openly than the
// collector's last word: after the lease has run out by if_unreachable, and
// closed when the ledger behind the collector is another or an older one than
// before, until a person adopts it. A change is on disk before it is
// acknowledged. It decides nothing by itself: the machine may stop, only
// people resume.
package gates

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/collectors"
	"github.com/tomeishi/tomeishi/agent/report"
)

// Options of New.
type Options struct {
	Agent   string
	Peers   *collectors.Peers // nil: no collectors
	Log     *slog.Logger
	Metrics *metrics.Set
}

// A Copy is the copy, kept in one file.
type Copy struct {
	opt  Options
	path string
	log  *slog.Logger

	began time.Time

	mu      sync.RWMutex // guards what follows
	kept    kept
	sent    time.Time        // when the request of the last answer was sent; zero: none yet
	pending *report.GateList // the answer that a person has to adopt
	dirty   bool             // memory is ahead of the disk
	unkept  bool             // the last save failed
	failing bool             // the last request was not answered as it should be
	refused string           // what the collectors say of the agent's token; empty: nothing

	saving sync.Mutex // held over a save, so that saves come one after another; taken before mu
	heard  atomic.Bool
	m      meters
}

type meters struct{ failures, saves, suspicions *metrics.Counter }

// New reads what dir keeps of an earlier run.
func New(dir string, o Options) (*Copy, error) {
	c := &Copy{opt: o, path: filepath.Join(dir, fileName), log: o.Log, began: time.Now()}
	k, err := load(c.path)
	if err != nil {
		return nil, err
	}
	c.kept = k
	const name = "tomeishi_agent_gates_"
	c.m = meters{
		failures:   o.Metrics.GetOrCreateCounter(name + "failures_total"),
		saves:      o.Metrics.GetOrCreateCounter(name + "saves_total"),
		suspicions: o.Metrics.GetOrCreateCounter(name + "suspicions_total"),
	}
	o.Metrics.GetOrCreateGauge(name+"to_adopt", func() float64 { return number(c.Suspect() != "") })
	o.Metrics.GetOrCreateGauge(name+"stale", c.stale)
	o.Metrics.GetOrCreateGauge(name+"known", func() float64 {
		c.mu.RLock()
		defer c.mu.RUnlock()
		return float64(len(c.kept.all()))
	})
	if why := c.Suspect(); why != "" {
		c.log.Error("gates stay closed until adopted", "why", why)
	}
	return c, nil
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// stale is the number of gates without a lease.
func (c *Copy) stale() (n float64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	now := time.Now()
	for _, g := range c.kept.all() {
		n += number(!c.fresh(g, now))
	}
	return n
}

// Heard tells whether a collector has answered since the start.
func (c *Copy) Heard() bool { return c.heard.Load() }

// Refused says that the collectors do not know this agent; empty if they do.
func (c *Copy) Refused() string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.refused
}

// Suspect says why gates wait to be adopted; empty when none does.
func (c *Copy) Suspect() string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.kept.suspicion()
}

// fresh tells whether the lease of g runs. The monotonic clock stands still
// while the host sleeps, so the wall clock may end a lease too: a lease that
// ends early comes back with the next answer. The caller holds mu.
func (c *Copy) fresh(g Gate, now time.Time) bool {
	if c.sent.IsZero() {
		return false
	}
	lease := time.Duration(g.Lease)
	return now.Sub(c.sent) < lease && now.Round(0).Sub(c.sent.Round(0)) < lease
}

// take makes l the copy, if it may.
func (c *Copy) take(l *report.GateList, sent time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard.Store(true)
	before := c.kept.suspicion()
	if c.kept.accept(l) {
		c.dirty = true
	}
	c.pending = nil
	if why := c.kept.suspicion(); why != "" {
		c.pending = l
		if why != before {
			c.m.suspicions.Inc()
			c.log.Error("gates are closed until adopted", "why", why,
				"remedy", `if this ledger is right: tomeishi-agent adopt --reason TEXT`)
		}
	}
	c.sent = sent
}

// save writes the copy if it changed, so that an acknowledgement may follow.
func (c *Copy) save() error {
	c.saving.Lock()
	defer c.saving.Unlock()
	c.mu.Lock()
	if !c.dirty {
		c.mu.Unlock()
		return nil
	}
	raw := c.kept.encode()
	c.dirty = false
	c.mu.Unlock()
	err := replace(c.path, raw)
	c.mu.Lock()
	before := c.unkept
	c.dirty, c.unkept = err != nil || c.dirty, err != nil
	c.mu.Unlock()
	if err != nil {
		err = fmt.Errorf("keep gates: %w", err)
		if !before {
			c.log.Error("the gates are not kept on disk, and not acknowledged", "error", err)
		}
		return err
	}
	c.m.saves.Inc()
	return nil
}

// ErrNothingToAdopt means that no gate waits for a person.
var ErrNothingToAdopt = errors.New("nothing to adopt: the agent and its collector agree")

// Adopt takes the collector's present cell and epochs for the right ones.
func (c *Copy) Adopt(_ context.Context, by, reason string) error {
	c.mu.Lock()
	why := c.kept.suspicion()
	if why == "" {
		c.mu.Unlock()
		return ErrNothingToAdopt
	}
	c.kept = c.kept.adopt(c.pending, adoption{By: by, Reason: reason, At: time.Now().UTC()})
	if c.pending == nil {
		c.sent = time.Time{} // the next answer is the first
	}
	c.pending = nil
	c.dirty = true
	c.mu.Unlock()
	c.log.Warn("gates adopted", "by", by, "reason", reason, "was", why)
	return c.save()
}

// List is all gates as answered now, by name.
func (c *Copy) List() []Gate {
	c.mu.RLock()
	defer c.mu.RUnlock()
	out := []Gate{}
	for _, name := range slices.Sorted(maps.Keys(c.kept.all())) {
		g, _ := c.view(name, time.Now())
		out = append(out, g)
	}
	return out
}

// Get is one gate as answered now.
func (c *Copy) Get(name string) (Gate, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.view(name, time.Now())
}

package gates

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tomeishi/tomeishi/agent/collectors"
	"github.com/tomeishi/tomeishi/agent/report"
)

const (
	longestWait  = 10 * time.Second // while no gate has a shorter lease
	longestPause = 2 * time.Second  // between tries
	longestTry   = 5 * time.Second  // of a request that is answered at once
	shortestTry  = 250 * time.Millisecond
	unkeptWait   = 200 * time.Millisecond // a close takes so long while the disk keeps nothing
)

// Run keeps the copy and its leases fresh until ctx ends: one request at a
// time, which asks for what is newer than the last answer, acknowledges it and
// renews the leases.
func (c *Copy) Run(ctx context.Context) {
	if c.opt.Peers == nil {
		return
	}
	var pause collectors.Backoff
	var known seen
	for ctx.Err() == nil {
		asked := c.opt.Peers.Current()
		if asked != known.from {
			known = seen{from: asked} // an epoch is said only to the one it came from
		}
		l, a, err := c.ask(ctx, known)
		if ctx.Err() != nil {
			return
		}
		c.note(a, err)
		if err != nil {
			known.failed = true
			c.opt.Peers.Turn(a)
			if pause.WaitAtMost(ctx, c.opt.Peers.Rest(), min(c.patience(time.Now()), longestPause)) != nil {
				return
			}
			continue
		}
		pause.Reset()
		known = seen{from: asked, cell: l.Cell, epoch: l.Epoch, ok: true}
		if err := c.save(); err != nil {
			// Not on disk, so not acknowledged: ask without an epoch.
			known.ok = false
			if !sleep(ctx, min(unkeptWait, c.wait())) {
				return
			}
		}
	}
}

// note notes how a request ended: it logs the first failure and the end of them,
// and keeps whether the collectors know this agent.
func (c *Copy) note(a collectors.Answer, err error) {
	unknown := ""
	if a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden {
		unknown = fmt.Sprintf("collector %s refuses this agent (%s): is its token the one that auth.agents has for its id?", a.From, a.Problem())
	}
	c.mu.Lock()
	before := c.failing
	c.failing = err != nil
	if err == nil || unknown != "" {
		c.refused = unknown
	}
	c.mu.Unlock()
	switch {
	case err != nil:
		c.m.failures.Inc()
		if !before {
			c.log.Warn("no answer", "collector", a.From, "error", err)
		}
	case before:
		c.log.Info("answered again", "collector", a.From)
	}
}

// seen is the epoch that one collector told, and that is on disk.
type seen struct {
	from   string
	cell   string
	epoch  uint64
	ok     bool
	failed bool // to answer since
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// ask asks for what is newer than known, and is answered when there is some. What
// has failed is asked for an answer at once: whether the connection lives matters
// more then, and must be known while the lease runs.
func (c *Copy) ask(ctx context.Context, known seen) (*report.GateList, collectors.Answer, error) {
	q := url.Values{"agent": {c.opt.Agent}}
	timeout := c.patience(time.Now())
	if known.ok {
		var wait time.Duration
		if !known.failed {
			wait = c.wait()
			timeout = wait + min(max(wait/2, shortestTry), longestTry)
		}
		q.Set("cell", known.cell) // an epoch says nothing to another ledger
		q.Set("watch", strconv.FormatUint(known.epoch, 10))
		q.Set("wait", wait.String())
	}
	sent := time.Now()
	a, err := c.opt.Peers.Do(ctx, timeout, http.MethodGet, "/v1/gates?"+q.Encode(), "", nil)
	if err != nil {
		return nil, a, err
	}
	if a.Status != http.StatusOK {
		return nil, a, fmt.Errorf("answered %s", a.Problem())
	}
	l, err := decodeList(a.Body)
	if err != nil {
		return nil, a, err
	}
	c.take(l, sent)
	return l, a, nil
}

// patience is how long a request that is answered at once may take, or a pause
// before it, so that another can follow while the lease runs.
func (c *Copy) patience(now time.Time) time.Duration {
	c.mu.RLock()
	left := c.shortestLease() - now.Sub(c.sent)
	if c.sent.IsZero() {
		left = 0
	}
	c.mu.RUnlock()
	if left <= 0 {
		return longestTry // there is nothing to be in time for
	}
	return min(max(left/2, shortestTry), longestTry)
}

// wait is how long a request may be held: a third of the shortest lease.
func (c *Copy) wait() time.Duration {
	c.mu.RLock()
	defer c.mu.RUnlock()
	wait := longestWait
	if lease := c.shortestLease(); lease > 0 {
		wait = min(wait, lease/3)
	}
	return max(wait, 100*time.Millisecond)
}

// shortestLease is 0 if no gate has one. The caller holds mu.
func (c *Copy) shortestLease() (lease time.Duration) {
	for _, g := range c.kept.Gates {
		if l := time.Duration(g.Lease); l > 0 && (lease == 0 || l < lease) {
			lease = l
		}
	}
	return lease
}

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
	longestWait = 10 * time.Second // while no gate has a shorter lease
	retrySave   = time.Second
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
	var failing bool
	for ctx.Err() == nil {
		asked := c.opt.Peers.Current()
		if asked != known.from {
			known = seen{from: asked} // an epoch is said only to the one it came from
		}
		l, header, err := c.ask(ctx, known)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			c.m.failures.Inc()
			if !failing {
				c.log.Warn("no answer", "collector", asked, "error", err)
			}
			failing = true
			if pause.Wait(ctx, header) != nil {
				return
			}
			continue
		}
		if failing {
			c.log.Info("answered again", "collector", asked)
		}
		failing = false
		pause.Reset()
		known = seen{from: asked, epoch: l.Epoch, ok: true}
		if err := c.save(); err != nil {
			// Not on disk, so not acknowledged: ask without an epoch.
			c.log.Error("keep the gates", "error", err)
			known.ok = false
			if !sleep(ctx, min(retrySave, c.wait())) {
				return
			}
		}
	}
}

// seen is the epoch that one collector told, and that is on disk.
type seen struct {
	from  string
	epoch uint64
	ok    bool
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

func (c *Copy) ask(ctx context.Context, known seen) (*report.GateList, http.Header, error) {
	q := url.Values{"agent": {c.opt.Agent}}
	timeout := 5 * time.Second
	if known.ok {
		wait := c.wait()
		q.Set("watch", strconv.FormatUint(known.epoch, 10))
		q.Set("wait", wait.String())
		// A dead connection must be noticed while the lease still runs.
		timeout = wait + min(wait, timeout)
	}
	sent := time.Now()
	a, err := c.opt.Peers.Do(ctx, timeout, http.MethodGet, "/v1/gates?"+q.Encode(), "", nil)
	if err != nil {
		return nil, nil, err
	}
	if a.Status != http.StatusOK {
		return nil, a.Header, fmt.Errorf("answered %s", a.Problem())
	}
	l, err := decodeList(a.Body)
	if err != nil {
		return nil, nil, err
	}
	c.take(l, sent)
	return l, nil, nil
}

// wait is how long a request may be held: a third of the shortest lease.
func (c *Copy) wait() time.Duration {
	c.mu.RLock()
	defer c.mu.RUnlock()
	wait := longestWait
	for _, g := range c.kept.Gates {
		if g.Lease > 0 {
			wait = min(wait, time.Duration(g.Lease)/3)
		}
	}
	return max(wait, 100*time.Millisecond)
}

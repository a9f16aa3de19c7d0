package collector

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/closers"
	"github.com/tomeishi/tomeishi/agent/durable"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/ledger"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/series"
	"github.com/tomeishi/tomeishi/collector/tape"
)

// core is the ledger and what it feeds: what a collector knows, and the only
// way to change it. A restore opens it too.
type core struct {
	dir     string
	log     *slog.Logger
	machine *machine.Machine
	tape    *tape.Tape
	series  *series.Store
	ledger  *ledger.Ledger
	places  evidenceCache
}

// openCore opens the data folder and replays the ledger. What it opens is
// released by release.
func openCore(ctx context.Context, o Options, set *metrics.Set, release *closers.Stack) (_ *core, err error) {
	c := &core{dir: o.Config.Data, log: o.Log, machine: machine.New()}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	// The lock first: what follows repairs files.
	lock, err := durable.Lock(c.dir)
	if err != nil {
		return nil, err
	}
	release.Add("lock", lock.Close)
	c.tape, err = tape.Open(filepath.Join(c.dir, "tape"), tape.Options{Log: o.Log.With("component", "tape"), Metrics: set})
	if err != nil {
		return nil, err
	}
	release.Add("tape", c.tape.Close)
	c.series, err = series.Open(series.Options{
		Dir: filepath.Join(c.dir, "series"), Retention: o.Config.Retention.Series,
		Interval: o.Config.EvaluationInterval, Entries: c.entries, Propose: c.proposeWrite,
		Log: o.Log.With("component", "series"), Metrics: set, Version: o.Version,
	})
	if err != nil {
		return nil, err
	}
	release.Add("series", c.series.Close)
	// Last: it feeds the others while it replays.
	c.ledger, err = ledger.Open(ctx, ledger.Options{
		Dir: filepath.Join(c.dir, "ledger"), Applier: &applier{c.machine, c.tape, c.series},
		Log: o.Log.With("component", "ledger"), Metrics: set,
		BeforeSnapshot: func(h ledger.Head) error { return c.tape.Sync(h.Index) },
		MinHead:        ledger.Head{Index: c.tape.Durable()},
	})
	if err != nil {
		return nil, err
	}
	release.Add("ledger", c.ledger.Close)
	c.logReplayed(ctx)
	return c, nil
}

// logReplayed says where the ledger stood when it was opened, to compare
// collectors and restarts. The hash reads all of the state, so only for those
// who look.
func (c *core) logReplayed(ctx context.Context) {
	if c.log.Enabled(ctx, slog.LevelDebug) {
		index, chain, _ := c.machine.At()
		c.log.Debug("ledger replayed", "index", index, "chain", hex.EncodeToString(chain[:]), "state", fmt.Sprintf("%x", c.machine.Hash()))
	}
}

// Propose puts an entry into the ledger and returns its outcome.
func (c *core) Propose(ctx context.Context, kind entry.Kind, body []byte, digest [32]byte) (any, error) {
	_, out, err := c.propose(ctx, kind, body, digest)
	return out, err
}

func (c *core) propose(ctx context.Context, kind entry.Kind, body []byte, digest [32]byte) (index uint64, out any, err error) {
	return c.ledger.Propose(ctx, ledger.Proposal{Kind: kind, Body: body, Digest: digest, Need: kind.Need()})
}

// submit puts an entry that travels as JSON into the ledger.
func (c *core) submit(ctx context.Context, kind entry.Kind, v any) (any, error) {
	body := entry.Marshal(v)
	return c.Propose(ctx, kind, body, sha256.Sum256(body))
}

// submitOK is submit for an entry whose refusal is an error.
func (c *core) submitOK(ctx context.Context, kind entry.Kind, body any) (any, error) {
	out, err := c.submit(ctx, kind, body)
	if err == nil {
		err = asError(out)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// proposeWrite puts samples that came in by remote write into the ledger.
func (c *core) proposeWrite(ctx context.Context, kind entry.Kind, body []byte, digest [32]byte) (uint64, error) {
	index, out, err := c.propose(ctx, kind, body, digest)
	if err == nil {
		err = asError(out)
	}
	return index, err
}

// proposeNotifyState puts what the edge that tells people must not forget into
// the ledger.
func (c *core) proposeNotifyState(ctx context.Context, n entry.NotifyState) error {
	_, err := c.submitOK(ctx, entry.KindNotifyState, n)
	if err == nil {
		logTold(c.log.With("component", "notify"), n)
	}
	return err
}

// asError is the error among the outcomes of an entry.
func asError(out any) error {
	err, _ := out.(error)
	return err
}

// entries reads the tape as the series want it.
func (c *core) entries(from uint64) iter.Seq2[entry.Entry, error] {
	return func(yield func(entry.Entry, error) bool) {
		for item, err := range c.tape.From(from) {
			e := entry.Entry{Index: item.Index}
			if err == nil {
				e, err = item.Open()
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// Package uplink carries blocks from the spool to the collectors.
//
// It promises that a block leaves the spool only when a collector has said
// that it is durable there, or has refused that very block for good; that
// blocks go in order with one request under way; and that every other outcome,
// a timeout as much as a 500 or a gateway's 400, sends the same blocks again,
// fewer at a time where the line is slow. It does not promise that a block is
// sent once.
package uplink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/collectors"
	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/agent/spool"
)

const (
	bodySize  = 768 << 10 // blocks are added until a body has as much
	timeout   = 30 * time.Second
	maxBlocks = 256         // in a body; collectors keep the digests of twice as many
	patience  = time.Minute // for one block; a collector reads a body no longer
)

// An Uplink sends what one spool holds.
type Uplink struct {
	spool *spool.Queue
	peers *collectors.Peers
	log   *slog.Logger
	m     meters
	pause collectors.Backoff
	size  int           // of a body, at most, on this line
	limit time.Duration // of a request
	told  atomic.Int64  // ledger time that a collector last told
}

type meters struct {
	blocks, events, clones *metrics.Counter
	set                    *metrics.Set
	request                *metrics.Histogram
	delay                  *metrics.Histogram
}

// New makes an uplink; Run starts it.
func New(q *spool.Queue, p *collectors.Peers, log *slog.Logger, set *metrics.Set) *Uplink {
	const name = "tomeishi_agent_uplink_"
	return &Uplink{spool: q, peers: p, log: log, size: bodySize, limit: timeout, m: meters{
		set:     set,
		blocks:  set.GetOrCreateCounter(name + "blocks_total"),
		events:  set.GetOrCreateCounter(name + "events_total"),
		clones:  set.GetOrCreateCounter(name + "clones_total"),
		request: set.GetOrCreateHistogram(name + "request_seconds"),
		delay:   set.GetOrCreateHistogram(name + "delay_seconds"),
	}}
}

// Run sends until ctx ends.
func (u *Uplink) Run(ctx context.Context) {
	for ctx.Err() == nil {
		blocks, err := u.spool.Next(ctx, bodySize)
		switch {
		case ctx.Err() != nil || errors.Is(err, spool.ErrClosed):
			return
		case err != nil:
			u.log.Error("read the spool", "error", err)
			if u.pause.Wait(ctx, 0) != nil {
				return
			}
			continue
		}
		u.deliver(ctx, blocks)
	}
}

// Told is the ledger time that a collector last told, in Unix nanoseconds; 0 if none
// did.
func (u *Uplink) Told() int64 { return u.told.Load() }

// outcome is what an answer means for the blocks that were sent.
type outcome int

const (
	unknown outcome = iota // send the same again
	settled                // something left the spool, or its id changed: read again
)

// deliver sends the blocks, or as many of the first as the line carries, until
// some have left the spool.
func (u *Uplink) deliver(ctx context.Context, blocks []report.Block) {
	for ctx.Err() == nil {
		if u.send(ctx, first(blocks, u.size)) == settled {
			return
		}
	}
}

// first are the first blocks with at most size bytes together, and at least one: not
// more than a collector can recognize should its answer be lost, and none behind a
// gap, so that what comes before it is settled if the rest is refused.
func first(blocks []report.Block, size int) []report.Block {
	for i, b := range blocks {
		size -= len(b.Batch.Bytes())
		if i > 0 && (size < 0 || i == maxBlocks || b.Seq != blocks[i-1].Seq+1) {
			return blocks[:i]
		}
	}
	return blocks
}

func encode(blocks []report.Block) (body []byte) {
	for _, b := range blocks {
		body = b.Append(body)
	}
	return body
}

func (u *Uplink) send(ctx context.Context, blocks []report.Block) outcome {
	start, body := time.Now(), encode(blocks)
	a, err := u.peers.Do(ctx, u.limit, http.MethodPost, "/v1/blocks", report.BlocksType, body)
	took := time.Since(start)
	u.m.request.Update(took.Seconds())
	if ctx.Err() != nil {
		return unknown
	}
	u.fit(len(blocks), len(body), took, errors.Is(err, context.DeadlineExceeded))
	out := unknown
	if err == nil {
		out, err = u.judge(blocks, a)
	}
	if out == unknown {
		u.peers.Turn(a)
	}
	if err != nil {
		u.m.set.GetOrCreateCounter(fmt.Sprintf(`tomeishi_agent_uplink_failures_total{status="%d"}`, a.Status)).Inc()
		u.log.Warn("blocks not delivered, sending again", "collector", a.From, "error", err)
		if u.pause.Wait(ctx, u.peers.Rest()) != nil {
			return unknown
		}
	}
	return out
}

// fit makes the next body smaller after one that took too long, and larger after
// one that was quick: a slow line carries little, but something.
func (u *Uplink) fit(blocks, size int, took time.Duration, late bool) {
	switch {
	case late && blocks > 1:
		u.size = size / 2
	case late:
		u.limit = patience
	case took < timeout/4:
		u.size, u.limit = min(2*u.size, bodySize), timeout
	}
}

// judge reads an answer. With an error the outcome waits for a pause.
func (u *Uplink) judge(blocks []report.Block, a collectors.Answer) (outcome, error) {
	var said struct {
		Through *uint64 `json:"through"`
		Ledger  int64   `json:"ledger"`
		Error   string  `json:"error"`
		Reason  string  `json:"reason"`
		Seq     uint64  `json:"seq"`
	}
	// Something other than a collector may answer, with any status. Only what
	// reads as a collector's answer changes anything.
	if err := json.Unmarshal(a.Body, &said); err != nil {
		return unknown, fmt.Errorf("not a collector's answer: %s", a.Problem())
	}
	switch {
	case a.Status == http.StatusOK && said.Through != nil:
		u.told.Store(said.Ledger)
		return u.accepted(blocks, *said.Through)
	case a.Status == http.StatusConflict && said.Reason == report.ReasonClone:
		return u.clone(a.Problem())
	case a.Status == http.StatusBadRequest && said.Reason == report.ReasonBlocks:
		return u.refused(blocks, said.Seq, a.Problem())
	}
	return unknown, errors.New(a.Problem())
}

func (u *Uplink) accepted(blocks []report.Block, through uint64) (outcome, error) {
	if through < blocks[0].Seq {
		return unknown, fmt.Errorf("the collector has blocks up to %d only", through)
	}
	if err := u.spool.Ack(through); err != nil {
		if errors.Is(err, spool.ErrAhead) {
			return u.clone(err.Error())
		}
		return unknown, err
	}
	u.pause.Reset()
	now := time.Now()
	for _, b := range blocks {
		if b.Seq > through {
			break
		}
		u.m.blocks.Inc()
		u.m.events.Add(b.Batch.Len())
		var ev report.Event
		if b.Batch.Reader().Next(&ev) {
			u.m.delay.Update(now.Sub(time.Unix(0, ev.Seen)).Seconds())
		}
	}
	return settled, nil
}

// clone goes on under a new spool id: another spool with this id has been
// there, a copy of this host's disk most likely.
func (u *Uplink) clone(why string) (outcome, error) {
	u.m.clones.Inc()
	u.log.Error("the collector knows other blocks under this spool's id: was this host's disk copied or restored? Sending under a new id",
		"spool", u.spool.ID(), "answer", why)
	if err := u.spool.Renew(); err != nil {
		return unknown, err
	}
	return settled, fmt.Errorf("new spool id %s: %s", u.spool.ID(), why)
}

func (u *Uplink) refused(blocks []report.Block, seq uint64, why string) (outcome, error) {
	if !slices.ContainsFunc(blocks, func(b report.Block) bool { return b.Seq == seq }) {
		return unknown, fmt.Errorf("refused block %d, which was not sent: %s", seq, why)
	}
	if err := u.spool.Refuse(seq, why); err != nil {
		return unknown, err
	}
	return settled, nil
}

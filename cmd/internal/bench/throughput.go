package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"time"
)

const ingestBatches = 600

// tenRules all read the benchmark's events: the worst that ten rules can cost.
func tenRules() string {
	var b strings.Builder
	b.WriteString("groups:\n- name: bench\n  rules:\n")
	for i, r := range []struct{ where, by, when string }{
		{`data.asset == "BTC"`, "data.request", "distinct(data.payment) >= 2"},
		{`data.asset == "BTC"`, "data.address", "count() >= 100000"},
		{`data.asset == "ETH"`, "data.request", "count() >= 3"},
		{`data.asset == "XRP"`, "data.request", "count() >= 3"},
		{`data.asset == "BTC" && data.amount > 10`, "data.customer", "count() >= 2"},
		{`data.network == "lightning"`, "data.request", "count() >= 2"},
		{`data.asset == "BTC" && data.amount >= 0.5`, "data.customer", "sum(data.amount) > 100"},
		{`data.asset == "BTC" && data.fee > 0.01`, "data.request", "count() >= 1"},
		{`data.asset in ["LTC", "DOGE"]`, "data.address", "distinct(data.request) >= 5"},
		{`has(data.tag) && data.tag == "x"`, "data.request", "count() >= 2"},
	} {
		fmt.Fprintf(&b, "  - alert: R%d\n    event: payout.sent\n    where: '%s'\n    by: [%s]\n    within: 1h\n    when: %s\n", i, r.where, r.by, r.when)
	}
	return b.String()
}

func (b *bench) ingest(ctx context.Context) ([]row, error) {
	c, ref, err := b.pair(ctx, tenRules())
	if err != nil {
		return nil, err
	}
	bodies := make([]string, ingestBatches)
	for i := range bodies {
		bodies[i] = lines("i", i*1000, 1000)
	}
	var ours, theirs rate
	for half := range 2 {
		part := bodies[half*ingestBatches/2 : (half+1)*ingestBatches/2]
		if err := ours.add(ctx, c, part); err != nil {
			return nil, err
		}
		if err := theirs.add(ctx, ref, part); err != nil {
			return nil, err
		}
	}
	return []row{{
		"durable ingest, NDJSON batches of 1,000, ten rules, two connections", "≥ 200,000 events a second a core",
		ours.String(), theirs.String(), fmt.Sprintf("%.2f of the reference's events a core", ours.perCore()/theirs.perCore()),
	}}, stopBoth(c, ref)
}

// rate is events over processor time and over the clock.
type rate struct {
	events    int
	cpu, wall time.Duration
}

func (r *rate) add(ctx context.Context, s *server, bodies []string) error {
	before, err := s.cpu()
	if err != nil {
		return err
	}
	start := time.Now()
	queue := make(chan string)
	errs := make(chan error, 2)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for body := range queue {
				if err := s.post(ctx, ndjson, body); err != nil {
					errs <- err
					for range queue {
					}
					return
				}
			}
		})
	}
	for _, body := range bodies {
		queue <- body
	}
	close(queue)
	wg.Wait()
	r.wall += time.Since(start)
	select {
	case err := <-errs:
		return err
	default:
	}
	after, err := s.cpu()
	r.cpu += after - before
	r.events += 1000 * len(bodies)
	return err
}

func (r *rate) perCore() float64 { return float64(r.events) / r.cpu.Seconds() }

func (r *rate) String() string {
	return fmt.Sprintf("%.0f a second a core (%.2f µs of CPU an event; %.0f a second on the clock)",
		r.perCore(), 1e6/r.perCore(), float64(r.events)/r.wall.Seconds())
}

// entriesBeforeSnapshot stays just under what makes the ledger take a snapshot.
const entriesBeforeSnapshot = 49_000

func (b *bench) startTimes(ctx context.Context) ([]row, error) {
	c, err := b.collector(ctx, paidTwice)
	if err != nil {
		return nil, err
	}
	if err := b.manyEntries(ctx, c, entriesBeforeSnapshot); err != nil {
		return nil, err
	}
	small, err := b.restart(ctx, c, syscall.SIGKILL)
	if err != nil {
		return nil, err
	}
	// Fill the log with bytes instead: a snapshot comes every 128 MB.
	big, err := b.collector(ctx, paidTwice)
	if err != nil {
		return nil, err
	}
	for n := range 290 {
		if err := big.post(ctx, ndjson, lines("big", n*1000, 1000)); err != nil {
			return nil, err
		}
	}
	large, err := b.restart(ctx, big, syscall.SIGKILL)
	if err != nil {
		return nil, err
	}
	fresh, err := b.collector(ctx, paidTwice)
	if err != nil {
		return nil, err
	}
	empty, err := b.restart(ctx, fresh, syscall.SIGTERM)
	if err != nil {
		return nil, err
	}
	ref, err := b.reference(ctx)
	if err != nil {
		return nil, err
	}
	bare, err := b.restart(ctx, ref, syscall.SIGTERM)
	if err != nil {
		return nil, err
	}
	show := func(d time.Duration) string { return fmt.Sprintf("%.0f ms", float64(d.Microseconds())/1000) }
	over := func(d time.Duration) string { return fmt.Sprintf("%.0f", float64(d)/float64(bare)) }
	rows := []row{
		{"start to ready, empty log", "≤ 2 s", show(empty), show(bare) + " (reference loop's start)", over(empty)},
		{fmt.Sprintf("start to ready after kill -9, %d entries to replay", entriesBeforeSnapshot), "≤ 2 s", show(small), show(bare), over(small)},
		{"start to ready after kill -9, 290,000 events in large entries to replay", "≤ 2 s", show(large), show(bare), over(large)},
	}
	for _, s := range []*server{c, big, fresh, ref} {
		if err := s.stop(syscall.SIGTERM); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// manyEntries makes entries of one event each.
func (b *bench) manyEntries(ctx context.Context, s *server, n int) error {
	errs := make(chan error, 32)
	for w := range 32 {
		go func() { // the loop below waits for all
			for i := w; i < n; i += 32 {
				id := fmt.Sprint("one-", i)
				if err := s.post(ctx, oneEvent, event(id, id)); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range 32 {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}

// restart ends the server and measures from its start until it is ready.
func (b *bench) restart(ctx context.Context, s *server, sig syscall.Signal) (time.Duration, error) {
	if err := s.stop(sig); err != nil {
		return 0, err
	}
	start := time.Now()
	if err := s.start(ctx, s.cmd.Path, s.cmd.Args[1:]...); err != nil {
		return 0, err
	}
	return time.Since(start), nil
}

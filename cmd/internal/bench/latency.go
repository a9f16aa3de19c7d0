package main

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	quietTrials  = 1000
	loadedTrials = 300
	liveKeys     = 1_000_000
)

const paidTwice = `groups:
- name: bench
  rules:
  - alert: PaidTwice
    event: payout.sent
    by: [data.request]
    within: 24h
    when: distinct(data.payment) >= 2
    limit: 100000
    labels: {severity: critical}
    mitigate: [stop]
gates: [{name: btc, mode: enforce}]
mitigations: [{name: stop, action: gate.close, target: btc, mode: enforce}]
`

// addresses is how many addresses the events pay to.
const addresses = 1000

func event(request, payment string) string {
	address := crc32.ChecksumIEEE([]byte(request)) % addresses
	return fmt.Sprintf(`{"specversion":"1.0","id":"e-%s","source":"//wallet-1.example/payouts","type":"payout.sent",`+
		`"time":%q,"subject":"withdrawal","data":{"request":%q,"payment":%q,"txid":"4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b",`+
		`"asset":"BTC","network":"bitcoin","address":"bc1qar0srrr7xfkvy5l643lydnw9re59gt%06d","amount":"0.12345678","fee":"0.00001200","customer":"c-%s"}}`,
		payment, time.Now().UTC().Format(time.RFC3339Nano), request, payment, address, request)
}

const (
	oneEvent = "application/cloudevents+json"
	ndjson   = "application/x-ndjson"
)

// watcher waits for one change of the gates after the other, as an agent does.
type watcher struct {
	told chan time.Time
}

func watch(ctx context.Context, s *server) *watcher {
	w := &watcher{told: make(chan time.Time, 16)}
	ready := make(chan struct{})
	go func() { // nobody waits: it ends after ctx
		epoch := uint64(0)
		for first := true; ctx.Err() == nil; first = false {
			path := fmt.Sprintf("/v1/gates?watch=%d", epoch)
			if first {
				path = "/v1/gates"
			}
			_, body, err := s.do(ctx, http.MethodGet, path, "", "")
			at := time.Now()
			var got struct{ Epoch uint64 }
			if err != nil || json.Unmarshal([]byte(body), &got) != nil || got.Epoch == epoch && !first {
				continue
			}
			epoch = got.Epoch
			if first {
				close(ready)
				continue
			}
			w.told <- at
		}
	}()
	<-ready
	return w
}

// quantiles are p50 and p99.
func quantiles(d []time.Duration) (p50, p99 time.Duration) {
	slices.Sort(d)
	return d[len(d)/2], d[len(d)*99/100]
}

// gateTrials posts the second payment of a request, again and again, and
// measures until the watcher has been told.
func gateTrials(ctx context.Context, s *server, trials int, tag string) ([]time.Duration, error) {
	w := watch(ctx, s)
	var out []time.Duration
	for n := range trials {
		request := fmt.Sprintf("%s-%d", tag, n)
		if err := s.post(ctx, oneEvent, event(request, request+"-a")); err != nil {
			return nil, err
		}
		second := event(request, request+"-b")
		start := time.Now()
		if err := s.post(ctx, oneEvent, second); err != nil {
			return nil, err
		}
		select {
		case at := <-w.told:
			out = append(out, at.Sub(start))
		case <-time.After(10 * time.Second):
			return nil, fmt.Errorf("trial %d: nobody was told", n)
		}
		if err := s.decide(ctx, "/v1/gates/btc/open", `{"reason":"bench","verdict":"test"}`); err != nil {
			return nil, err
		}
		<-w.told
	}
	return out, nil
}

// referenceTrials does the same with the reference loop.
func referenceTrials(ctx context.Context, s *server, trials int) ([]time.Duration, error) {
	w := watch(ctx, s)
	var out []time.Duration
	for n := range trials {
		body := event("ref", fmt.Sprint("ref-", n))
		start := time.Now()
		if err := s.post(ctx, oneEvent, body); err != nil {
			return nil, err
		}
		out = append(out, (<-w.told).Sub(start))
	}
	return out, nil
}

func (s *server) post(ctx context.Context, contentType, body string) error {
	code, text, err := s.do(ctx, http.MethodPost, "/v1/events", contentType, body)
	if err == nil && code != http.StatusAccepted {
		err = fmt.Errorf("post events: %d %s", code, text)
	}
	return err
}

func (b *bench) quiet(ctx context.Context) ([]row, error) {
	c, ref, err := b.pair(ctx, paidTwice)
	if err != nil {
		return nil, err
	}
	var ours, theirs []time.Duration
	// In turns, so that both see the same minute.
	for round := range 5 {
		o, err := gateTrials(ctx, c, quietTrials/5, fmt.Sprint("q", round))
		if err != nil {
			return nil, err
		}
		t, err := referenceTrials(ctx, ref, quietTrials/5)
		if err != nil {
			return nil, err
		}
		ours, theirs = append(ours, o...), append(theirs, t...)
	}
	return latencyRow("event posted → gate closed and its watcher told, quiet", "p50 ≤ 1.5 ms, p99 ≤ 10 ms", ours, theirs), stopBoth(c, ref)
}

func (b *bench) pair(ctx context.Context, rules string) (c, ref *server, err error) {
	if c, err = b.collector(ctx, rules); err != nil {
		return nil, nil, err
	}
	ref, err = b.reference(ctx)
	return c, ref, err
}

func stopBoth(a, b *server) error {
	if err := a.stop(syscall.SIGTERM); err != nil {
		return err
	}
	return b.stop(syscall.SIGTERM)
}

func latencyRow(figure, goal string, ours, theirs []time.Duration) []row {
	o50, o99 := quantiles(ours)
	t50, t99 := quantiles(theirs)
	show := func(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000) }
	return []row{{
		figure, goal,
		fmt.Sprintf("p50 %s, p99 %s (n=%d)", show(o50), show(o99), len(ours)),
		fmt.Sprintf("p50 %s, p99 %s", show(t50), show(t99)),
		fmt.Sprintf("%.1f, %.1f", float64(o50)/float64(t50), float64(o99)/float64(t99)),
	}}
}

func (b *bench) loaded(ctx context.Context) ([]row, error) {
	c, ref, err := b.pair(ctx, paidTwice)
	if err != nil {
		return nil, err
	}
	if err := fill(ctx, c, liveKeys); err != nil {
		return nil, err
	}
	memory, err := c.rss()
	if err != nil {
		return nil, err
	}
	ours, rate, err := underLoad(ctx, c, func(ctx context.Context) ([]time.Duration, error) {
		return gateTrials(ctx, c, loadedTrials, "load")
	})
	if err != nil {
		return nil, err
	}
	theirs, _, err := underLoad(ctx, ref, func(ctx context.Context) ([]time.Duration, error) {
		return referenceTrials(ctx, ref, loadedTrials)
	})
	if err != nil {
		return nil, err
	}
	figure := fmt.Sprintf("the same at %.0f events a second in batches of 100, a million live keys (%.0f MB RSS)", rate, float64(memory)/1e6)
	return latencyRow(figure, "p50 ≤ 5 ms", ours, theirs), stopBoth(c, ref)
}

// fill makes live keys.
func fill(ctx context.Context, s *server, keys int) error {
	for n := 0; n < keys; n += 1000 {
		if err := s.post(ctx, ndjson, lines("fill", n, 1000)); err != nil {
			return err
		}
	}
	return nil
}

func lines(tag string, from, n int) string {
	var b strings.Builder
	for i := from; i < from+n; i++ {
		id := fmt.Sprintf("%s-%d", tag, i)
		b.WriteString(event(id, id))
		b.WriteByte('\n')
	}
	return b.String()
}

// underLoad posts 10,000 events a second in batches of 100 while it measures,
// and tells the rate that was reached.
func underLoad(ctx context.Context, s *server, measure func(context.Context) ([]time.Duration, error)) ([]time.Duration, float64, error) {
	loadCtx, stop := context.WithCancel(ctx)
	var posted atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	wg.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n += 100 {
			select {
			case <-loadCtx.Done():
				return
			case <-tick.C:
			}
			body := lines(fmt.Sprint("l", start.UnixNano()), n, 100)
			wg.Go(func() {
				if s.post(loadCtx, ndjson, body) == nil {
					posted.Add(100)
				}
			})
		}
	})
	out, err := measure(ctx)
	rate := float64(posted.Load()) / time.Since(start).Seconds()
	stop()
	wg.Wait()
	if err != nil {
		return nil, 0, err
	}
	return out, rate, nil
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

const (
	fleetAgents  = 100
	fleetSeries  = 250
	fleetRules   = 500
	fleetSeconds = 60
	stormRules   = 1000
	stormSeries  = 10
)

// simulated is an agent that makes its numbers up and sends them as agents do.
type simulated struct {
	to     *server
	enc    report.SampleEncoder
	sample report.Samples
}

func newSimulated(to *server, id int, series []report.Series) *simulated {
	s := &simulated{to: to}
	s.sample = report.Samples{
		Agent: fmt.Sprintf("host-%03d", id), Lane: report.SpoolID{byte(id), 1}, Schema: report.NewSchema(series),
	}
	return s
}

// send sends one frame; a collector that lost its place gets it whole.
func (s *simulated) send(ctx context.Context, values []float64) error {
	return s.sendAt(ctx, values, time.Now())
}

func (s *simulated) sendAt(ctx context.Context, values []float64, at time.Time) error {
	s.sample.Sent, s.sample.Frames = time.Now().UnixMilli(), []report.Frame{{Time: at.UnixMilli(), Values: values}}
	for range 2 {
		code, text, err := s.to.do(ctx, http.MethodPost, "/v1/blocks", report.SamplesType, string(s.enc.Encode(nil, &s.sample)))
		switch {
		case err != nil:
			return err
		case code == http.StatusOK:
			s.enc.Acked()
			return nil
		case code != http.StatusConflict:
			return fmt.Errorf("samples: %d %s", code, text)
		}
		s.enc.Reset()
	}
	return errors.New("samples: refused whole, too")
}

// fleet measures a collector with many agents and many metric rules.
func (b *bench) fleet(ctx context.Context) (rows []row, err error) {
	c, err := b.collector(ctx, fleetRuleFile())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.stop(syscall.SIGTERM)) }()
	ref, err := b.reference(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ref.stop(syscall.SIGTERM)) }()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var agents sync.WaitGroup
	failed := make(chan error, 2*fleetAgents)
	for id := range fleetAgents {
		agents.Go(func() { failed <- liveAlone(ctx, c, id) })
		agents.Go(func() { failed <- postAlone(ctx, ref) })
	}
	if err := pause(ctx, 20*time.Second); err != nil { // series are made, `for` is restored
		return nil, err
	}
	missedBefore, err := missed(ctx, c)
	if err != nil {
		return nil, err
	}
	mine, err := c.begin()
	if err != nil {
		return nil, err
	}
	its, err := ref.begin()
	if err != nil {
		return nil, err
	}
	select {
	case err := <-failed:
		return nil, err
	case <-time.After(fleetSeconds * time.Second):
	}
	if err := errors.Join(mine.end(c), its.end(ref)); err != nil {
		return nil, err
	}
	late, err := missed(ctx, c)
	cancel()
	agents.Wait()
	return []row{{
		fmt.Sprintf("%d agents × %d series at 1 s, %d rules at 5 s, over a minute", fleetAgents, fleetSeries, fleetRules),
		"≤ 1 core, no evaluation late",
		fmt.Sprintf("%.2f cores, %.0f late, %s", mine.cores(), late-missedBefore, mine.memory()),
		fmt.Sprintf("%.2f cores, appends and syncs 3.3 kB an agent", its.cores()), fmt.Sprintf("%.1f", mine.cores()/its.cores()),
	}}, err
}

// liveAlone is one agent's life: a frame a second, in a phase of its own.
func liveAlone(ctx context.Context, c *server, id int) error {
	var series []report.Series
	for i := range fleetSeries {
		series = append(series, report.Series{Name: fmt.Sprintf("metric_%d_total", i/5), Labels: []report.Attr{{Name: "part", Value: strconv.Itoa(i % 5)}}})
	}
	s, values := newSimulated(c, id, series), make([]float64, fleetSeries)
	return everySecond(ctx, id, func() error {
		for i := range values {
			if i%3 != 0 { // a third stands still, as on a real host
				values[i] += float64(i * (id + 1) % 97)
			}
		}
		return s.send(ctx, append([]float64(nil), values...))
	})
}

func postAlone(ctx context.Context, ref *server) error {
	body := strings.Repeat("x", 3300) + "\n"
	return everySecond(ctx, 0, func() error { return ref.post(ctx, ndjson, `"`+body[:3298]+"\"\n") })
}

func everySecond(ctx context.Context, phase int, do func() error) error {
	if pause(ctx, time.Duration(phase%100)*10*time.Millisecond) != nil {
		return nil
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if err := do(); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// fleetRuleFile has a fifth each of the usual shapes.
func fleetRuleFile() string {
	var b strings.Builder
	b.WriteString("groups:\n")
	for g := range fleetRules / 50 {
		fmt.Fprintf(&b, "- name: g%d\n  interval: 5s\n  rules:\n", g)
		for r := range 50 {
			n := (g*50 + r) % 50
			expr := [...]string{
				"metric_%d_total > 1e12", "rate(metric_%d_total[30s]) > 1e9", "sum by (instance) (rate(metric_%d_total[1m])) > 1e9",
				`metric_%d_total{part="3"} < -1`, "avg by (part) (metric_%d_total) > 1e15",
			}[r%5]
			fmt.Fprintf(&b, "  - {alert: R%d_%d, expr: '%s', for: 30s}\n", g, r, fmt.Sprintf(expr, n))
		}
	}
	return b.String()
}

// missed is how many evaluations came too late to be made.
func missed(ctx context.Context, c *server) (float64, error) {
	_, body, err := c.do(ctx, http.MethodGet, "/metrics", "", "")
	total := 0.0
	for line := range strings.Lines(body) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.HasPrefix(name, "prometheus_rule_group_iterations_missed_total") {
			var v float64
			if _, err := fmt.Sscan(value, &v); err != nil {
				return 0, err
			}
			total += v
		}
	}
	return total, err
}

// storm measures how long it takes until ten thousand metric alerts that turn
// true at once are in the ledger, and what the gate's path does meanwhile.
func (b *bench) storm(ctx context.Context) (rows []row, err error) {
	c, err := b.collector(ctx, strings.Replace(paidTwice, "gates:", stormRuleGroups()+"gates:", 1))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.stop(syscall.SIGTERM)) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var turned time.Time
	var mu sync.Mutex // guards turned
	var agents sync.WaitGroup
	defer agents.Wait()
	defer cancel()
	failed := make(chan error, stormSeries)
	for id := range stormSeries {
		var series []report.Series
		for r := range stormRules {
			series = append(series, report.Series{Name: fmt.Sprintf("storm_%d", r)})
		}
		s := newSimulated(c, id, series)
		agents.Go(func() {
			failed <- everySecond(ctx, 0, func() error {
				mu.Lock()
				on := !turned.IsZero()
				mu.Unlock()
				values := make([]float64, stormRules)
				for i := range values {
					values[i] = map[bool]float64{true: 1}[on]
				}
				return s.send(ctx, values)
			})
		})
	}
	if err := pause(ctx, 15*time.Second); err != nil {
		return nil, err
	}
	mu.Lock()
	turned = time.Now()
	mu.Unlock()
	all := make(chan time.Duration, 1)
	go func() { all <- awaitAlerts(ctx, c, stormRules*stormSeries) }() // trialsDuring waits for it
	trials, took, err := trialsDuring(ctx, c, all, failed)
	if err != nil {
		return nil, err
	}
	p50, p99 := quantiles(trials)
	return []row{{
		fmt.Sprintf("alert storm: %d rules × %d series turn true in one second, rules at 1 s", stormRules, stormSeries),
		"all in the ledger ≤ 5 s, the gate's path ≤ 10 ms",
		fmt.Sprintf("%.1f s; gate p50 %s, p99 %s, slowest %s (n=%d meanwhile)", took.Seconds(), ms(p50), ms(p99), ms(trials[len(trials)-1]), len(trials)), "", "",
	}}, nil
}

// trialsDuring tries the gate's path again and again until the storm is over.
func trialsDuring(ctx context.Context, c *server, all <-chan time.Duration, failed <-chan error) (trials []time.Duration, took time.Duration, err error) {
	for round := 0; ; round++ {
		some, err := gateTrials(ctx, c, 20, fmt.Sprint("storm", round))
		if err != nil {
			return nil, 0, err
		}
		trials = append(trials, some...)
		select {
		case err := <-failed:
			return nil, 0, err
		case took := <-all:
			return trials, took, nil
		default:
		}
	}
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000) }

// awaitAlerts waits until so many alerts stand.
func awaitAlerts(ctx context.Context, c *server, n int) time.Duration {
	start := time.Now()
	for ctx.Err() == nil {
		_, body, err := c.do(ctx, http.MethodGet, "/v1/status", "", "")
		var s struct{ Alerts int }
		if err == nil && json.Unmarshal([]byte(body), &s) == nil && s.Alerts >= n {
			break
		}
		if pause(ctx, 50*time.Millisecond) != nil || time.Since(start) > 2*time.Minute {
			break
		}
	}
	return time.Since(start)
}

func stormRuleGroups() string {
	var b strings.Builder
	for g := range 20 {
		fmt.Fprintf(&b, "- name: storm%d\n  interval: 1s\n  rules:\n", g)
		for r := range stormRules / 20 {
			n := g*stormRules/20 + r
			fmt.Fprintf(&b, "  - {alert: Storm%d, expr: storm_%d > 0, labels: {severity: warning}, annotations: {summary: 'storm {{ $labels.instance }} is {{ $value }}'}}\n", n, n)
		}
	}
	return b.String()
}

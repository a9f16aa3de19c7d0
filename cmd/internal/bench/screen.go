package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

const (
	screenAgents = 100
	screenAlerts = 50
	screenTrials = 200
)

// screen measures the first page, with hosts that report and alerts that stand.
func (b *bench) screen(ctx context.Context) (rows []row, err error) {
	c, err := b.collector(ctx, paidTwice)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.stop(syscall.SIGTERM)) }()
	ctx, cancel := context.WithCancel(ctx)
	var agents sync.WaitGroup
	defer agents.Wait()
	defer cancel()
	failed := make(chan error, screenAgents)
	for id := range screenAgents {
		agents.Go(func() { failed <- ordinaryHost(ctx, c, id) })
	}
	if err := errors.Join(c.payTwice(ctx, "payout.sent", "screen", screenAlerts), pause(ctx, 15*time.Second)); err != nil {
		return nil, err
	}
	var ours, theirs []time.Duration
	page := ""
	for range screenTrials {
		start := time.Now()
		code, text, err := c.do(ctx, http.MethodGet, "/", "", "")
		if err != nil || code != http.StatusOK {
			return nil, fmt.Errorf("the first page: %d, %w", code, err)
		}
		ours, page = append(ours, time.Since(start)), text
		start = time.Now()
		if _, _, err := c.do(ctx, http.MethodGet, "/-/healthy", "", ""); err != nil {
			return nil, err
		}
		theirs = append(theirs, time.Since(start))
	}
	select {
	case err := <-failed:
		return nil, err
	default:
	}
	assets, err := c.assets(ctx, page)
	if err != nil {
		return nil, err
	}
	figure := fmt.Sprintf("first page, %d hosts, %d alerts: %.0f KB, and %.0f KB of style and script", screenAgents, screenAlerts, float64(len(page))/1000, float64(assets)/1000)
	return latencyRow(figure, "≤ 50 ms, ≤ 100 KB", ours, theirs), nil
}

var asset = regexp.MustCompile(`(?:href|src)="(/static/[^"]+)"`)

// assets is how much the page loads beside itself, in bytes.
func (s *server) assets(ctx context.Context, page string) (total int, err error) {
	for _, m := range asset.FindAllStringSubmatch(page, -1) {
		_, text, err := s.do(ctx, http.MethodGet, strings.ReplaceAll(m[1], "&amp;", "&"), "", "")
		if err != nil {
			return 0, err
		}
		total += len(text)
	}
	return total, nil
}

// ordinaryHost is one agent's life with the signals that the screen draws.
func ordinaryHost(ctx context.Context, c *server, id int) error {
	series := []report.Series{
		{Name: "node_cpu_seconds_total", Labels: []report.Attr{{Name: "cpu", Value: "0"}, {Name: "mode", Value: "idle"}}},
		{Name: "node_cpu_seconds_total", Labels: []report.Attr{{Name: "cpu", Value: "0"}, {Name: "mode", Value: "user"}}},
		{Name: "node_load1"},
		{Name: "node_memory_MemTotal_bytes"},
		{Name: "node_memory_MemAvailable_bytes"},
		{Name: "node_filesystem_size_bytes", Labels: []report.Attr{{Name: "device", Value: "/dev/sda1"}, {Name: "fstype", Value: "ext4"}, {Name: "mountpoint", Value: "/"}}},
		{Name: "node_filesystem_avail_bytes", Labels: []report.Attr{{Name: "device", Value: "/dev/sda1"}, {Name: "fstype", Value: "ext4"}, {Name: "mountpoint", Value: "/"}}},
		{Name: "node_network_receive_bytes_total", Labels: []report.Attr{{Name: "device", Value: "eth0"}}},
		{Name: "node_network_transmit_bytes_total", Labels: []report.Attr{{Name: "device", Value: "eth0"}}},
	}
	s, n := newSimulated(c, id, series), 0.0
	return everySecond(ctx, id, func() error {
		n++
		busy := float64(id%10) / 10
		return s.send(ctx, []float64{n * (1 - busy), n * busy, busy, 16e9, 16e9 * (1 - busy), 1e11, 5e10 - n, n * 1e5, n * 2e5})
	})
}

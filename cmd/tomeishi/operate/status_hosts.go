package operate

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/query"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/query/chart"
)

// glanceMost is how long a status waits for the metrics of hosts.
const glanceMost = 2 * time.Second

// glance is the host of which each question is truest; empty where there is no
// answer.
type glance []hostLook

// hostLook is one question about hosts: its answer is one series at most.
type hostLook struct {
	what, expr string
	found      bool
	host       string
	percent    float64
}

func looks() glance {
	return glance{
		{what: "CPU", expr: `topk(1, 100 * (1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[1m]))))`},
		{what: "memory", expr: `topk(1, 100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes))`},
		{what: "disk", expr: `topk(1, 100 * (1 - node_filesystem_avail_bytes / node_filesystem_size_bytes) and node_filesystem_readonly == 0)`},
	}
}

// glanceAt asks how the hosts are doing. What cannot be asked is left out: the
// status is not about that.
func glanceAt(ctx context.Context, c *client.Client) glance {
	ctx, cancel := context.WithTimeout(ctx, glanceMost)
	defer cancel()
	g := looks()
	var wg sync.WaitGroup
	for i := range g {
		wg.Go(func() { g[i].ask(ctx, c) })
	}
	wg.Wait()
	return g
}

func (l *hostLook) ask(ctx context.Context, c *client.Client) {
	labels, value, ok := query.First(ctx, c, l.expr)
	if !ok {
		return
	}
	l.found, l.percent, l.host = true, value, labels["instance"]
	if mount := labels["mountpoint"]; mount != "" {
		l.host = strings.TrimSpace(l.host + " " + mount)
	}
}

// line names the busiest hosts, or says how the only one is doing.
func (g glance) line(agents int) string {
	var parts []string
	for _, l := range g {
		if !l.found {
			continue
		}
		text := l.what + " " + chart.Unit{Kind: chart.Percent}.Format(l.percent)
		if agents > 1 || strings.Contains(l.host, " ") {
			text += " (" + l.host + ")"
		}
		parts = append(parts, text)
	}
	text := strings.Join(parts, ", ")
	if agents > 1 && text != "" {
		return "highest: " + text
	}
	return text
}

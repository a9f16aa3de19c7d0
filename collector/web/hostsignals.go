package web

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tomeishi/tomeishi/collector/web/chart"
)

// A span is how far back a host's pictures reach.
type span struct {
	ID    string
	Long  time.Duration
	step  time.Duration // of queries
	least time.Duration // that the range of a value is long at least
}

// spans are the ones to choose from. Long ones are asked more finely than they
// are drawn, so that the least and the most of each column are seen.
var spans = []span{
	{"15m", 15 * time.Minute, 5 * time.Second, 20 * time.Second},
	{"1h", time.Hour, 20 * time.Second, 30 * time.Second},
	{"6h", 6 * time.Hour, 2 * time.Minute, 2 * time.Minute},
	{"24h", 24 * time.Hour, 4 * time.Minute, 4 * time.Minute},
	{"7d", 7 * 24 * time.Hour, 20 * time.Minute, 20 * time.Minute},
}

// youngFrames is how many frames, one a second, an agent has sent of which an
// hour would be an almost empty picture.
const youngFrames = 40 * 60

// spanOf is the span that was asked for; else an hour, or less for a host that
// is known for less.
func spanOf(id string, frames uint64) span {
	for _, s := range spans {
		if s.ID == id {
			return s
		}
	}
	if frames < youngFrames {
		return spans[0]
	}
	return spans[1]
}

// A picture is one chart of a host's page: its lines are the results of its
// queries.
type picture struct {
	title   string // of the catalog
	unit    chart.Unit
	top     float64
	stacked bool
	// by names the label whose value names the lines of a query without a name;
	// those whose last value is the largest are the first.
	by      string
	queries []lineQuery
	always  bool // shown also if there is nothing
}

// A lineQuery is one query; $i is the selector of the host, $w the range.
type lineQuery struct{ name, query string }

// cpuOrder is the order in which the modes of a processor stand on each other.
var cpuOrder = []string{"user", "system", "iowait", "interrupts", "steal"}

var hostPictures = []picture{
	// The modes are named in a second label: two series with one name are refused
	// before sum can join them.
	{"CPU|signal", chart.Ratio, 1, true, "part", []lineQuery{
		{"", `sum by (part) (label_replace(label_replace(label_replace(avg by (mode) (rate(node_cpu_seconds_total{$i,mode!="idle",mode!~"guest.*"}[$w])),
			"part", "$1", "mode", "(.*)"), "part", "user", "mode", "nice"), "part", "interrupts", "mode", "irq|softirq"))`},
	}, true},
	{"Memory", chart.Bytes, 0, false, "", []lineQuery{
		{"used", `max(avg_over_time(node_memory_MemTotal_bytes{$i}[$w]) - avg_over_time(node_memory_MemAvailable_bytes{$i}[$w]))`},
		{"swap used", `max(avg_over_time(node_memory_SwapTotal_bytes{$i}[$w]) - avg_over_time(node_memory_SwapFree_bytes{$i}[$w])) > 0`},
		{"total|memory", `max(avg_over_time(node_memory_MemTotal_bytes{$i}[$w]))`},
	}, true},
	{"Disk space used", chart.Ratio, 1, false, "mountpoint", []lineQuery{
		{"", `max by (mountpoint) (1 - last_over_time(node_filesystem_avail_bytes{$i}[$w]) / last_over_time(node_filesystem_size_bytes{$i}[$w]))`},
	}, true},
	{"Disks busy", chart.Ratio, 1, false, "device", []lineQuery{
		{"", `max by (device) (rate(node_disk_io_time_seconds_total{$i}[$w]))`},
	}, true},
	{"Network", chart.BytesPerSecond, 0, false, "", []lineQuery{
		{"received", `sum(rate(node_network_receive_bytes_total{$i,device!="lo"}[$w]))`},
		{"sent", `sum(rate(node_network_transmit_bytes_total{$i,device!="lo"}[$w]))`},
	}, true},
	{"Load", chart.Count, 0, false, "", []lineQuery{
		{"over 1 min", `max(avg_over_time(node_load1{$i}[$w]))`},
		{"over 15 min", `max(avg_over_time(node_load15{$i}[$w]))`},
		{"processors", `count(count by (cpu) (last_over_time(node_cpu_seconds_total{$i,mode="idle"}[$w])))`},
	}, true},
	{"Open files", chart.Count, 0, false, "", []lineQuery{
		{"open|files", `max(avg_over_time(node_filefd_allocated{$i}[$w]))`},
	}, false},
	{"Connections tracked", chart.Count, 0, false, "", []lineQuery{
		{"tracked", `max(avg_over_time(node_nf_conntrack_entries{$i}[$w]))`},
	}, false},
	{"Segments sent again", chart.Ratio, 0, false, "", []lineQuery{
		{"of those sent", `max(rate(node_netstat_Tcp_RetransSegs{$i}[$w]) / (rate(node_netstat_Tcp_OutSegs{$i}[$w]) > 0))`},
	}, false},
}

// A hostSignal is one picture with what was found.
type hostSignal struct {
	picture
	from, to time.Time
	step     time.Duration
	lines    []chart.Line
	problem  error
}

// askHost asks everything of one host.
func (w *Web) askHost(ctx context.Context, id string, s span) []hostSignal {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	to := time.Now().Truncate(time.Second)
	out := make([]hostSignal, len(hostPictures))
	var wg sync.WaitGroup
	for i, p := range hostPictures {
		out[i] = hostSignal{picture: p, from: to.Add(-s.Long), to: to, step: s.step}
		wg.Go(func() { w.askPicture(ctx, &out[i], id, s) })
	}
	wg.Wait()
	return out
}

func (w *Web) askPicture(ctx context.Context, h *hostSignal, id string, s span) {
	selector := "instance=" + strconv.Quote(id)
	for _, q := range h.queries {
		query := withRange(strings.ReplaceAll(q.query, "$i", selector), max(s.step, s.least))
		err := w.o.Signals.Range(ctx, query, h.from, h.to, s.step, func(labels map[string]string, at []int64, values []float64) {
			h.lines = append(h.lines, chart.Line{Name: cmp.Or(q.name, labels[h.by]), At: at, Values: values})
		})
		if err != nil {
			h.problem, h.lines = err, nil
			return
		}
	}
	if h.by != "" {
		slices.SortStableFunc(h.lines, h.order)
	}
}

// order puts the modes of processors in their order, everything else by its
// last value.
func (h *hostSignal) order(x, y chart.Line) int {
	if h.stacked {
		return cmp.Or(cmp.Compare(orderOf(x.Name), orderOf(y.Name)), strings.Compare(x.Name, y.Name))
	}
	return cmp.Or(cmp.Compare(last(y), last(x)), strings.Compare(x.Name, y.Name))
}

func orderOf(mode string) int {
	if i := slices.Index(cpuOrder, mode); i >= 0 {
		return i
	}
	return len(cpuOrder)
}

func last(l chart.Line) float64 {
	if len(l.Values) == 0 {
		return math.Inf(-1)
	}
	return l.Values[len(l.Values)-1]
}

func withRange(query string, w time.Duration) string {
	return strings.ReplaceAll(query, "$w", strconv.FormatInt(w.Milliseconds(), 10)+"ms")
}

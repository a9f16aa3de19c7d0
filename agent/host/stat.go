package host

import (
	"bytes"
	"strings"

	"github.com/tomeishi/tomeishi/agent/report"
)

const (
	maxCPUs = 512
	ticks   = 100 // a second in /proc/stat: USER_HZ, the same on every processor that Go knows
)

// stat reads /proc/stat.
type stat struct{ cpus, totals *rows }

func newStat(t *table) *stat {
	return &stat{
		cpus: t.kind(maxCPUs, func(id []byte) bool { return allDigits(id) && len(id) <= 5 }, cpuSeries),
		totals: t.metrics(map[string]string{
			"intr":          "node_intr_total",
			"ctxt":          "node_context_switches_total",
			"btime":         "node_boot_time_seconds",
			"processes":     "node_forks_total",
			"procs_running": "node_procs_running",
			"procs_blocked": "node_procs_blocked",
		}),
	}
}

// cpuSeries are in the order of the columns. As the kernel counts it, a guest's
// time is in user and nice too.
func cpuSeries(id string) []report.Series {
	var out []report.Series
	add := func(name, modes string) {
		for mode := range strings.FieldsSeq(modes) {
			out = append(out, report.Series{Name: name, Labels: []report.Attr{{Name: "cpu", Value: id}, {Name: "mode", Value: mode}}})
		}
	}
	add("node_cpu_seconds_total", "user nice system idle iowait irq softirq steal")
	add("node_cpu_guest_seconds_total", "user nice")
	return out
}

func (s *stat) parse(raw []byte) error { return lines(raw, s.line) }

func (s *stat) line(line []byte) error {
	key, rest := word(line)
	id, isCPU := bytes.CutPrefix(key, []byte("cpu"))
	switch {
	case !isCPU:
		return s.totals.line(line, firstNumber) // that of intr is the sum
	case len(id) == 0: // the sum of all
		return nil
	}
	var v [10]float64
	n, ok := numbers(rest, v[:])
	if !ok || n < 4 {
		return notUnderstood(line)
	}
	cells := s.cpus.get(id)
	for i := range min(n, len(cells)) {
		cells[i] = v[i] / ticks
	}
	return nil
}

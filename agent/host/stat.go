package host

import (
	"bytes"
	"strings"

	"github.com/tomeishi/tomeishi/agent/report"
)

const (
	maxCPUs = 512
	ticks   = 100 // a second in /proc/stat: USER_HZ, the same on every processor that Go knows
	dip     = 3   // seconds that a processor's counter may fall without a reset
)

// stat reads /proc/stat.
type stat struct {
	cpus, totals *rows
	last         map[string]*cpuTimes // by processor, as reported
}

// cpuTimes are in the order of the columns, in seconds.
type cpuTimes [10]float64

func newStat(t *table) *stat {
	return &stat{
		last: map[string]*cpuTimes{},
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
	var v cpuTimes
	n, ok := numbers(rest, v[:])
	if !ok || n < 4 {
		return notUnderstood(line)
	}
	cells := s.cpus.get(id)
	if cells == nil {
		return nil
	}
	last := s.lastOf(id)
	for i := range n {
		last[i] = steady(last[i], v[i]/ticks)
	}
	copy(cells, last[:n])
	return nil
}

// lastOf remembers as many processors as are reported at once; of one it does
// not know the last values are zero.
func (s *stat) lastOf(id []byte) *cpuTimes {
	if last := s.last[string(id)]; last != nil {
		return last
	}
	if len(s.last) == maxCPUs { // most are long gone
		clear(s.last)
	}
	last := &cpuTimes{}
	s.last[string(id)] = last
	return last
}

// steady holds the last value while the counter is a little behind it: the
// kernel's idle, iowait and steal go back by a tick or two, which a reader of
// counters would take for a reset and add the whole counter. A fall by more is
// one: a processor was unplugged.
func steady(last, now float64) float64 {
	if now < last && last-now < dip {
		return last
	}
	return now
}

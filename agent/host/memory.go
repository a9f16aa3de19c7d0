package host

import (
	"bytes"
	"strings"
)

// newMeminfo reads /proc/meminfo.
func newMeminfo(t *table) func([]byte) error {
	names := map[string]string{}
	for field := range strings.FieldsSeq(`
		MemTotal MemFree MemAvailable Buffers Cached SwapCached Active Inactive
		Active(anon) Inactive(anon) Active(file) Inactive(file) Unevictable Mlocked
		SwapTotal SwapFree Dirty Writeback AnonPages Mapped Shmem KReclaimable
		Slab SReclaimable SUnreclaim KernelStack PageTables CommitLimit Committed_AS
		VmallocUsed Percpu HardwareCorrupted AnonHugePages Hugepagesize`) {
		names[field] = "node_memory_" + strings.NewReplacer("(", "_", ")", "").Replace(field) + "_bytes"
	}
	for field := range strings.FieldsSeq("HugePages_Total HugePages_Free HugePages_Rsvd HugePages_Surp") {
		names[field] = "node_memory_" + field
	}
	return keyed(t.metrics(names), func(rest []byte) (float64, bool) {
		text, rest := word(rest)
		v, ok := number(text)
		if unit, _ := word(rest); string(unit) == "kB" {
			v *= 1024
		}
		return v, ok
	})
}

// newVmstat reads /proc/vmstat.
func newVmstat(t *table) func([]byte) error {
	names := map[string]string{}
	for field := range strings.FieldsSeq("pgpgin pgpgout pswpin pswpout pgfault pgmajfault oom_kill") {
		names[field] = "node_vmstat_" + field
	}
	return keyed(t.metrics(names), firstNumber)
}

// newPressure reads /proc/pressure/RESOURCE, whose totals are microseconds.
// "full" means nothing for the processors of a whole host.
func newPressure(t *table, resource string) func([]byte) error {
	names := map[string]string{"some": "node_pressure_" + resource + "_waiting_seconds_total"}
	if resource != "cpu" {
		names["full"] = "node_pressure_" + resource + "_stalled_seconds_total"
	}
	return keyed(t.metrics(names), func(rest []byte) (float64, bool) {
		_, total, _ := bytes.Cut(rest, []byte("total="))
		v, ok := number(total)
		return v / 1e6, ok
	})
}

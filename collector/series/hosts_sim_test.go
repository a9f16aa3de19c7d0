package series

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// A day is how a simulated host is at one minute: what the shipped rules look
// at, in the units of the thing itself.
type day struct {
	down, readOnly, hangs     bool
	restarts                  bool    // this minute: counters begin anew
	busy, steal, waiting      float64 // of all cores, of all time
	ioWait                    float64
	load                      float64
	memory                    float64 // share that is available
	stalled                   float64
	majorFaults, swapIns      float64 // a second
	oomKills                  float64 // this minute
	diskFree, inodesFree      float64 // shares
	diskBusy, latency, ops    float64 // share of time, seconds, a second
	packets, errs, drops      float64 // a second
	overflows, resent         float64 // a second, share of segments
	conntrack, fds            float64 // shares
	clock, clockError, synced float64 // seconds, seconds, 0 or 1
	boot                      float64 // Unix seconds
}

const (
	cores    = 4
	diskSize = 100 << 30
	started  = 1_700_000_000 // Unix seconds of the first minute
)

// calm is a week of hard but healthy work, minute by minute: a daily wave, a
// backup at night, a deploy each day, a weekly trim, a disk that is half full
// and cleaned each night.
func calm(minute int, rnd *rand.Rand) day {
	ofDay := minute % (24 * 60)
	wave := 0.5 - 0.5*math.Cos(2*math.Pi*float64(ofDay)/(24*60))
	noise := func(most float64) float64 { return most * rnd.Float64() }
	d := day{
		busy: 0.1 + 0.6*wave + noise(0.15), steal: noise(0.02), waiting: 0.15*wave + noise(0.05),
		load: cores * (0.1 + 0.8*wave + noise(0.3)), memory: 0.35 - 0.15*wave + noise(0.05), stalled: noise(0.005),
		majorFaults: noise(20), diskFree: 0.5 - 0.1*float64(ofDay)/(24*60) + noise(0.002), inodesFree: 0.8,
		diskBusy: 0.1 + 0.3*wave + noise(0.2), latency: 0.002 + noise(0.005), ops: 50 + 500*wave,
		packets: 200 + 5000*wave, errs: 0, drops: noise(1), resent: 0.002 + noise(0.01),
		conntrack: 0.1 + 0.4*wave, fds: 0.1 + 0.2*wave, clock: noise(0.002) - 0.001, clockError: 0.1, synced: 1,
		boot: started - 30*86400 + math.Round(noise(0.6)),
	}
	switch {
	case ofDay >= 120 && ofDay < 160: // the backup: all of the disk, and not slowly
		d.diskBusy, d.latency, d.ops, d.busy, d.diskFree = 1, 0.03, 3000, 0.8, d.diskFree-0.05
	case ofDay >= 840 && ofDay < 845: // the deploy
		d.busy, d.waiting, d.load, d.overflows, d.majorFaults = 1, 0.5, 3*cores, 0.03, 800
	case minute%(7*24*60) >= 4000 && minute%(7*24*60) < 4010: // the trim
		d.diskBusy, d.latency, d.ops = 1, 0.3, 20
	}
	return d
}

// A simHost turns days into the samples that an agent would have sent.
type simHost struct {
	name    string
	counter map[string]float64
}

func newSimHost(name string) *simHost { return &simHost{name: name, counter: map[string]float64{}} }

// minute calls emit with each series and its value. A host that is down has
// only the collector's word about it.
func (h *simHost) minute(d day, emit func(series string, value float64)) {
	if d.restarts {
		clear(h.counter)
	}
	if d.down {
		emit("up", 0)
		return
	}
	emit("up", 1)
	add := func(series string, perSecond float64) {
		h.counter[series] += perSecond * 60
		emit(series, h.counter[series])
	}
	for cpu := range cores {
		add(fmt.Sprintf("node_cpu_seconds_total{cpu=%q,mode=\"idle\"}", fmt.Sprint(cpu)), 1-d.busy-d.ioWait)
		add(fmt.Sprintf("node_cpu_seconds_total{cpu=%q,mode=\"iowait\"}", fmt.Sprint(cpu)), d.ioWait)
		add(fmt.Sprintf("node_cpu_seconds_total{cpu=%q,mode=\"user\"}", fmt.Sprint(cpu)), max(0, d.busy-d.steal))
		add(fmt.Sprintf("node_cpu_seconds_total{cpu=%q,mode=\"steal\"}", fmt.Sprint(cpu)), d.steal)
	}
	emit("node_load1", d.load)
	add("node_context_switches_total", 1000)
	emit("node_load5", d.load)
	add("node_pressure_cpu_waiting_seconds_total", d.waiting)
	add("node_pressure_memory_stalled_seconds_total", d.stalled)
	emit("node_memory_MemTotal_bytes", 16<<30)
	emit("node_memory_MemAvailable_bytes", d.memory*(16<<30))
	add("node_vmstat_pgmajfault", d.majorFaults)
	add("node_vmstat_pswpin", d.swapIns)
	add("node_vmstat_oom_kill", d.oomKills/60)
	h.disks(d, emit, add)
	h.network(d, emit, add)
	emit("node_timex_offset_seconds", d.clock)
	emit("node_timex_maxerror_seconds", d.clockError)
	emit("node_timex_sync_status", d.synced)
	emit("node_filefd_allocated", d.fds*1e6)
	emit("node_filefd_maximum", 1e6)
	emit("node_boot_time_seconds", d.boot)
}

func (h *simHost) disks(d day, emit, add func(string, float64)) {
	const root = `{device="/dev/vda1",fstype="ext4",mountpoint="/"}`
	const image = `{device="/dev/vdb",fstype="ext4",mountpoint="/usr/share/fixed"}` // full and read-only, as it should be
	emit("node_filesystem_device_error"+root, flag(d.hangs))
	if !d.hangs {
		emit("node_filesystem_size_bytes"+root, diskSize)
		emit("node_filesystem_avail_bytes"+root, d.diskFree*diskSize)
		emit("node_filesystem_files"+root, 1e6)
		emit("node_filesystem_files_free"+root, d.inodesFree*1e6)
		emit("node_filesystem_readonly"+root, flag(d.readOnly))
	}
	emit("node_filesystem_device_error"+image, 0)
	emit("node_filesystem_size_bytes"+image, 1<<30)
	emit("node_filesystem_avail_bytes"+image, 0)
	emit("node_filesystem_files"+image, 1000)
	emit("node_filesystem_files_free"+image, 0)
	emit("node_filesystem_readonly"+image, 1)
	const disk = `{device="vda"}`
	add("node_disk_io_time_seconds_total"+disk, d.diskBusy)
	add("node_disk_reads_completed_total"+disk, d.ops/2)
	add("node_disk_writes_completed_total"+disk, d.ops/2)
	add("node_disk_read_time_seconds_total"+disk, d.ops/2*d.latency)
	add("node_disk_write_time_seconds_total"+disk, d.ops/2*d.latency)
}

func (h *simHost) network(d day, emit, add func(string, float64)) {
	const eth = `{device="eth0"}`
	for _, way := range []string{"receive", "transmit"} {
		add("node_network_"+way+"_packets_total"+eth, d.packets/2)
		add("node_network_"+way+"_errs_total"+eth, d.errs/2)
		add("node_network_"+way+"_drop_total"+eth, d.drops/2)
	}
	add("node_netstat_TcpExt_ListenOverflows", d.overflows)
	add("node_netstat_Tcp_OutSegs", d.packets)
	add("node_netstat_Tcp_RetransSegs", d.packets*d.resent)
	emit("node_nf_conntrack_entries", d.conntrack*262144)
	emit("node_nf_conntrack_entries_limit", 262144)
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

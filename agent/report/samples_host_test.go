package report

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// A simulatedHost moves as a real one does: most gauges stand still, counters
// rise, and times are hundredths, thousandths and millionths of a second.
type simulatedHost struct {
	*rand.Rand
	series []Series
	values []float64
	move   []func(v float64) float64
}

// newHost makes a host of 4 cores, 3 disks, 3 networks and 8 filesystems.
func newHost(seed uint64) *simulatedHost {
	h := &simulatedHost{Rand: rand.New(rand.NewPCG(seed, 7))}
	for cpu := range 4 {
		for i, mode := range strings.Fields("idle user system iowait softirq irq nice steal") {
			often := []float64{1, 1, 0.9, 0.3, 0.2, 0, 0, 0.05}[i]
			h.add(often, h.decimal(90, 100), 12345.07, "node_cpu_seconds_total", "cpu", strconv.Itoa(cpu), "mode", mode)
		}
	}
	for _, n := range []string{"1", "5", "15"} {
		h.add(0.2, h.decimal(4, 100), 0.61, "node_load"+n)
	}
	for i, field := range strings.Fields(`MemTotal MemFree MemAvailable Buffers Cached SwapCached Active Inactive Active_anon
		Inactive_anon Active_file Inactive_file Unevictable Mlocked SwapTotal SwapFree Dirty Writeback AnonPages Mapped Shmem
		KReclaimable Slab SReclaimable SUnreclaim KernelStack PageTables CommitLimit Committed_AS VmallocTotal VmallocUsed`) {
		h.add([]float64{0, 0.9, 0.9}[i%3], h.count(2000, 4096), float64(i)*4096*250001, "node_memory_"+field+"_bytes")
	}
	for what := range strings.FieldsSeq("cpu_waiting memory_waiting memory_stalled io_waiting io_stalled") {
		h.add(0.7, h.decimal(20000, 1e6), 1234.567891, "node_pressure_"+what+"_seconds_total")
	}
	for dev := range strings.FieldsSeq("sda nvme0n1 dm-0") {
		for dir := range strings.FieldsSeq("read written") {
			h.add(0.6, h.count(9000, 512), 1e11, "node_disk_"+dir+"_bytes_total", "device", dev)
			h.add(0.6, h.count(300, 1), 1e7, "node_disk_"+dir+"s_completed_total", "device", dev)
			h.add(0.6, h.decimal(300, 1000), 5000, "node_disk_"+dir+"_time_seconds_total", "device", dev)
			h.add(0, nil, 0, "node_disk_"+dir+"s_merged_total", "device", dev)
		}
		h.add(0.6, h.decimal(300, 1000), 7000, "node_disk_io_time_seconds_total", "device", dev)
		h.add(0.6, h.decimal(900, 1000), 7000, "node_disk_io_time_weighted_seconds_total", "device", dev)
	}
	for dev := range strings.FieldsSeq("eth0 lo docker0") {
		for dir := range strings.FieldsSeq("receive transmit") {
			for what := range strings.FieldsSeq("bytes packets errs drop") {
				often := map[string]float64{"bytes": 0.8, "packets": 0.8, "errs": 0.01, "drop": 0.01}[what]
				h.add(often, h.count(100000, 1), 987654321, "node_network_"+dir+"_"+what+"_total", "device", dev)
			}
		}
		h.add(0, nil, 1, "node_network_up", "device", dev)
	}
	for mount := range strings.FieldsSeq("/ /boot /boot/efi /var /home /srv/data /run /tmp") {
		for i, what := range strings.Fields("size_bytes free_bytes avail_bytes files files_free readonly") {
			h.add([]float64{0, 0.2, 0.2, 0, 0.1, 0}[i], h.count(50, 4096), 4096e7, "node_filesystem_"+what,
				"device", "/dev/mapper"+mount, "fstype", "ext4", "mountpoint", mount)
		}
	}
	for what := range strings.FieldsSeq(`Tcp_ActiveOpens Tcp_PassiveOpens Tcp_InSegs Tcp_OutSegs Tcp_RetransSegs Tcp_CurrEstab Tcp_InErrs
		TcpExt_ListenOverflows TcpExt_ListenDrops TcpExt_TCPSynRetrans Udp_InDatagrams Udp_OutDatagrams Udp_NoPorts`) {
		h.add(0.5, h.count(2000, 1), 55555555, "node_netstat_"+what)
	}
	for what := range strings.FieldsSeq("context_switches_total intr_total forks_total vmstat_pgmajfault vmstat_pgpgin vmstat_pgpgout") {
		h.add(0.9, h.count(9000, 1), 77777777777, "node_"+what)
	}
	for what := range strings.FieldsSeq(`boot_time_seconds procs_running procs_blocked filefd_allocated filefd_maximum
		vmstat_oom_kill sockstat_TCP_inuse sockstat_TCP_tw entropy_available_bits time_seconds`) {
		h.add(0.1, h.count(3, 1), 1790000000, "node_"+what)
	}
	h.add(1, func(float64) float64 { return h.Float64() / 1e3 }, 0, "node_timex_offset_seconds")
	return h
}

// add adds a series that moves in a second with the likelihood often.
func (h *simulatedHost) add(often float64, move func(float64) float64, start float64, name string, labels ...string) {
	s := Series{Name: name}
	for l := range slices.Chunk(labels, 2) {
		s.Labels = append(s.Labels, Attr{l[0], l[1]})
	}
	h.series, h.values = append(h.series, s), append(h.values, start)
	h.move = append(h.move, func(v float64) float64 {
		if h.Float64() < often {
			return move(v)
		}
		return v
	})
}

// count moves by up to most times unit.
func (h *simulatedHost) count(most int, unit float64) func(float64) float64 {
	return func(v float64) float64 { return v + unit*float64(h.IntN(most)) }
}

// decimal moves by up to most parts of a second that has so many.
func (h *simulatedHost) decimal(most int, parts float64) func(float64) float64 {
	return func(v float64) float64 { return float64(int64(v*parts+0.5)+h.Int64N(int64(most))) / parts }
}

// samples are the next n seconds.
func (h *simulatedHost) samples(n int) *Samples {
	s := &Samples{
		Agent: "db-1.tokyo", Lane: SpoolID{1, 2, 3}, Sent: 1790000000123, Schema: NewSchema(h.series),
		Labels: []Attr{{"dc", "tokyo"}, {"role", "wallet"}},
	}
	for i := range n {
		for i, move := range h.move {
			h.values[i] = move(h.values[i])
		}
		s.Frames = append(s.Frames, Frame{1790000000000 + 1000*int64(i), slices.Clone(h.values)})
	}
	return s
}

// frame is s with only one frame.
func (s *Samples) frame(i int) *Samples {
	one := *s
	one.Frames = s.Frames[i : i+1]
	return &one
}

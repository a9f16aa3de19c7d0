package host

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v3/cpu"
	"github.com/shirou/gopsutil/v3/disk"
	"github.com/shirou/gopsutil/v3/host"
	"github.com/shirou/gopsutil/v3/load"
	"github.com/shirou/gopsutil/v3/mem"
	"github.com/shirou/gopsutil/v3/net"
)

// gopsutil's numbers of this host, by our names.
func gopsutil(t *testing.T) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	try := func(what string, err error) bool {
		if err != nil {
			t.Logf("gopsutil has no %s here: %v", what, err)
		}
		return err == nil
	}
	if cpus, err := cpu.Times(true); try("processors", err) {
		for _, c := range cpus {
			for mode, v := range map[string]float64{
				"user": c.User, "nice": c.Nice, "system": c.System, "idle": c.Idle,
				"iowait": c.Iowait, "irq": c.Irq, "softirq": c.Softirq, "steal": c.Steal,
			} {
				out[fmt.Sprintf(`node_cpu_seconds_total{cpu=%q,mode=%q}`, c.CPU[len("cpu"):], mode)] = v
			}
		}
	}
	if l, err := load.Avg(); try("load", err) {
		out["node_load1"], out["node_load5"], out["node_load15"] = l.Load1, l.Load5, l.Load15
	}
	if l, err := load.Misc(); try("processes", err) {
		out["node_context_switches_total"], out["node_forks_total"] = float64(l.Ctxt), float64(l.ProcsCreated)
		out["node_processes_pids"] = float64(l.ProcsTotal)
	}
	if m, err := mem.VirtualMemory(); try("memory", err) {
		out["node_memory_MemTotal_bytes"], out["node_memory_MemFree_bytes"] = float64(m.Total), float64(m.Free)
		out["node_memory_MemAvailable_bytes"], out["node_memory_Buffers_bytes"] = float64(m.Available), float64(m.Buffers)
		out["node_memory_SwapTotal_bytes"], out["node_memory_CommitLimit_bytes"] = float64(m.SwapTotal), float64(m.CommitLimit)
	}
	if m, err := mem.SwapMemory(); try("swap", err) {
		out["node_vmstat_pgfault"], out["node_vmstat_pgmajfault"] = float64(m.PgFault)/4096, float64(m.PgMajFault)/4096
	}
	if boot, err := host.BootTime(); try("boot time", err) {
		out["node_boot_time_seconds"] = float64(boot)
	}
	if disks, err := disk.IOCounters(); try("disks", err) {
		for name, d := range disks {
			at := func(metric string) string { return fmt.Sprintf("node_disk_%s{device=%q}", metric, name) }
			out[at("reads_completed_total")], out[at("writes_completed_total")] = float64(d.ReadCount), float64(d.WriteCount)
			out[at("read_bytes_total")], out[at("written_bytes_total")] = float64(d.ReadBytes), float64(d.WriteBytes)
			out[at("io_time_seconds_total")], out[at("write_time_seconds_total")] = float64(d.IoTime)/1000, float64(d.WriteTime)/1000
		}
	}
	if nets, err := net.IOCounters(true); try("interfaces", err) {
		for _, n := range nets {
			at := func(metric string) string { return fmt.Sprintf("node_network_%s_total{device=%q}", metric, n.Name) }
			out[at("receive_bytes")], out[at("transmit_bytes")] = float64(n.BytesRecv), float64(n.BytesSent)
			out[at("receive_packets")], out[at("transmit_packets")] = float64(n.PacketsRecv), float64(n.PacketsSent)
			out[at("receive_errs")], out[at("transmit_drop")] = float64(n.Errin), float64(n.Dropout)
		}
	}
	if protos, err := net.ProtoCounters([]string{"tcp", "udp"}); try("protocols", err) {
		for _, p := range protos {
			for name, v := range p.Stats {
				out["node_netstat_"+map[string]string{"tcp": "Tcp", "udp": "Udp"}[p.Protocol]+"_"+name] = float64(v)
			}
		}
	}
	if links, err := net.Interfaces(); try("links", err) {
		for _, l := range links {
			out[fmt.Sprintf("node_network_mtu_bytes{device=%q}", l.Name)] = float64(l.MTU)
		}
	}
	if mounts, err := disk.Partitions(true); try("mounts", err) {
		for _, m := range mounts {
			if u, err := disk.Usage(m.Mountpoint); err == nil {
				at := func(metric string) string {
					return fmt.Sprintf("node_filesystem_%s{device=%q,fstype=%q,mountpoint=%q}", metric, m.Device, m.Fstype, m.Mountpoint)
				}
				out[at("size_bytes")], out[at("avail_bytes")], out[at("files")] = float64(u.Total), float64(u.Free), float64(u.InodesTotal)
			}
		}
	}
	return out
}

// TestOracle measures this host between two looks of gopsutil.
func TestOracle(t *testing.T) {
	m := start(t, Options{})
	m.settle()
	before := gopsutil(t)
	later := time.Now().Add(time.Hour)
	m.Tick(later) // all is due
	m.settle()
	got := bySeries(m.Tick(later))
	after := gopsutil(t)
	slack := func(series string, v float64) float64 {
		switch {
		case strings.HasPrefix(series, "node_memory_"), strings.HasPrefix(series, "node_filesystem_"):
			return 512 << 20 // others use this host too
		case series == "node_processes_pids", series == "node_netstat_Tcp_CurrEstab":
			return 200
		case strings.HasPrefix(series, "node_cpu_"):
			return 0.1 // idle and iowait may go back a little
		}
		return v * 1e-12 // hundredths and thousandths are no floats
	}
	compared := map[string]int{}
	for series, low := range before {
		high, ok := after[series]
		v, measured := got[series]
		if !ok || !measured {
			continue
		}
		low, high = min(low, high), max(low, high)
		if s := slack(series, v); v < low-s || v > high+s {
			t.Errorf("%s = %v, gopsutil says %v to %v", series, v, low, high)
		}
		metric, _, _ := strings.Cut(series, "{")
		compared[metric]++
	}
	t.Logf("compared with gopsutil: %d metrics", len(compared))
	for _, metric := range []string{
		"node_cpu_seconds_total", "node_load1", "node_context_switches_total", "node_memory_MemTotal_bytes", "node_vmstat_pgfault",
		"node_boot_time_seconds", "node_network_receive_bytes_total", "node_processes_pids", "node_netstat_Tcp_InSegs",
	} {
		if compared[metric] == 0 {
			t.Errorf("%s was not compared", metric)
		}
	}
}

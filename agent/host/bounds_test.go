package host

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

const netHead = "Inter-|   Receive |  Transmit\n face |bytes packets|bytes packets\n"

func netLine(name string) string { return name + ": 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n" }

// TestPlugging takes a disk, an interface and a processor away and brings them
// back. They are absent at once, out of the schema a minute later.
func TestPlugging(t *testing.T) {
	dir, _ := plant(t, full)
	m := start(t, planted(dir))
	series := []string{
		`node_disk_io_now{device="dm-0"}`, `node_network_up{device="eth0"}`,
		`node_network_receive_bytes_total{device="eth0"}`, `node_cpu_seconds_total{cpu="1",mode="idle"}`,
	}
	before := m.tick()
	first, _ := m.Tick(m.now)
	cut := func(name, what string) (whole string) {
		raw, err := os.ReadFile(dir + "/proc/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var kept strings.Builder
		for line := range strings.Lines(string(raw)) {
			if !strings.Contains(line, what) {
				kept.WriteString(line)
			}
		}
		put(t, dir+"/proc/"+name, kept.String())
		return string(raw)
	}
	disks, nets, cpus := cut("diskstats", "dm-0"), cut("net/dev", "eth0"), cut("stat", "cpu1")
	after := m.ticks(2)
	for _, s := range series {
		if _, ok := before[s]; !ok {
			t.Errorf("%s was not there at first", s)
		}
		expectAbsent(t, after, s)
	}
	if now, _ := m.Tick(m.now); now != first {
		t.Error("another schema at once")
	}
	m.ticks(80)
	for _, s := range m.table.series {
		if got := string(appendSeries(nil, &s, nil)); strings.Contains(got, "dm-0") || strings.Contains(got, "eth0") || strings.Contains(got, `cpu="1"`) {
			t.Errorf("%s is still in the schema", got)
		}
	}
	put(t, dir+"/proc/diskstats", disks)
	put(t, dir+"/proc/net/dev", nets)
	put(t, dir+"/proc/stat", cpus)
	back := m.ticks(2 * changeTicks)
	for _, s := range series {
		expect(t, back, s, before[s])
	}
}

// TestChurn gives an interface another name every second for minutes.
func TestChurn(t *testing.T) {
	dir, _ := plant(t, full)
	m := start(t, planted(dir))
	m.tick()
	schema, _ := m.Tick(m.now)
	changes, most := 0, 0
	const seconds = 200
	for i := range seconds {
		put(t, dir+"/proc/net/dev", netHead+netLine("lo")+netLine(fmt.Sprint("tun", i)))
		m.now = m.now.Add(time.Second)
		now, frame := m.Tick(m.now)
		if now != schema {
			schema = now
			changes++
		}
		most = max(most, len(frame.Values))
		expect(t, bySeries(now, frame), `node_network_receive_bytes_total{device="lo"}`, 1)
	}
	if limit := changesKept + seconds/changeTicks; changes == 0 || changes > limit {
		t.Errorf("%d schemas in %d seconds, want at most %d", changes, seconds, limit)
	}
	if limit := 400; most > limit {
		t.Errorf("%d series, want fewer than %d", most, limit)
	}
}

func TestTooMany(t *testing.T) {
	dir, _ := plant(t, full)
	var stat, disks, nets strings.Builder
	for i := range 600 {
		fmt.Fprintf(&stat, "cpu%d 1 2 3 4 5 6 7 8 9 10\n", i)
	}
	for i := range 300 {
		fmt.Fprintf(&disks, "8 %d dm-%d 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n", i, i)
		nets.WriteString(netLine(fmt.Sprint("vlan", i)) + netLine(fmt.Sprint("veth", i)) + netLine(fmt.Sprint("cali", i)) + netLine(fmt.Sprint("lxc", i)))
	}
	put(t, dir+"/proc/stat", stat.String()+"btime 1\n")
	put(t, dir+"/proc/diskstats", disks.String())
	put(t, dir+"/proc/net/dev", netHead+netLine("lxcbr0")+nets.String())
	m := start(t, planted(dir))
	got := m.ticks(3)
	expect(t, got, `tomeishi_host_left_out{source="cpu"}`, 600-maxCPUs)
	expect(t, got, `tomeishi_host_left_out{source="disk"}`, 300-maxDisks)
	expect(t, got, `tomeishi_host_left_out{source="interface"}`, 301-maxInterfaces)
	expect(t, got, `node_cpu_seconds_total{cpu="511",mode="user"}`, 0.01)
	expect(t, got, `node_network_receive_bytes_total{device="lxcbr0"}`, 1)
	expectAbsent(t, got, `node_network_receive_bytes_total{device="veth0"}`)
	if n := strings.Count(m.log.String(), "more than the"); n != 3 {
		t.Errorf("%d lines of log, want 3", n)
	}
}

// TestLargest fills every bound with the longest texts: a reader takes it.
func TestLargest(t *testing.T) {
	long := strings.Repeat("x", maxLabel-8)
	dir, _ := plant(t, full)
	c := start(t, planted(dir)).Collector
	most := 0
	for _, k := range c.table.kinds {
		sample := k.series("a\x00b\x00c")
		most += k.max * len(sample)
	}
	if most > report.MaxSeries {
		t.Errorf("up to %d series, a schema has %d", most, report.MaxSeries)
	}
	c.table.changes = changesKept
	c.table.begin()
	for _, k := range c.table.kinds {
		for i := range 2 * k.max {
			switch k {
			case c.identity.rows: // has what it had
			case c.filesystems.rows:
				k.get(fmt.Appendf(nil, "%s%08d\x00%s%08d\x00%s%08d", long, i, long, i, long, i))
			default:
				k.get(fmt.Appendf(nil, "%d", i)) // a processor
				k.get(fmt.Appendf(nil, "%s%08d", long[:maxDevice-8], i))
			}
		}
	}
	read(t, c)
}

// read sends what the table holds through the form that travels.
func read(t testing.TB, c *Collector) {
	t.Helper()
	schema, values := c.table.end()
	s := report.Samples{Agent: "a", Lane: report.SpoolID{1}, Schema: schema, Frames: []report.Frame{{Time: 1, Values: values}}}
	got, rest, err := report.ReadSamples(s.Append(nil))
	if err != nil || len(rest) != 0 {
		t.Fatalf("a reader refuses %d series: %v", len(values), err)
	}
	if got.Schema.ID() != schema.ID() {
		t.Error("another schema is read")
	}
}

// TestDriverHangs has a driver that never tells its speed.
func TestDriverHangs(t *testing.T) {
	dir, _ := plant(t, full)
	speed := dir + "/sys/class/net/eth0/speed"
	if err := os.Remove(speed); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(speed, 0o600); err != nil {
		t.Fatal(err)
	}
	m := start(t, planted(dir))
	var got map[string]float64
	for range 40 {
		m.now = m.now.Add(time.Second)
		got = bySeries(m.Tick(m.now))
	}
	expectAbsent(t, got, `node_network_up{device="eth0"}`)
	expect(t, got, `node_network_receive_bytes_total{device="eth0"}`, 342687963)
	if n := got[`tomeishi_host_errors_total{source="netclass"}`]; n < 5 || n > 15 {
		t.Errorf("%v errors of netclass", n)
	}
	w, err := os.OpenFile(speed, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteString("10000\n"); err != nil {
		t.Error(err)
	}
	w.Close()
	m.settle()
	m.now = m.now.Add(time.Millisecond) // before it is asked again
	got = bySeries(m.Tick(m.now))
	expect(t, got, `node_network_up{device="eth0"}`, 1)
	go func() { // the next run hangs too
		if w, err := os.OpenFile(speed, os.O_WRONLY, 0); err == nil {
			w.Close()
		}
	}()
	m.settle()
}

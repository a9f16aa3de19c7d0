// Package host measures this host once a second: processors, load, memory,
// pressure, disks, filesystems, interfaces, TCP, clock, processes.
//
// It promises node_exporter's names, labels and units; that a tick waits for no
// mount and no driver that hangs; that what cannot be read is absent, not zero
// and not the last value; and that the number of series is bounded whatever
// the kernel says. It knows Linux's /proc and /sys and judges nothing. Counters
// are passed on, resets too, which are for the reader to see; only a
// processor's that falls by less than 3 s keeps its last value until the kernel
// is past it, since that is no reset.
//
// Files that are read each second stay open and are read into one buffer;
// gopsutil does what is rare (see DESIGN.md).
package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

// Options of New. What is empty has its usual value.
type Options struct {
	Proc string // where procfs is: /proc
	Sys  string // where sysfs is: /sys
	Root string // where this host's root is: /
	Log  *slog.Logger

	usage usageFunc // in place of statfs
}

// A Collector is for one goroutine.
type Collector struct {
	log    *slog.Logger
	ctx    context.Context // of what is off the tick
	cancel context.CancelFunc
	table  *table
	buf    []byte
	files  []*source

	clock       *clock
	filesystems *filesystems
	netclass    *netclass
	processes   *processes
	identity    *identity
	self        *self
}

// closeTime is how long Close waits for what is off the tick.
const closeTime = time.Second

// New opens what there is and measures once, so that the first Tick finds also
// what takes a while. It fails only where Proc is no procfs.
func New(o Options) (*Collector, error) {
	o.Proc, o.Sys, o.Root = cmp.Or(o.Proc, "/proc"), cmp.Or(o.Sys, "/sys"), cmp.Or(o.Root, "/")
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.usage == nil {
		o.usage = usage
	}
	c := &Collector{log: o.Log.With("component", "host"), table: newTable(), buf: make([]byte, firstBuffer)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.setup(&o)
	c.Tick(time.Now())
	if err := c.files[0].health.failing; err != nil {
		return nil, errors.Join(fmt.Errorf("measure this host: is %s a procfs? %w", o.Proc, err), c.Close())
	}
	return c, nil
}

// setup makes the sources. Their order is that of the series, so that a host
// has the same schema after each start.
func (c *Collector) setup(o *Options) {
	t := c.table
	stat, disks, interfaces := newStat(t), newDisks(t), newInterfaces(t)
	tcp, sockets := netstatMetrics(t), newSockstat(t)
	for _, s := range []source{
		{path: "stat", name: "stat", parse: stat.parse},
		{path: "loadavg", name: "loadavg", parse: newLoadavg(t)},
		{path: "meminfo", name: "meminfo", parse: newMeminfo(t)},
		{path: "vmstat", name: "vmstat", parse: newVmstat(t)},
		{path: "pressure/cpu", name: "pressure", optional: true, parse: newPressure(t, "cpu")},
		{path: "pressure/io", name: "pressure", optional: true, parse: newPressure(t, "io")},
		{path: "pressure/memory", name: "pressure", optional: true, parse: newPressure(t, "memory")},
		{path: "diskstats", name: "diskstats", mayBeEmpty: true, parse: disks.parse},
		{path: "net/dev", name: "netdev", parse: interfaces.parse},
		{path: "net/netstat", name: "netstat", parse: (&netstat{metrics: tcp}).parse},
		{path: "net/snmp", name: "netstat", parse: (&netstat{metrics: tcp}).parse},
		{path: "net/snmp6", name: "netstat", optional: true, parse: keyed(tcp, firstNumber)},
		{path: "net/sockstat", name: "sockstat", parse: sockets.parse},
		{path: "net/sockstat6", name: "sockstat", optional: true, parse: sockets.parse},
		{path: "sys/fs/file-nr", name: "filefd", parse: newFilefd(t)},
		{path: "sys/net/netfilter/nf_conntrack_count", name: "conntrack", optional: true, parse: newNumber(t, "node_nf_conntrack_entries")},
		{path: "sys/net/netfilter/nf_conntrack_max", name: "conntrack", optional: true, parse: newNumber(t, "node_nf_conntrack_entries_limit")},
	} {
		s.file.path = filepath.Join(o.Proc, s.path)
		s.health = health{name: s.name, log: c.log}
		c.files = append(c.files, &s)
	}
	c.clock = c.newClock()
	c.filesystems = c.newFilesystems(o)
	c.netclass = c.newNetclass(o.Sys, interfaces)
	c.processes = c.newProcesses(o.Proc)
	c.identity = c.newIdentity(o.Root)

	var sources []*health
	for _, s := range c.files {
		sources = append(sources, &s.health)
	}
	sources = append(sources, &c.clock.health)
	for _, e := range c.errands() {
		sources = append(sources, &e.health)
	}
	c.self = c.newSelf(sources, []limit{
		{name: "cpu", rows: stat.cpus},
		{name: "disk", rows: disks.all},
		{name: "interface", rows: interfaces.all},
		{name: "filesystem", rows: c.filesystems.rows},
	})
}

// Tick measures. The frame is the caller's to keep. The schema is the same
// pointer as before unless series came or went, which is once in ten ticks at
// most, in the long run.
func (c *Collector) Tick(now time.Time) (*report.Schema, report.Frame) {
	from := time.Now()
	c.table.begin()
	for _, s := range c.files {
		s.read(c.table, &c.buf)
	}
	c.clock.tick(now)
	c.filesystems.tick(now)
	c.netclass.tick(now)
	c.processes.tick(now)
	c.identity.tick(now)
	c.self.tick(time.Since(from))
	schema, values := c.table.end()
	return schema, report.Frame{Time: now.UnixMilli(), Values: values}
}

// Close closes the files. It does not wait for a mount that hangs: who asked
// it stays until it answers.
func (c *Collector) Close() error {
	c.cancel()
	deadline, done := context.WithTimeout(context.Background(), closeTime)
	defer done()
	for _, e := range c.errands() {
		e.wait(deadline.Done())
	}
	var err error
	for _, s := range c.files {
		err = errors.Join(err, s.file.close())
	}
	return err
}

func (c *Collector) errands() []*errand {
	return []*errand{&c.filesystems.errand, &c.netclass.errand, &c.processes.errand, &c.identity.errand}
}

package host

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/shirou/gopsutil/v3/common"
	"github.com/shirou/gopsutil/v3/load"
)

const processesEvery = 15 * time.Second

// processes counts the processes, which takes as long as there are many.
type processes struct {
	errand
	proc  string
	rows  *rows
	found atomic.Pointer[[3]float64]
}

func (c *Collector) newProcesses(proc string) *processes {
	return &processes{
		errand: c.newErrand("processes", processesEvery), proc: proc,
		rows: c.table.group("node_processes_pids", "node_processes_max_threads", "node_processes_max_processes"),
	}
}

func (p *processes) tick(now time.Time) {
	late := p.poll(now)
	if p.due(now) {
		p.start(now, p.read)
	}
	if found := p.found.Load(); found != nil && !late {
		copy(p.rows.get(nil), found[:])
	}
}

// read is the errand.
func (p *processes) read(ctx context.Context) error {
	ctx = context.WithValue(ctx, common.EnvKey, common.EnvMap{common.HostProcEnvKey: p.proc})
	misc, err := load.MiscWithContext(ctx)
	if err != nil {
		p.found.Store(nil)
		return err
	}
	p.found.Store(&[3]float64{
		float64(misc.ProcsTotal),
		readNumber(filepath.Join(p.proc, "sys", "kernel", "threads-max")),
		readNumber(filepath.Join(p.proc, "sys", "kernel", "pid_max")),
	})
	return nil
}

package host

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v3/disk"
	"golang.org/x/sys/unix"

	"github.com/tomeishi/tomeishi/agent/report"
)

const (
	mountsEvery = 10 * time.Second
	patience    = 50 * time.Millisecond // that a round has with each mount
	hangsAfter  = 5 * time.Second       // without an answer a mount is said to hang
)

var errHangs = errors.New("the mount does not answer")

// usageFunc is statfs.
type usageFunc func(path string) (*disk.UsageStat, error)

// usage asks again after a signal, which some network filesystems answer with.
func usage(path string) (*disk.UsageStat, error) {
	for {
		if u, err := disk.Usage(path); !errors.Is(err, unix.EINTR) {
			return u, err
		}
	}
}

// filesystems asks each mount how full it is, one after another. A mount that
// hangs keeps the goroutine that asked it and is not asked again before it
// answers; the others do not wait for it.
type filesystems struct {
	errand
	rows       *rows
	proc, root string
	usage      usageFunc

	mu      sync.Mutex // guards what follows and the answers; not held in usage
	mounts  []*mount
	known   map[string]*mount // mounts, and those that are gone and still asked
	asking  int
	leftOut int
}

type mount struct {
	mountPoint
	health
	key    []byte
	asked  time.Time
	waits  bool // for the answer
	answer *disk.UsageStat
	err    error
}

func (c *Collector) newFilesystems(o *Options) *filesystems {
	return &filesystems{
		errand: c.newErrand("filesystem", mountsEvery),
		proc:   o.Proc, root: o.Root, usage: o.usage, known: map[string]*mount{},
		rows: c.table.kind(maxMounts, func([]byte) bool { return true }, mountSeries),
	}
}

func (m *mountPoint) id() string { return m.device + "\x00" + m.fstype + "\x00" + m.point }

func mountSeries(id string) []report.Series {
	part := strings.Split(id, "\x00")
	own := labels("device", part[0], "fstype", part[1], "mountpoint", part[2])
	return []report.Series{
		{Name: "node_filesystem_size_bytes", Labels: own},
		{Name: "node_filesystem_free_bytes", Labels: own},
		{Name: "node_filesystem_avail_bytes", Labels: own},
		{Name: "node_filesystem_files", Labels: own},
		{Name: "node_filesystem_files_free", Labels: own},
		{Name: "node_filesystem_readonly", Labels: own},
		{Name: "node_filesystem_device_error", Labels: own},
	}
}

func (f *filesystems) tick(now time.Time) {
	late := f.poll(now)
	if f.due(now) {
		f.start(now, f.round)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows.leftOut += f.leftOut
	if late {
		return
	}
	for _, m := range f.mounts {
		err := m.failure(now)
		if errors.Is(err, fs.ErrPermission) { // says nothing of the mount, and is nothing to log each time
			continue
		}
		if cells := f.rows.get(m.key); cells != nil {
			m.write(cells, err)
		}
	}
}

func (m *mount) failure(now time.Time) error {
	if m.waits && now.Sub(m.asked) >= hangsAfter {
		return errHangs
	}
	return m.err
}

func (m *mount) write(cells []float64, err error) {
	cells[5] = oneIf(m.readonly)
	u := m.answer
	switch {
	case err != nil:
		cells[6] = 1
	case u == nil: // nobody knows yet
		return
	default:
		cells[0], cells[1], cells[2] = float64(u.Total), float64(u.Total-u.Used), float64(u.Free)
		cells[3], cells[4] = float64(u.InodesTotal), float64(u.InodesFree)
		cells[6] = 0
	}
	m.report(err)
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// round is the errand.
func (f *filesystems) round(ctx context.Context) error {
	list, leftOut, err := mountPoints(f.proc, f.root)
	for _, m := range f.take(list, leftOut) {
		if ctx.Err() != nil {
			break
		}
		f.ask(ctx, m)
	}
	return err
}

// take makes the list the present one.
func (f *filesystems) take(list []mountPoint, leftOut int) []*mount {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leftOut = leftOut
	f.mounts = make([]*mount, 0, len(list))
	known := make(map[string]*mount, len(list))
	for _, p := range list {
		id := p.id()
		if known[id] != nil { // two whose names are the same as labels
			f.leftOut++
			continue
		}
		m := f.known[id]
		if m == nil {
			m = &mount{key: []byte(id), health: health{name: "filesystem " + p.point, log: f.log}}
		}
		m.mountPoint = p
		known[id] = m
		f.mounts = append(f.mounts, m)
	}
	for id, m := range f.known {
		if m.waits {
			known[id] = m
		}
	}
	f.known = known
	return f.mounts
}

// ask waits a little for the answer, so that mounts that answer are asked by
// one thread. No more than maxMounts are ever waited for, those that are gone
// among them: what is not asked is absent.
func (f *filesystems) ask(ctx context.Context, m *mount) {
	f.mu.Lock()
	switch {
	case m.waits:
		f.mu.Unlock()
		return
	case f.asking == maxMounts: // its old answer grows old
		m.answer, m.err = nil, nil
		f.mu.Unlock()
		return
	}
	m.waits, m.asked = true, time.Now()
	f.asking++
	path := m.path
	f.mu.Unlock()

	answered := make(chan struct{})
	go func() { // ask waits for a moment; beyond that nobody does
		defer close(answered)
		u, err := f.usage(path)
		f.mu.Lock()
		defer f.mu.Unlock()
		m.waits, m.answer, m.err = false, u, err
		f.asking--
	}()
	enough := time.NewTimer(patience)
	defer enough.Stop()
	select {
	case <-answered:
	case <-enough.C:
	case <-ctx.Done():
	}
}

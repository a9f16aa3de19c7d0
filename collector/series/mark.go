package series

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/prometheus/tsdb/wlog"
)

const (
	markFile    = "applied.json"
	markVersion = 1
	markEvery   = 5 * time.Second

	// walReach is more than the ledger time whose samples are only in the TSDB's
	// logs, two hours of a head that is cut at three: what a repair of the logs
	// drops is not older.
	walReach  = 6 * time.Hour
	pastEvery = 5 * time.Minute
)

// A mark is the entry up to which all samples are synced in the TSDB's logs.
type mark struct {
	Version int    `json:"version"`
	Index   uint64 `json:"index"`
	Time    int64  `json:"time"` // ledger time of the entry, Unix nanoseconds
	// Past are earlier marks, five minutes apart, over walReach.
	Past []point `json:"past,omitempty"`
	// Logs are how far the TSDB's logs reached then, by folder.
	Logs map[string]position `json:"logs"`
}

// A position is an end of a log: its last segment, and how long that was.
type position struct {
	Segment int   `json:"segment"`
	Size    int64 `json:"size"`
}

type point struct {
	Index uint64 `json:"index"`
	Time  int64  `json:"time"`
}

// advance moves the mark.
func (m *mark) advance(index uint64, at int64) {
	m.Version, m.Index, m.Time = markVersion, index, at
	if len(m.Past) == 0 {
		m.Past = []point{{0, at}}
	}
	if at-m.Past[len(m.Past)-1].Time < int64(pastEvery) {
		return
	}
	m.Past = append(m.Past, point{index, at})
	for m.Past[1].Time <= at-int64(walReach) {
		m.Past = slices.Delete(m.Past, 0, 1)
	}
}

// back is the newest mark known that is at least d older, or the oldest known.
func (m *mark) back(d time.Duration) point {
	for _, p := range slices.Backward(m.Past) {
		if p.Time <= m.Time-int64(d) {
			return p
		}
	}
	if len(m.Past) == 0 {
		return point{}
	}
	return m.Past[0]
}

// retreat goes back to where everything is in blocks.
func (m *mark) retreat() {
	to := m.back(walReach)
	m.Index, m.Time = to.Index, to.Time
	m.Past = slices.DeleteFunc(m.Past, func(p point) bool { return p.Index > to.Index })
}

// readMark reads the mark of a folder. A new folder has none.
func readMark(dir string) (m mark, err error) {
	raw, err := os.ReadFile(filepath.Join(dir, markFile))
	if errors.Is(err, os.ErrNotExist) {
		return mark{}, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &m)
	}
	if err == nil && m.Version != markVersion {
		err = fmt.Errorf("version %d; this program reads version %d", m.Version, markVersion)
	}
	if err != nil {
		return mark{}, fmt.Errorf("read how far the series are: %w", err)
	}
	return m, nil
}

// write replaces the file. After a power cut the older one may be back, which
// only makes the next start longer.
func (m *mark) write(dir string) error {
	raw, err := json.Marshal(m)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, markFile)
	f, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

// logs are the folders of the TSDB's logs: of what came in order and of what
// came late.
func logs() []string { return []string{"wal", wlog.WblDirName} }

// syncLogs makes the TSDB's logs durable from the positions on, and returns
// their ends. The TSDB itself syncs a segment only when it is full.
func syncLogs(dir string, from map[string]position) (map[string]position, error) {
	ends := map[string]position{}
	for _, sub := range logs() {
		first, last, err := wlog.Segments(filepath.Join(dir, sub))
		if err != nil {
			return nil, fmt.Errorf("list the segments of %s: %w", sub, err)
		}
		for i := max(first, from[sub].Segment); i <= last; i++ {
			n, err := syncFile(wlog.SegmentName(filepath.Join(dir, sub), i))
			if err != nil {
				return nil, err
			}
			ends[sub] = position{i, n}
		}
		if _, err := syncFile(filepath.Join(dir, sub)); err != nil {
			return nil, err
		}
	}
	return ends, nil
}

// syncFile returns the size before the sync: so much is durable.
func syncFile(path string) (size int64, err error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil // its samples are in a block by now
	}
	if err != nil {
		return 0, fmt.Errorf("sync the series: %w", err)
	}
	info, err := f.Stat()
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err != nil {
		return 0, fmt.Errorf("sync the series: %w", err)
	}
	return info.Size(), nil
}

// intact tells whether the logs in dir still reach as far as they did at the
// mark. Segments that are not needed any more are gone.
func (m *mark) intact(dir string) bool {
	for sub, was := range m.Logs {
		path := filepath.Join(dir, sub)
		info, err := os.Stat(wlog.SegmentName(path, was.Segment))
		if err == nil && info.Size() >= was.Size {
			continue
		}
		if first, _, err := wlog.Segments(path); err != nil || first <= was.Segment {
			return false
		}
	}
	return true
}

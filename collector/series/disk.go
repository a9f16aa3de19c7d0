package series

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// disk keeps the view from taking the last room of the disk, which is the
// ledger's: a full disk must still take decisions. Nor may the TSDB meet a full
// disk: it panics where it cannot write a chunk.
type disk struct {
	dir    string
	looked time.Time // when the room was last looked at
	paused atomic.Bool
}

const (
	// reserve is more than twice what the ledger wants to have free.
	reserve   = 80 << 20
	lookEvery = time.Second
)

// wait returns when there is room, or with the error of ctx.
func (d *disk) wait(ctx context.Context, s *Store) error {
	for !d.room(s.o.Log) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for room: %w", context.Cause(ctx))
		case <-time.After(lookEvery):
		}
	}
	return ctx.Err()
}

// room looks at the disk, not too often.
func (d *disk) room(log *slog.Logger) bool {
	if time.Since(d.looked) < lookEvery {
		return !d.paused.Load()
	}
	d.looked = time.Now()
	free, low := lacks(d.dir, 0)
	if d.paused.Swap(low) != low && low {
		log.Error("the disk is nearly full: samples wait in the ledger and are not in the metrics until there is room",
			"free_bytes", free, "needed_bytes", reserve)
	}
	return !low
}

// lacks tells whether the disk has no room for so many bytes beside the
// reserve. What cannot be known is no reason to stop.
func lacks(dir string, need int64) (free int64, low bool) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return 0, false
	}
	free = int64(min(fs.Bavail*uint64(fs.Bsize), 1<<62))
	return free, free < reserve+need
}

// whereToOpen is where to open the TSDB: in its folder; or, while the disk is too
// full for its log to be replayed, in an empty one beside it, which needs next
// to nothing, is filled from the tape when there is room, and goes at the next
// start.
func whereToOpen(o Options) (dir string, err error) {
	waiting := filepath.Clean(o.Dir) + ".waiting"
	if err := os.RemoveAll(waiting); err != nil {
		return "", err
	}
	free, low := lacks(o.Dir, 0)
	if !low {
		return o.Dir, spare(o.Dir)
	}
	o.Log.Error("the disk is nearly full: the metrics start empty and are filled again when there is room",
		"free_bytes", free, "needed_bytes", reserve)
	if err := os.Remove(filepath.Join(o.Dir, spareFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	return waiting, nil
}

const (
	spareFile = "spare"
	spareSize = 1 << 20
)

// spare keeps what an empty TSDB needs on a disk that is quite full.
func spare(dir string) error {
	path := filepath.Join(dir, spareFile)
	if info, err := os.Stat(path); err == nil && info.Size() == spareSize {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, make([]byte, spareSize), 0o600)
}

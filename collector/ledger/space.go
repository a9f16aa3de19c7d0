package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// space keeps a reserve for decisions: a ballast file of three segments. When
// the next segments would no longer surely fit, the ballast is deleted and the
// ledger is full until it can be made again.
type space struct {
	ctx     context.Context // the ledger's life
	path    string
	ballast int64
	low     int64 // free bytes below which the ballast goes
	met     *meters
	log     *slog.Logger

	full   atomic.Bool
	shared atomic.Int64 // taken of the share since it is full
	mu     sync.Mutex   // held while the ballast is made or given up, and full changes
}

const (
	ballastSegments = 3
	lowSegments     = 2
	watchEvery      = 250 * time.Millisecond
	// share is what of the reserve all but decisions may take, once: that the
	// disk is full must be told, and must not cost a decision its place.
	share = 1 << 20
)

// takes tells whether so many more bytes are taken, and counts them.
func (s *space) takes(need entry.Need, bytes int) bool {
	switch {
	case !s.full.Load():
		s.shared.Store(0)
		return true
	case need == entry.NeedSmall:
		if s.shared.Add(int64(bytes)) <= share {
			return true
		}
		s.shared.Add(-int64(bytes)) // a smaller one may have its place
		return false
	}
	return need == entry.NeedAll
}

// newSpace finds or makes the ballast. Where there is no room for it, the
// ledger starts full.
func newSpace(ctx context.Context, dir string, segment int64, met *meters, log *slog.Logger) *space {
	s := &space{ctx: ctx, path: filepath.Join(dir, "ballast"), ballast: ballastSegments * segment, low: lowSegments * segment, met: met, log: log}
	if !s.made() && (s.free() < s.ballast+s.low || s.make() != nil) {
		s.release("no room for the reserve")
	}
	s.met.full.Set(boolean(s.full.Load()))
	return s
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// watch looks at the disk until the ledger ends.
func (s *space) watch() {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
			s.check()
		}
	}
}

// check compares what is free with what the next segments need.
func (s *space) check() {
	s.mu.Lock()
	defer s.mu.Unlock()
	free := s.free()
	switch full := s.full.Load(); {
	case !full && free < s.low:
		s.release("disk nearly full")
	case full && free >= s.ballast+2*s.low && s.make() == nil:
		s.full.Store(false)
		s.met.full.Set(0)
		s.log.Info("space is back; everything is taken again", "free_bytes", free)
	}
}

// pressed is told why the log could not be written.
func (s *space) pressed(err error) {
	if !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EDQUOT) {
		s.check()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release("disk full")
}

// release gives the ballast up; s.mu is held, except at the start.
func (s *space) release(why string) {
	if err := os.Remove(s.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		s.log.Error("free the reserve", "error", err)
	}
	if !s.full.Swap(true) {
		s.log.Error("only decisions are taken until there is space", "why", why, "free_bytes", s.free(), "path", s.path)
	}
	s.met.full.Set(1)
}

// free is what may be written in the ledger's file system; a disk that cannot
// be asked counts as it was before.
func (s *space) free() int64 {
	var st unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(s.path), &st); err != nil {
		s.log.Warn("ask for free space", "error", err)
		return s.low
	}
	return int64(min(st.Bavail*uint64(st.Bsize), 1<<62))
}

// made reports whether the whole ballast is allocated.
func (s *space) made() bool {
	var st unix.Stat_t
	return unix.Stat(s.path, &st) == nil && st.Size == s.ballast && st.Blocks*512 >= s.ballast
}

// make allocates the ballast for real: a sparse file would keep nothing.
func (s *space) make() error {
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("make ballast: %w", err)
	}
	err = unix.Fallocate(int(f.Fd()), 0, 0, s.ballast)
	if errors.Is(err, unix.EOPNOTSUPP) {
		err = fill(f, s.ballast)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("make ballast: %w", err), os.Remove(s.path))
	}
	return nil
}

func fill(f *os.File, n int64) error {
	b := make([]byte, 1<<20)
	for i := range b {
		b[i] = byte(i*7 + i>>8) // not zeros, which some file systems do not store
	}
	for ; n > 0; n -= int64(len(b)) {
		if _, err := f.Write(b[:min(n, int64(len(b)))]); err != nil {
			return err
		}
	}
	return nil
}

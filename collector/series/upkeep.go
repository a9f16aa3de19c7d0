package series

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/fileutil"
)

const (
	upkeepEvery = time.Minute
	// never is longer than any collector runs. The TSDB would do its upkeep in a
	// goroutine of its own, where a panic for want of room ends the process.
	never = 100 * 365 * 24 * time.Hour
)

// upkeep writes chunks of the head to disk and cuts blocks, while there is
// room, until ctx ends.
func (s *Store) upkeep(ctx context.Context) {
	// A compaction takes long and has a context of its own.
	defer context.AfterFunc(ctx, s.stopCompacting)()
	tick := time.NewTicker(upkeepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, low := lacks(s.o.Dir, 0); low {
			continue
		}
		err := s.guarded(func() error {
			s.db.ForceHeadMMap()
			return s.db.Compact(ctx)
		})
		if err != nil && ctx.Err() == nil {
			s.o.Log.Error("cut blocks of the series, will try again", "error", err)
		}
	}
}

// A panicError is a panic of the TSDB.
type panicError struct{ said any }

func (p panicError) Error() string { return fmt.Sprintf("the TSDB panicked: %v", p.said) }

// surviving turns a panic of the TSDB, which cannot write, into an error.
func surviving(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicError{p}
		}
	}()
	return do()
}

// carefulCompactor writes no block for which there is no room.
type carefulCompactor struct {
	tsdb.Compactor
	dir string
}

// newCompactor makes Prometheus's own compactor, careful, and gives out what
// ends its work.
func newCompactor(dir string, stop *context.CancelFunc) tsdb.NewCompactorFunc {
	return func(ctx context.Context, r prometheus.Registerer, l *slog.Logger, ranges []int64, pool chunkenc.Pool, o *tsdb.Options) (tsdb.Compactor, error) {
		ctx, *stop = context.WithCancel(ctx)
		c, err := tsdb.NewLeveledCompactorWithOptions(ctx, r, l, ranges, pool, tsdb.LeveledCompactorOptions{
			MaxBlockChunkSegmentSize: o.MaxBlockChunkSegmentSize, EnableOverlappingCompaction: o.EnableOverlappingCompaction,
			PD: o.PostingsDecoderFactory,
		})
		return carefulCompactor{c, dir}, err
	}
}

// Write writes a block of the head.
func (c carefulCompactor) Write(dest string, b tsdb.BlockReader, mint, maxt int64, base *tsdb.BlockMeta) ([]ulid.ULID, error) {
	// A block is smaller than the chunks of the head that it is made of.
	if err := c.check(filepath.Join(c.dir, "chunks_head")); err != nil {
		return nil, err
	}
	return c.Compactor.Write(dest, b, mint, maxt, base)
}

// Compact makes one block of several.
func (c carefulCompactor) Compact(dest string, dirs []string, open []*tsdb.Block) ([]ulid.ULID, error) {
	if err := c.check(dirs...); err != nil {
		return nil, err
	}
	return c.Compactor.Compact(dest, dirs, open)
}

var errNoRoom = errors.New("no room for a block: make room on the disk")

func (c carefulCompactor) check(from ...string) error {
	var need int64
	for _, dir := range from {
		n, err := fileutil.DirSize(dir)
		if err != nil {
			return fmt.Errorf("size of %s: %w", dir, err)
		}
		need += n
	}
	if free, low := lacks(c.dir, need); low {
		return fmt.Errorf("%w: %d bytes are free and %d are needed", errNoRoom, free, reserve+need)
	}
	return nil
}

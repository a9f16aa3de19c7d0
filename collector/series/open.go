package series

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/compression"
)

// opened is a TSDB that was opened, and from where it must be filled.
type opened struct {
	db             *tsdb.DB
	registry       *prometheus.Registry
	stopCompacting context.CancelFunc
	dir            string
	mark           mark
}

// openDB opens the TSDB. It repairs its logs by itself; what it cannot open is
// set aside: single blocks if that helps, else the whole folder.
func openDB(o Options) (opened, error) {
	var err error
	if o.Dir, err = whereToOpen(o); err != nil {
		return opened{}, fmt.Errorf("make a place for the series: %w", err)
	}
	m, err := readMark(o.Dir)
	if err != nil {
		o.Log.Warn("the series are filled again from the tape", "error", err)
	}
	out, err := tryOpen(o)
	if err != nil && !outside(err) {
		var n int
		if n, err = setBlocksAside(o, err); n > 0 {
			m.retreat()
			out, err = tryOpen(o)
		}
	}
	if err != nil && !outside(err) {
		if err = setFolderAside(o, err); err == nil {
			m = mark{}
			out, err = tryOpen(o)
		}
	}
	if err != nil {
		return opened{}, fmt.Errorf("open the series: %w", err)
	}
	out.db.DisableCompactions() // upkeep does it
	// A repair cuts a log at the first damage; how much that was cannot be told.
	if counter(out.registry, "prometheus_tsdb_wal_corruptions_total") > 0 || !m.intact(o.Dir) {
		m.retreat()
		o.Log.Warn("the logs of the series were damaged; they are filled again from the tape", "from_entry", m.Index+1)
	}
	out.dir, out.mark = o.Dir, m
	return out, nil
}

// outside tells errors of the machine from damage: they would be the same with
// an empty folder.
func outside(err error) bool {
	return slices.ContainsFunc([]error{
		syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, os.ErrPermission,
	}, func(e error) bool { return errors.Is(err, e) })
}

func tryOpen(o Options) (out opened, err error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return out, fmt.Errorf("make the folder of the series: %w", err)
	}
	out.registry = prometheus.NewRegistry()
	err = surviving(func() error {
		opts := engineOptions(o)
		opts.NewCompactorFunc = newCompactor(o.Dir, &out.stopCompacting)
		out.db, err = tsdb.Open(o.Dir, quieter(o.Log), out.registry, opts, nil)
		return err
	})
	return out, err
}

// engineOptions differ from Prometheus's where a small collector would pay for
// a large one, and in that late samples are taken.
func engineOptions(o Options) *tsdb.Options {
	opts := tsdb.DefaultOptions()
	opts.RetentionDuration = o.Retention.Milliseconds()
	// As Prometheus does: a block is at most a tenth of the retention.
	opts.MaxBlockDuration = max(opts.MinBlockDuration, min(o.Retention.Milliseconds()/10, (31*24*time.Hour).Milliseconds()))
	opts.OutOfOrderTimeWindow = min(o.Retention, oldest).Milliseconds()
	opts.WALCompression = compression.Snappy
	opts.WALSegmentSize = 16 << 20
	opts.HeadChunksWriteBufferSize = 1 << 20
	opts.StripeSize = 4096
	opts.BlockReloadInterval = never
	opts.NoLockfile = true // the data folder has its own lock
	opts.EnableExemplarStorage = true
	opts.MaxExemplars = 10_000
	return opts
}

// setBlocksAside moves blocks that cannot be opened out of the folder and says
// how many; none is the error again.
func setBlocksAside(o Options, cause error) (n int, err error) {
	entries, err := os.ReadDir(o.Dir)
	if err != nil {
		return 0, errors.Join(cause, err)
	}
	for _, e := range entries {
		if _, err := ulid.ParseStrict(e.Name()); err != nil {
			continue
		}
		path := filepath.Join(o.Dir, e.Name())
		block, err := tsdb.OpenBlock(slog.New(slog.DiscardHandler), path, nil, nil)
		if err == nil {
			err = block.Close()
		}
		if err == nil {
			continue
		}
		aside := filepath.Join(damagedDir(o), e.Name())
		o.Log.Error("a block of the series is damaged and was set aside; its samples are missing as far as the tape does not have them",
			"block", path, "aside", aside, "error", err)
		if err := os.MkdirAll(filepath.Dir(aside), 0o700); err != nil {
			return n, err
		}
		if err := os.Rename(path, aside); err != nil {
			return n, err
		}
		n++
	}
	if n == 0 {
		return 0, cause
	}
	return n, nil
}

// setFolderAside begins with an empty folder.
func setFolderAside(o Options, cause error) error {
	aside := filepath.Join(damagedDir(o), "series-"+time.Now().UTC().Format("20060102T150405.000"))
	o.Log.Error("the series cannot be opened and were set aside; they are filled again as far as the tape reaches",
		"aside", aside, "error", cause)
	if err := os.MkdirAll(filepath.Dir(aside), 0o700); err != nil {
		return err
	}
	return os.Rename(o.Dir, aside)
}

func damagedDir(o Options) string { return filepath.Clean(o.Dir) + ".damaged" }

// counter reads one of the engines' counters.
func counter(g prometheus.Gatherer, name string) (sum float64) {
	families, err := g.Gather()
	if err != nil {
		return 0
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue()
		}
	}
	return sum
}

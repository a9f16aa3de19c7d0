// Package tape keeps every applied entry in order, compressed, for evidence and
// for running it again.
//
// It promises that what Sync has returned for is on disk; that entries come
// back as they went in, in the order of their indexes; and that what cannot be
// read back is an error that names the file and the range, while all else stays
// readable. An entry that is already there is not written twice.
//
// It does not promise to keep what is not yet synced: after a crash those
// entries come again from the ledger. It does not know what is in an entry.
// While the disk cannot be written it holds a bounded number of entries, then
// lags: it takes no more until it is opened again, and Sync fails, so that the
// ledger keeps what the tape lacks.
package tape

import (
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/klauspost/compress/zstd"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// Options say how a tape behaves.
type Options struct {
	Log     *slog.Logger
	Metrics *metrics.Set

	FrameBytes   int           // entries compressed together; 256 KB
	SegmentBytes int64         // of one file; 64 MB
	Every        time.Duration // written at least so often; 1 s
	Queue        int           // frames that wait to be written; 64, then Append waits
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = metrics.NewSet()
	}
	if o.FrameBytes == 0 {
		o.FrameBytes = 256 << 10
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = 64 << 20
	}
	if o.Every == 0 {
		o.Every = time.Second
	}
	if o.Queue == 0 {
		o.Queue = 64
	}
	return o
}

var (
	// ErrLagging is wrapped by Sync after the tape has stopped taking entries.
	ErrLagging = errors.New("tape lags behind the ledger")
	// ErrNotFound is returned for an index that the tape does not have.
	ErrNotFound = errors.New("tape: no such entry")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("tape: closed")
)

// Tape is an open tape. Append is called by one goroutine; all other methods
// may be called concurrently.
type Tape struct {
	dir string
	o   Options
	met *meters
	zr  *zstd.Decoder

	wake chan struct{} // to the writer: something is due
	done chan struct{} // closed at the writer's end

	mu      sync.Mutex // guards what follows; not held while blocks are compressed and written
	changed *sync.Cond // the queue is shorter, or written, failing, lagging or closed changed
	segs    []*segment // the last one is being written
	queue   []*block   // sealed, not yet written
	cur     *block     // being filled; nil if empty
	last    uint64     // taken
	written uint64
	durable uint64
	due     bool  // someone waits for cur
	failing error // the last write failed
	// unsynced is set for good when a sync failed: what the file holds is not
	// known until it is read again at the next start.
	unsynced error
	lagging  bool
	closed   bool
	cache    []cached // newest last

	out writer // the writer's own
}

// block is a run of entries that becomes one frame.
type block struct {
	prev  uint64
	items []entry.Sealed
	size  int
}

func sum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// Open opens the tape in dir, which it makes if it is absent. A frame that was
// being written at a crash is dropped.
func Open(dir string, o Options) (*Tape, error) {
	t := &Tape{dir: dir, o: o.withDefaults(), wake: make(chan struct{}, 1), done: make(chan struct{})}
	t.met = newMeters(t.o.Metrics)
	t.changed = sync.NewCond(&t.mu)
	var err error
	if err = os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open tape: %w", err)
	}
	if t.zr, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxRaw+1)); err != nil {
		return nil, fmt.Errorf("open tape: %w", err)
	}
	if err := t.load(); err != nil {
		return nil, fmt.Errorf("open tape %s: %w", dir, err)
	}
	if t.out.enc, err = newEncoder(); err != nil {
		return nil, errors.Join(fmt.Errorf("open tape: %w", err), t.out.close())
	}
	go t.write() // Close waits for it
	return t, nil
}

// load finds the end of the tape.
func (t *Tape) load() error {
	segs, err := listSegments(t.dir)
	if err != nil {
		return err
	}
	for len(segs) > 0 {
		tail := segs[len(segs)-1]
		if err := tail.walk(true); err != nil {
			return err
		}
		if len(tail.frames) > 0 {
			return t.resume(segs)
		}
		// Nothing whole is in it. What it had comes again from the ledger, but
		// if it had much, it is kept aside for people.
		if err := discard(tail); err != nil {
			return err
		}
		segs = segs[:len(segs)-1]
	}
	return nil
}

func discard(s *segment) error {
	if s.size <= 1<<20 {
		return os.Remove(s.path)
	}
	return os.Rename(s.path, s.path+".damaged")
}

// resume goes on at the end of the last segment.
func (t *Tape) resume(segs []*segment) error {
	tail := segs[len(segs)-1]
	if n := len(tail.holes); n > 0 && tail.holes[n-1].before == 0 {
		tail.holes = tail.holes[:n-1] // torn: it is cut off
		t.met.torn.Inc()
		t.o.Log.Warn("the tape's end was torn; it is cut off", "file", tail.path, "bytes", tail.size-tail.end)
	}
	for _, h := range tail.holes {
		t.met.damaged.Inc()
		t.o.Log.Error("the tape is damaged", "error", h.err, "after", h.after, "before", h.before)
	}
	f, err := os.OpenFile(tail.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if tail.end < tail.size {
		if err := f.Truncate(tail.end); err != nil {
			return errors.Join(err, f.Close())
		}
		tail.size = tail.end
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	t.segs, t.out = segs, writer{f: f, seg: tail}
	t.last = tail.frames[len(tail.frames)-1].last
	t.written, t.durable = t.last, t.last
	return nil
}

// Last is the newest entry that the tape has taken.
func (t *Tape) Last() uint64 { return t.read(&t.last) }

// Durable is the newest entry that is surely on disk.
func (t *Tape) Durable() uint64 { return t.read(&t.durable) }

// First is where the tape begins: no entry is below.
func (t *Tape) First() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case len(t.segs) > 0:
		return t.segs[0].first
	case len(t.queue) > 0:
		return t.queue[0].items[0].Index
	case t.cur != nil:
		return t.cur.items[0].Index
	}
	return 0
}

func (t *Tape) read(v *uint64) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return *v
}

// Lagging reports whether the tape has stopped taking entries.
func (t *Tape) Lagging() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lagging
}

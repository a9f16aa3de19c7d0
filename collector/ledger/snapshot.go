package ledger

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

const snapshotRetry = 10 * time.Second

var errNoRaft = errors.New("the log is being opened anew")

// grown counts what a restart would have to replay.
func (l *Ledger) grown(entries, bytes int) {
	e, b := l.snap.entries.Add(int64(entries)), l.snap.bytes.Add(int64(bytes))
	if e < int64(l.o.SnapshotEntries) && b < int64(l.o.SnapshotBytes) {
		return
	}
	select {
	case l.snap.due <- struct{}{}:
	default:
	}
}

// snapshots takes one whenever it is due. While the disk is full it does not:
// the reserve is for decisions.
func (l *Ledger) snapshots() {
	for {
		select {
		case <-l.life.Done():
			return
		case <-l.snap.due:
		}
		if l.Full() {
			continue
		}
		err := l.Snapshot()
		if err == nil || l.life.Err() != nil {
			continue
		}
		l.o.Log.Warn("take a snapshot", "error", err)
		select {
		case <-l.life.Done():
			return
		case <-time.After(snapshotRetry):
		}
	}
}

// Snapshot writes the state to disk and shortens the log.
func (l *Ledger) Snapshot() error {
	l.snap.mu.Lock()
	defer l.snap.mu.Unlock()
	_, err := l.snapshot()
	return err
}

// Backup takes a snapshot, writes its state to w as Applier wrote it, and
// returns the entry at which it stands: what Seed needs.
func (l *Ledger) Backup(w io.Writer) (Head, error) {
	l.snap.mu.Lock()
	defer l.snap.mu.Unlock()
	f, err := l.snapshot()
	if err != nil {
		return Head{}, err
	}
	_, r, err := f.Open()
	if err != nil {
		return Head{}, fmt.Errorf("open snapshot: %w", err)
	}
	defer r.Close()
	var b [headLen]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return Head{}, fmt.Errorf("read snapshot: %w", err)
	}
	head, err := decodeHead(snapshotMagic, b[:])
	if err != nil {
		return Head{}, fmt.Errorf("read snapshot: %w", err)
	}
	if _, err := io.Copy(w, r); err != nil {
		return Head{}, fmt.Errorf("copy snapshot: %w", err)
	}
	return head, nil
}

// snapshot asks raft for one; l.snap.mu is held.
func (l *Ledger) snapshot() (raft.SnapshotFuture, error) {
	n := l.current()
	if n == nil {
		return nil, errNoRaft
	}
	start := time.Now()
	entries, bytes := l.snap.entries.Swap(0), l.snap.bytes.Swap(0)
	metas, err := n.snaps.List()
	if err == nil {
		n.store.keep.Store(newest(metas))
		f := n.raft.Snapshot()
		if err = f.Error(); err == nil {
			l.met.snapshots.Inc()
			l.met.snapshot.UpdateDuration(start)
			return f, nil
		}
	}
	l.snap.entries.Add(entries)
	l.snap.bytes.Add(bytes)
	l.met.snapshotErrors.Inc()
	// raft leaves a half-written one behind when the disk is full.
	return nil, errors.Join(fmt.Errorf("snapshot: %w", err), dropUnfinished(l.o.Dir))
}

func newest(metas []*raft.SnapshotMeta) uint64 {
	if len(metas) == 0 {
		return 0
	}
	return metas[0].Index
}

// Seed makes a ledger whose only content is a state that stands at head: the
// first entry after it names head's hash. dir must not hold a ledger yet; after
// an error Seed may be tried again, but dir must not be opened.
func Seed(dir string, head Head, write func(io.Writer) error) error {
	if head.Index == 0 {
		return errors.New("seed ledger: the state stands at no entry")
	}
	lock, err := lockDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(seed(dir, head, write), lock.Close())
}

func seed(dir string, head Head, write func(io.Writer) error) error {
	for _, name := range []string{"wal", "head"} {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("seed ledger %s: it is not empty: there is %s", dir, name)
		}
	}
	if err := dropUnfinished(dir); err != nil {
		return fmt.Errorf("seed ledger: %w", err)
	}
	store, err := raft.NewFileSnapshotStoreWithLogger(dir, retain, hclog.NewNullLogger())
	if err != nil {
		return fmt.Errorf("seed ledger: %w", err)
	}
	if metas, err := store.List(); err != nil || len(metas) > 0 {
		return errors.Join(fmt.Errorf("seed ledger %s: it is not empty: there are %d snapshots", dir, len(metas)), err)
	}
	_, trans := raft.NewInmemTransport(localID)
	sink, err := store.Create(1, head.Index, 1, clusterOfOne(), 1, trans)
	if err != nil {
		return fmt.Errorf("seed ledger: %w", err)
	}
	if err := (&capture{head: head, write: write}).Persist(sink); err != nil {
		return errors.Join(fmt.Errorf("seed ledger: %w", err), sink.Cancel(), dropUnfinished(dir))
	}
	return nil
}

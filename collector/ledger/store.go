package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/metadb"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// store is the log and the stable store that raft sees: raft-wal, with three
// rules around it. After one failed write nothing more is written until it is
// opened anew. An entry that does not continue the chain is never written. What
// cannot be read is reported as damage, where raft would end the process.
type store struct {
	wal  *wal.WAL
	meta *metadb.BoltMetaDB
	met  *meters
	// lost, in tests, fails an append that has reached the disk.
	lost func() error

	open sync.RWMutex // held to read and to close: raft's gauges read until the end
	shut bool

	broken   chan struct{} // closed by the first failed write
	breaking sync.Once
	cause    error

	damage func(error)
	keep   atomic.Uint64 // index of the snapshot before the newest
	armed  atomic.Bool   // entries are taken, from prev on
	prev   [32]byte      // of the last entry written; raft's main goroutine
}

var errChain = errors.New("entry does not continue the chain")

// openStore opens the log in dir. check sees the last index before anything is
// changed on disk, so that evidence is not destroyed.
func openStore(dir string, segmentBytes int, met *meters, log hclog.Logger, check func(last uint64) error, damage func(error)) (*store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make log directory: %w", err)
	}
	if err := probe(filepath.Join(dir, metadb.FileName)); err != nil {
		return nil, err
	}
	s := &store{meta: &metadb.BoltMetaDB{}, met: met, broken: make(chan struct{}), damage: damage}
	if err := s.recover(dir, check); err != nil {
		return nil, errors.Join(err, s.meta.Close())
	}
	w, err := wal.Open(dir, wal.WithMetaStore(s.meta), wal.WithSegmentSize(segmentBytes), wal.WithLogger(log))
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("%w: a segment of it is missing: %w: %s", ErrDamaged, err, remedy)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open log %s: %w", dir, err), s.meta.Close())
	}
	s.wal = w
	return s, nil
}

func (s *store) recover(dir string, check func(uint64) error) (err error) {
	defer func() { // bbolt panics on a damaged page
		if p := recover(); p != nil {
			err = fmt.Errorf("meta store of the log: %w: %v: %s", ErrDamaged, p, remedy)
		}
	}()
	state, err := s.meta.Load(dir)
	if err != nil {
		return fmt.Errorf("read meta store of the log: %w", err)
	}
	path, base, ok := lastSegment(dir, state)
	if !ok {
		return check(0)
	}
	t, err := scanTail(path, base)
	if err != nil {
		return err
	}
	if err := check(base + t.entries - 1); err != nil {
		return err
	}
	if err := t.clean(); err != nil {
		return err
	}
	return t.finishRotation(s.meta, state)
}

func (s *store) fail(err error) {
	s.breaking.Do(func() {
		s.cause = err
		close(s.broken)
	})
}

func (s *store) failed() bool {
	select {
	case <-s.broken:
		return true
	default:
		return false
	}
}

// arm lets entries in, the first of which names prev. Nothing is in flight.
func (s *store) arm(prev [32]byte) {
	s.prev = prev
	s.armed.Store(true)
}

// StoreLogs makes logs durable. When it returns nil they are on disk.
func (s *store) StoreLogs(logs []*raft.Log) error {
	if s.failed() {
		return s.cause
	}
	if err := s.follow(logs); err != nil {
		s.fail(err)
		return err
	}
	for _, l := range logs {
		seal(l)
	}
	start := time.Now()
	err := s.wal.StoreLogs(logs)
	if err == nil && s.lost != nil {
		err = s.lost()
	}
	if err != nil {
		s.fail(err)
		return err
	}
	s.met.append.UpdateDuration(start)
	s.met.appends.Inc()
	for _, l := range logs {
		s.met.bytes.Add(len(l.Data))
	}
	return nil
}

// follow checks that the entries continue the chain.
func (s *store) follow(logs []*raft.Log) error {
	for _, l := range logs {
		if l.Type != raft.LogCommand {
			continue
		}
		prev, own, ok := entry.Link(l.Data)
		if !ok || !s.armed.Load() || prev != s.prev {
			return errChain
		}
		s.prev = own
	}
	return nil
}

// GetLog reads one log. Damage is reported and answered with a no-op: raft
// panics on an error here, and after the report nothing more is applied.
func (s *store) GetLog(index uint64, l *raft.Log) error {
	s.open.RLock()
	defer s.open.RUnlock()
	err := wal.ErrClosed
	if !s.shut {
		err = s.read(index, l)
	}
	if err == nil {
		return nil
	}
	// Once entries are taken raft reads back only for its own gauges, and may
	// lose a race against a truncation or a close.
	if s.armed.Load() && (errors.Is(err, raft.ErrLogNotFound) || errors.Is(err, wal.ErrClosed)) {
		return err
	}
	s.damage(damaged(index, err))
	*l = raft.Log{Index: index, Term: 1, Type: raft.LogNoop}
	return nil
}

// StoreLog makes one log durable.
func (s *store) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// FirstIndex is where the log begins.
func (s *store) FirstIndex() (uint64, error) { return s.end(s.wal.FirstIndex) }

// LastIndex is where the log ends.
func (s *store) LastIndex() (uint64, error) { return s.end(s.wal.LastIndex) }

func (s *store) end(of func() (uint64, error)) (uint64, error) {
	s.open.RLock()
	defer s.open.RUnlock()
	if s.shut {
		return 0, wal.ErrClosed
	}
	return of()
}

// DeleteRange drops what a snapshot covers, but nothing that the snapshot
// before it would need: if the newest one is damaged, the older one serves.
func (s *store) DeleteRange(lo, hi uint64) error {
	if s.failed() {
		return s.cause
	}
	if hi = min(hi, s.keep.Load()); hi < lo {
		return nil
	}
	err := s.wal.DeleteRange(lo, hi)
	if err != nil {
		s.fail(err)
	}
	return err
}

// IsMonotonic tells raft that the log has no gaps.
func (s *store) IsMonotonic() bool { return true }

// Get reads what Set kept.
func (s *store) Get(key []byte) ([]byte, error) { return s.wal.Get(key) }

// GetUint64 reads what SetUint64 kept.
func (s *store) GetUint64(key []byte) (uint64, error) { return s.wal.GetUint64(key) }

// Set keeps raft's vote. raft panics when its term cannot be kept; here the
// store breaks instead, and nothing that raft does after that reaches the disk.
func (s *store) Set(key, value []byte) error {
	if !s.failed() {
		if err := s.wal.Set(key, value); err != nil {
			s.fail(err)
		}
	}
	return nil
}

// SetUint64 keeps raft's term, as Set does.
func (s *store) SetUint64(key []byte, value uint64) error {
	if !s.failed() {
		if err := s.wal.SetUint64(key, value); err != nil {
			s.fail(err)
		}
	}
	return nil
}

func (s *store) close() error {
	s.open.Lock()
	defer s.open.Unlock()
	s.shut = true
	return errors.Join(s.wal.Close(), s.meta.Close())
}

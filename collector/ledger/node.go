package ledger

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/raft"
)

// Ids and limits of a cluster of one.
const (
	localID       = "local"
	retain        = 2
	maxBatch      = 256
	maxFlight     = 4 << 20 // bytes in flight; raft may write them all in one batch
	patience      = 50 * time.Millisecond
	startDeadline = time.Minute // to become leader; not for replaying
)

// node is one run of raft over the store. After a failed write it is stopped
// and another one takes its place.
type node struct {
	raft  *raft.Raft
	store *store
	snaps *raft.FileSnapshotStore
	leads chan bool
}

func raftConfig() *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = localID
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = patience, patience, patience
	c.BatchApplyCh, c.MaxAppendEntries = true, maxBatch
	c.TrailingLogs = 0                                                     // the store keeps what the older snapshot needs
	c.SnapshotThreshold, c.SnapshotInterval = math.MaxUint64, 24*time.Hour // we say when
	c.PreVoteDisabled = true
	c.NoLegacyTelemetry = true
	return c
}

// openNode opens log and snapshots, replays them into the fsm, and returns when
// every entry is applied.
func (l *Ledger) openNode(ctx context.Context) (*node, error) {
	log := engineLog(l.o.Log)
	if err := dropUnfinished(l.o.Dir); err != nil {
		return nil, err
	}
	snaps, err := raft.NewFileSnapshotStoreWithLogger(l.o.Dir, retain, log)
	if err != nil {
		return nil, fmt.Errorf("open snapshots: %w", err)
	}
	metas, err := snaps.List()
	if err != nil {
		return nil, fmt.Errorf("list snapshots: %w", err)
	}
	check := func(last uint64) error {
		if last > 0 && last < newest(metas) {
			return missing(last, newest(metas), "snapshot")
		}
		return l.covers(max(last, newest(metas)))
	}
	s, err := openStore(filepath.Join(l.o.Dir, "wal"), l.o.SegmentBytes, l.met, log, check, l.fail)
	if err != nil {
		return nil, err
	}
	s.lost = l.o.lost
	n := &node{store: s, snaps: snaps, leads: make(chan bool, 64)}
	if err := l.startRaft(ctx, n); err != nil {
		return nil, errors.Join(err, n.stop())
	}
	return n, nil
}

// setAside moves snapshots that cannot be read out of the way, if the log still
// reaches back to its first entry and can make the state again without them.
func (l *Ledger) setAside(n *node, cause error) bool {
	if first, err := n.store.FirstIndex(); err != nil || first != 1 || l.Head().Index != 0 {
		return false
	}
	from := filepath.Join(l.o.Dir, "snapshots")
	to := fmt.Sprintf("%s-damaged-%d", from, time.Now().Unix())
	if err := os.Rename(from, to); err != nil {
		return false
	}
	snaps, err := raft.NewFileSnapshotStoreWithLogger(l.o.Dir, retain, engineLog(l.o.Log))
	if err != nil {
		return false
	}
	n.snaps = snaps
	l.o.Log.Error("no snapshot can be read: they are set aside, and the whole log is replayed", "cause", cause, "aside", to)
	return true
}

// covers refuses a log that ends before what is known to have been there.
func (l *Ledger) covers(last uint64) error {
	if head := l.Head(); last < head.Index {
		return missing(last, head.Index, "applied")
	}
	for _, p := range l.fsm.expect {
		if last < p.Index {
			return missing(last, p.Index, p.who)
		}
	}
	return nil
}

func (l *Ledger) startRaft(ctx context.Context, n *node) error {
	c := raftConfig()
	c.Logger, c.NotifyCh = engineLog(l.o.Log), n.leads
	_, trans := raft.NewInmemTransport(localID)
	if err := n.bootstrap(); err != nil {
		return fmt.Errorf("begin a new log: %w", err)
	}
	var err error
	n.raft, err = raft.NewRaft(c, l.fsm, n.store, n.store, n.snaps, trans)
	if err != nil && l.setAside(n, err) {
		n.raft, err = raft.NewRaft(c, l.fsm, n.store, n.store, n.snaps, trans)
	}
	if err != nil {
		return errors.Join(l.Err(), fmt.Errorf("open ledger %s: %w; %s", l.o.Dir, err, remedy))
	}
	if err := n.lead(ctx); err != nil {
		return errors.Join(l.Err(), err)
	}
	if l.hasFailed() {
		return l.err
	}
	// A log can be whole and still too short: raft's own entries count above.
	return l.covers(l.Head().Index)
}

// lead waits until raft leads and all that is committed is applied.
func (n *node) lead(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	for {
		select {
		case lead := <-n.leads:
			if !lead {
				continue
			}
		case <-n.store.broken:
			return fmt.Errorf("begin to lead: %w", n.store.cause)
		case <-ctx.Done():
			return fmt.Errorf("begin to lead: %w", context.Cause(ctx))
		}
		if err := n.raft.Barrier(0).Error(); err == nil {
			return nil
		}
	}
}

// bootstrap writes the first record of a new log. raft's own way leaves a log
// that never leads when the process dies between its two writes.
func (n *node) bootstrap() error {
	last, err := n.store.LastIndex()
	if err != nil || last > 0 {
		return err
	}
	metas, err := n.snaps.List()
	if err != nil || len(metas) > 0 {
		return err
	}
	conf := raft.EncodeConfiguration(clusterOfOne())
	return n.store.StoreLog(&raft.Log{Index: 1, Term: 1, Type: raft.LogConfiguration, Data: conf})
}

func clusterOfOne() raft.Configuration {
	return raft.Configuration{Servers: []raft.Server{{Suffrage: raft.Voter, ID: localID, Address: localID}}}
}

// dropUnfinished removes snapshots that were never completed: they keep space.
func dropUnfinished(dir string) error {
	list, err := os.ReadDir(filepath.Join(dir, "snapshots"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("list snapshots: %w", err)
	}
	for _, e := range list {
		if strings.HasSuffix(e.Name(), ".tmp") {
			if err := os.RemoveAll(filepath.Join(dir, "snapshots", e.Name())); err != nil {
				return fmt.Errorf("remove an unfinished snapshot: %w", err)
			}
		}
	}
	return nil
}

// stop ends raft and closes the log. raft waits for a snapshot being written.
func (n *node) stop() error {
	var err error
	if n.raft != nil {
		err = n.raft.Shutdown().Error()
	}
	return errors.Join(err, n.store.close())
}

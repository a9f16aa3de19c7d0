package tape

import "github.com/tomeishi/tomeishi/collector/entry"

// Append takes an entry; one that it has is skipped. raw must not change
// afterwards. It waits while the queue is full, but not for a disk that cannot
// be written: then the tape lags.
func (t *Tape) Append(index uint64, raw []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if index <= t.last || t.lagging || t.closed {
		return
	}
	if t.cur != nil && t.cur.size+len(raw) > t.o.FrameBytes {
		if !t.sealRoom() {
			return
		}
	}
	if t.cur == nil {
		t.cur = &block{prev: t.last}
	}
	t.cur.items = append(t.cur.items, entry.Sealed{Index: index, Raw: raw})
	t.cur.size += len(raw)
	t.last = index
	t.met.entries.Inc()
}

// sealRoom queues the current block when there is room; t.mu is held. It
// returns false if the tape lags or is closed.
func (t *Tape) sealRoom() bool {
	for len(t.queue) >= t.o.Queue && t.failing == nil && !t.closed {
		t.changed.Wait()
	}
	if t.closed {
		return false
	}
	if len(t.queue) >= t.o.Queue {
		t.lag(t.failing)
		return false
	}
	t.seal()
	return true
}

// lag stops taking entries; t.mu is held.
func (t *Tape) lag(err error) {
	t.lagging = true
	t.met.lagging.Set(1)
	t.o.Log.Error("the tape cannot be written and takes no more entries until a restart", "error", err, "last", t.last)
	t.changed.Broadcast()
}

// seal moves the current block to the queue; t.mu is held.
func (t *Tape) seal() {
	if t.cur == nil {
		return
	}
	t.queue = append(t.queue, t.cur)
	t.cur = nil
	t.signal()
}

func (t *Tape) signal() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// Expect is told that entries up to through were applied before those that will
// be appended next: the ledger was restored from a snapshot there. If the tape
// ends before, the hole is recorded, so that it is never taken for nothing.
func (t *Tape) Expect(through uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last >= through {
		return
	}
	t.met.damaged.Inc()
	t.o.Log.Error("the tape ends before the ledger's snapshot; entries are missing from it", "last", t.last, "snapshot", through)
	t.seal()
	t.last = through
}

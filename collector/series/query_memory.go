package series

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// memory keeps queries of people from taking the memory that gates and rules
// need. The engine counts samples; what it holds beside them (a slice of points
// for each series of a result, copies, labels) can be a hundred times as much.
// So what the process holds is looked at while queries run, and when it is too
// much beyond what there was before them, they end.
type memory struct {
	room   uint64     // for what queries hold together
	giving sync.Mutex // held while memory is given back

	mu     sync.Mutex // guards what follows
	users  int
	before uint64 // held when the first of them began
}

const (
	// maxQueryMemory is what queries of people may hold together.
	maxQueryMemory = 256 << 20
	// bigQuery is from when on memory is given back after a query.
	bigQuery  = 32 << 20
	heldEvery = 5 * time.Millisecond
)

var errMemory = errors.New("the query needs more memory than there is for queries: ask for fewer series, a shorter range or a longer step")

// held is what the process holds, or has not collected yet.
func held() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// watch ends the context that it returns when queries hold too much. done is
// called when the query is over, and says whether it was big.
func (m *memory) watch(ctx context.Context) (query context.Context, done func() (big bool)) {
	m.mu.Lock()
	if m.users++; m.users == 1 {
		m.before = held()
	}
	before := m.before
	m.mu.Unlock()
	query, cancel := context.WithCancelCause(ctx)
	var looking sync.WaitGroup
	var most uint64
	looking.Go(func() { most = m.look(query, before, cancel) })
	return query, sync.OnceValue(func() bool {
		cancel(nil)
		looking.Wait()
		if most > bigQuery {
			m.giveBack()
		}
		m.mu.Lock()
		m.users--
		m.mu.Unlock()
		return most > bigQuery
	})
}

// look returns the most that was held beyond before until ctx ended. What only
// waits to be collected does not count against a query.
func (m *memory) look(ctx context.Context, before uint64, cancel context.CancelCauseFunc) (most uint64) {
	tick := time.NewTicker(heldEvery)
	defer tick.Stop()
	beyond := func() uint64 { return max(held(), before) - before }
	for {
		now := beyond()
		most = max(most, now)
		if now > m.room {
			if runtime.GC(); beyond() > m.room {
				cancel(errMemory)
			}
		}
		select {
		case <-ctx.Done():
			return most
		case <-tick.C:
		}
	}
}

// giveBack returns memory to the system. The engine pools slices of points; a
// pool lets go of them at the second collection.
func (m *memory) giveBack() {
	if !m.giving.TryLock() {
		return // somebody does
	}
	defer m.giving.Unlock()
	runtime.GC()
	debug.FreeOSMemory()
}

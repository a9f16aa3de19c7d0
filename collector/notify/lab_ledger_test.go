package notify_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// feed is the machine's side: what changed since somebody took, in the order in
// which it was raised.
type feed struct {
	mu     sync.Mutex
	alerts map[string]machine.Alert
	order  []string
	fresh  map[string]bool
	news   chan struct{}
}

func newFeed() *feed {
	return &feed{alerts: map[string]machine.Alert{}, fresh: map[string]bool{}, news: make(chan struct{}, 1)}
}

func (f *feed) News() <-chan struct{} { return f.news }

func (f *feed) Take() []machine.Alert {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []machine.Alert
	for _, id := range f.order {
		if f.fresh[id] {
			out = append(out, f.alerts[id])
		}
	}
	clear(f.fresh)
	return out
}

func (f *feed) tell(alerts ...machine.Alert) {
	f.mu.Lock()
	for _, a := range alerts {
		if _, known := f.alerts[a.ID]; !known {
			f.order = append(f.order, a.ID)
		}
		f.alerts[a.ID], f.fresh[a.ID] = a, true
	}
	f.mu.Unlock()
	select {
	case f.news <- struct{}{}:
	default:
	}
}

// again is a feed that begins with everything that this one has told.
func (f *feed) again() *feed {
	g := newFeed()
	for _, id := range f.order {
		g.tell(f.alerts[id])
	}
	return g
}

// book stands for the ledger: it keeps what is proposed.
type book struct {
	mu     sync.Mutex
	notes  []entry.NotifyState
	news   chan struct{}
	refuse func(entry.NotifyState) error // asked before anything is kept
}

func newBook() *book { return &book{news: make(chan struct{})} }

func (b *book) propose(_ context.Context, n entry.NotifyState) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuse != nil {
		if err := b.refuse(n); err != nil {
			return err
		}
	}
	b.notes = append(b.notes, n)
	close(b.news)
	b.news = make(chan struct{})
	return nil
}

// refusing sets what is asked before anything is kept.
func (b *book) refusing(refuse func(entry.NotifyState) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuse = refuse
}

// kept is what the machine would give back: of two with one key the one that
// was updated last.
func (b *book) kept() []entry.NotifyRecord {
	b.mu.Lock()
	defer b.mu.Unlock()
	last := map[string]entry.NotifyRecord{}
	for _, n := range b.notes {
		for _, k := range n.Kept {
			if of := k.Of + "\x00" + k.Key; k.Updated > last[of].Updated {
				last[of] = k
			}
		}
	}
	return slices.SortedFunc(maps.Values(last), func(x, y entry.NotifyRecord) int {
		return strings.Compare(x.Of+x.Key, y.Of+y.Key)
	})
}

func (b *book) told() []entry.Notification {
	b.mu.Lock()
	defer b.mu.Unlock()
	var told []entry.Notification
	for _, n := range b.notes {
		told = append(told, n.Told...)
	}
	return told
}

// actors are who changed silences, in order.
func (b *book) actors() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var actors []string
	for _, n := range b.notes {
		if slices.ContainsFunc(n.Kept, func(k entry.NotifyRecord) bool { return k.Of == entry.KeptSilence }) {
			actors = append(actors, n.Actor)
		}
	}
	return actors
}

// await waits until ok is true of the book.
func (b *book) await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	over := time.After(patience)
	for {
		b.mu.Lock()
		news := b.news
		b.mu.Unlock()
		if ok() {
			return
		}
		select {
		case <-news:
		case <-over:
			t.Fatalf("waited %v in vain: %s; the ledger has %+v", patience, what, b.notes)
		}
	}
}

// awaitTold waits until the ledger says n times that somebody was told.
func (b *book) awaitTold(t testing.TB, n int) []entry.Notification {
	t.Helper()
	b.await(t, fmt.Sprintf("%d notifications in the ledger", n), func() bool { return len(b.told()) >= n })
	return b.told()
}

package machine

import (
	"slices"
	"sync"
	"time"
)

const (
	// lately is for how long an alert that has ended is still known, so that
	// people can be told after a restart that it is over.
	lately = 24 * time.Hour
	// maxGone bounds those alerts.
	maxGone = 5000
	// maxPending bounds what a reader of a feed has left; beyond, it begins anew.
	maxPending = 50_000
)

// A Feed tells one reader which alerts were raised, joined an incident or have
// ended.
type Feed struct {
	m    *Machine
	news chan struct{}

	mu      sync.Mutex // guards what follows; taken after the machine's
	pending map[string]*Alert
	anew    bool              // all are to be taken
	stand   map[string]*Alert // that stand, as far as the reader knows
}

// Follow begins a feed. Its first Take has every alert that stands, and those
// that ended lately.
func (m *Machine) Follow() *Feed {
	f := &Feed{m: m, news: make(chan struct{}, 1), anew: true}
	f.news <- struct{}{}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.feeds = append(m.feeds, f)
	return f
}

// News has a value when there may be something to take.
func (f *Feed) News() <-chan struct{} { return f.news }

// Take are the alerts that were raised, joined an incident or ended since the
// last Take, as they are now, in the order they were raised. A reader that was
// slow may get some again.
func (f *Feed) Take() []Alert {
	f.m.mu.RLock()
	defer f.m.mu.RUnlock()
	f.mu.Lock()
	pending := f.pending
	if f.anew {
		pending = f.m.tellable()
		f.addLost(pending)
	}
	f.pending, f.anew = nil, false
	f.note(pending)
	f.mu.Unlock()
	out := make([]Alert, 0, len(pending))
	for _, a := range pending {
		out = append(out, a.copy())
	}
	slices.SortFunc(out, func(a, b Alert) int { return compareAlerts(&a, &b) })
	return out
}

// addLost adds the alerts that stand as far as the reader knows, and of whose end
// the machine no longer knows: else the reader would keep them for ever.
func (f *Feed) addLost(pending map[string]*Alert) {
	for id, a := range f.stand {
		if pending[id] != nil {
			continue
		}
		lost := *a
		if lost.Ended == 0 { // another state took the place of the one in which it stood
			lost.Ended = max(f.m.Time, a.Updated, a.Raised)
		}
		pending[id] = &lost
	}
}

// note notes what the reader takes.
func (f *Feed) note(pending map[string]*Alert) {
	if f.stand == nil {
		f.stand = map[string]*Alert{}
	}
	for id, a := range pending {
		if a.Ended == 0 {
			f.stand[id] = a
		} else {
			delete(f.stand, id)
		}
	}
}

func (m *Machine) tellable() map[string]*Alert {
	all := make(map[string]*Alert, m.firing+len(m.Gone))
	for _, a := range m.Gone {
		all[a.ID] = a
	}
	for _, a := range m.Alerts {
		if a.Ended == 0 {
			all[a.ID] = a
		}
	}
	return all
}

func (f *Feed) add(alerts []*Alert) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.anew:
	case len(f.pending)+len(alerts) > maxPending:
		f.pending, f.anew = nil, true
	default:
		if f.pending == nil {
			f.pending = make(map[string]*Alert, len(alerts))
		}
		for _, a := range alerts {
			f.pending[a.ID] = a
		}
	}
	f.wake()
}

func (f *Feed) wake() {
	select {
	case f.news <- struct{}{}:
	default:
	}
}

// touch notes for the feeds that an alert was raised, joined or ended.
func (m *Machine) touch(a *Alert) {
	m.versions.Alerts++
	if len(m.feeds) > 0 {
		m.touched = append(m.touched, a)
	}
}

// publish hands on what this entry has touched.
func (m *Machine) publish() {
	if len(m.touched) == 0 {
		return
	}
	for _, f := range m.feeds {
		f.add(m.touched)
	}
	m.touched = nil
}

// anew makes every feed begin again: the state is another one.
func (m *Machine) anew() {
	m.touched = nil
	for _, f := range m.feeds {
		f.mu.Lock()
		f.pending, f.anew = nil, true
		f.wake()
		f.mu.Unlock()
	}
}

// goneBy remembers for a while an alert that ends, without what only counting
// needs.
func (m *Machine) goneBy(a *Alert) {
	gone := *a
	gone.Keys, gone.Opened, gone.Released = nil, nil, nil
	gone.Evidence = slices.Clone(a.Evidence[max(0, len(a.Evidence)-10):])
	m.Gone = append(m.Gone, &gone)
	m.gone[gone.ID] = &gone
	m.forgetGone()
}

// forgetGone forgets the alerts that ended too long ago, and the oldest of too
// many.
func (m *Machine) forgetGone() {
	drop := 0
	if len(m.Gone) > maxGone+maxGone/10 {
		drop = len(m.Gone) - maxGone
	}
	for drop < len(m.Gone) && m.Gone[drop].Ended < m.Time-int64(lately) {
		drop++
	}
	for _, a := range m.Gone[:drop] {
		delete(m.gone, a.ID)
	}
	if drop > 0 {
		m.Gone = slices.Delete(m.Gone, 0, drop)
	}
}

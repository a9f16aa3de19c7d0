package report

import (
	"container/list"
	"slices"
	"sync"
)

const (
	mostLanes  = 4096
	mostMemory = 128 << 20 // bytes of frames and schemas, about
	mostBases  = 4         // of one lane: two senders, each with the frame before and the one that it sends
)

// memory is what a decoder keeps: the last frames of the lanes that were heard
// last.
type memory struct {
	mu     sync.Mutex // guards what follows
	lanes  map[laneKey]*list.Element
	recent list.List // of *laneMemory, the last heard first
	size   int       // bytes of all, about
}

type laneKey struct {
	agent string
	lane  SpoolID
}

// A laneMemory holds the last frames under one set of labels and one schema.
type laneMemory struct {
	key    laneKey
	labels []Attr
	schema *Schema
	bases  []*base // the last used first; only their on ever changes
}

func (l *laneMemory) size() int {
	n := 512 + l.schema.size + len(l.bases)*8*len(l.schema.series)
	for _, a := range l.labels {
		n += 32 + len(a.Name) + len(a.Value)
	}
	return n
}

// find returns what a difference builds on, or nil for from.
func (m *memory) find(key laneKey, id [16]byte, time int64, sum uint64) (labels []Attr, schema *Schema, from *base) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.lanes[key]
	if e == nil {
		return nil, nil, nil
	}
	l := e.Value.(*laneMemory)
	i := slices.IndexFunc(l.bases, func(b *base) bool { return b.time == time && b.sum == sum })
	if i < 0 || l.schema.id != id {
		return nil, nil, nil
	}
	return l.labels, l.schema, l.bases[i]
}

// keep remembers the last frame of s, which was built on from.
func (m *memory) keep(s *Samples, from *base) {
	last := new(base)
	last.set(&s.Frames[len(s.Frames)-1], s.Labels)
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.lane(s)
	m.size -= l.size()
	l.build(from, last)
	m.size += l.size()
	for m.recent.Len() > mostLanes || m.size > mostMemory && m.recent.Len() > 1 {
		oldest := m.recent.Remove(m.recent.Back()).(*laneMemory)
		delete(m.lanes, oldest.key)
		m.size -= oldest.size()
	}
}

// lane makes the memory of s's lane the most recent one.
func (m *memory) lane(s *Samples) *laneMemory {
	key := laneKey{s.Agent, s.Lane}
	e := m.lanes[key]
	if e == nil {
		if m.lanes == nil {
			m.lanes = map[laneKey]*list.Element{}
		}
		e = m.recent.PushFront(&laneMemory{key: key, labels: slices.Clone(s.Labels), schema: s.Schema})
		m.lanes[key] = e
		m.size += e.Value.(*laneMemory).size()
	}
	m.recent.MoveToFront(e)
	l := e.Value.(*laneMemory)
	if l.schema.id != s.Schema.id || !slices.Equal(l.labels, s.Labels) {
		m.size -= l.size()
		l.labels, l.schema, l.bases = slices.Clone(s.Labels), s.Schema, nil
		m.size += l.size()
	}
	return l
}

// build notes that last was built on from, which the sender then has an
// acknowledgment of: it never builds again on what from was built on. What else
// was built on from has no acknowledgment.
func (l *laneMemory) build(from, last *base) {
	if from.values != nil { // not sent whole
		l.bases = slices.DeleteFunc(l.bases, func(o *base) bool { return o == from.on || o.on == from })
		from.on, last.on = nil, from
		l.use(from)
	}
	l.use(last)
}

// use puts b first.
func (l *laneMemory) use(b *base) {
	l.bases = slices.DeleteFunc(l.bases, func(o *base) bool { return o.time == b.time && o.sum == b.sum })
	l.bases = slices.Insert(l.bases, 0, b)
	l.bases = slices.Delete(l.bases, min(len(l.bases), mostBases), len(l.bases))
}

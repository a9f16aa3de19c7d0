package join

import (
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

// pending is what is still to be judged of a key.
type pending struct {
	text  []byte
	spans []span
	proof int64 // when the first of it can be proven; 0 for never
	grace int64 // when the first of it is told without proof; 0 for never
}

// A span is times of events that are to be judged: an event has come since that may
// change what is true of them.
type span struct {
	from, to int64
	came     int64 // when that event came, if it was late: grace begins then
	told     bool  // that it is true, without proof
	owed     bool  // something was forgotten that may count with them
}

// mostSpans bounds the spans of a key; beyond it some are made one, and more is judged
// again than must be.
const mostSpans = 64

// put adds a span to those of a key.
func (p *pending) put(next span) {
	for i := len(p.spans) - 1; i >= 0; i-- {
		old := &p.spans[i]
		if old.told == next.told && old.owed == next.owed && (old.came == 0) == (next.came == 0) && old.from <= next.to && next.from <= old.to {
			old.cover(next)
			return
		}
	}
	p.spans = append(p.spans, next)
	if len(p.spans) > mostSpans {
		first := &p.spans[0]
		for _, other := range p.spans[1:] {
			first.cover(other)
		}
		p.spans = p.spans[:1]
	}
}

// cover takes in another span. Nothing of either is told later because of it.
func (s *span) cover(o span) {
	s.from, s.to = min(s.from, o.from), max(s.to, o.to)
	s.came = min(s.came, o.came)
	s.told, s.owed = s.told && o.told, s.owed || o.owed
}

// pendingOf is what is pending of a key, which has this text.
func (s *state) pendingOf(key window.Key, text []byte) *pending {
	p := s.pending[key]
	if p != nil {
		return p
	}
	if n := len(s.spare); n > 0 {
		p, s.spare = s.spare[n-1], s.spare[:n-1]
	} else {
		p = &pending{}
	}
	p.text = append(p.text[:0], text...)
	s.pending[key] = p
	return p
}

// mostRoom bounds the room that is kept for keys to come.
const mostRoom = 1024

// remind sees to it that a key is judged in time, or forgets it when nothing is
// pending of it. What is of the last moment that matters may still come in it.
func (s *state) remind(key window.Key, p *pending) {
	proof, grace := int64(0), int64(0)
	for _, sp := range p.spans {
		if at := sp.from + s.settle + 1; !sp.owed && (proof == 0 || at < proof) {
			proof = at
		}
		if at := s.graceOf(sp); at != 0 && (grace == 0 || at < grace) {
			grace = at
		}
	}
	if proof != p.proof && proof != 0 {
		s.proofs.push(reminder{proof, key})
	}
	if grace != p.grace && grace != 0 {
		s.graces.push(reminder{grace, key})
	}
	p.proof, p.grace = proof, grace
	if len(p.spans) == 0 {
		delete(s.pending, key)
		if len(s.spare) < mostRoom {
			s.spare = append(s.spare, p)
		}
	}
}

// wake says when there may be something to say of a key.
func (p *pending) wake(say *form.Say) {
	at := p.proof
	if at == 0 {
		at = p.grace
	}
	if at != 0 && (say.Wake == 0 || at < say.Wake) {
		say.Wake = at
	}
}

// owedFor is how long what may be told again is waited for.
const owedFor = int64(24 * time.Hour)

// graceOf is when the first events of a span are told without proof, or given up; 0 for
// never.
func (s *state) graceOf(sp span) int64 {
	at := max(sp.from+s.settle, sp.came) + s.grace + 1
	switch {
	case !sp.told:
		return at
	case sp.owed:
		return at + owedFor
	}
	return 0
}

// proofDue is the first key that can be proven and when; graceDue the first that is
// told without proof.
func (s *state) proofDue() (reminder, bool) {
	return s.proofs.first(func(r reminder) bool { p := s.pending[r.key]; return p != nil && p.proof == r.at })
}

func (s *state) graceDue() (reminder, bool) {
	return s.graces.first(func(r reminder) bool { p := s.pending[r.key]; return p != nil && p.grace == r.at })
}

// A reminder says when to look at a key. One of another time than the key's is void.
type reminder struct {
	at  int64
	key window.Key
}

func (r reminder) before(o reminder) bool {
	if r.at != o.at {
		return r.at < o.at
	}
	return slices.Compare(r.key[:], o.key[:]) < 0
}

// A queue is reminders, the first of them first. Its order shows nowhere but there.
type queue []reminder

func (q *queue) push(r reminder) {
	*q = append(*q, r)
	h := *q
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h[i].before(h[up]) {
			return
		}
		h[up], h[i] = h[i], h[up]
		i = up
	}
}

// first is the first reminder that is not void.
func (q *queue) first(valid func(reminder) bool) (reminder, bool) {
	for len(*q) > 0 {
		if r := (*q)[0]; valid(r) {
			return r, true
		}
		q.pop()
	}
	return reminder{}, false
}

func (q *queue) pop() {
	h := *q
	n := len(h) - 1
	h[0] = h[n]
	*q = h[:n]
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < n; c++ {
			if h[c].before(h[least]) {
				least = c
			}
		}
		if least == i {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

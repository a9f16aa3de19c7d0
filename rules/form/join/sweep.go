package join

import (
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

// A sweep is what is to be done with every key because of events that belong to all and
// are of times that were judged already.
type sweep struct {
	from, to int64 // of the events
	came     int64 // when the first of them came
	owed     bool  // something was forgotten that may count with them
	next     int   // the place of the key that comes next
}

// sweepLater has every key judged anew. What has not begun takes in what comes.
func (s *state) sweepLater(next sweep) {
	if n := len(s.sweeps); n > 0 && s.sweeps[n-1].next == 0 {
		old := &s.sweeps[n-1]
		old.from, old.to = min(old.from, next.from), max(old.to, next.to)
		old.owed = old.owed || next.owed
		return
	}
	s.sweeps = append(s.sweeps, next)
}

// sweep goes over the keys, some of them at one time, and says of the first that is owed
// something that it is.
func (s *state) sweep(now int64, say *form.Say) bool {
	if s.sweptAt != now {
		s.sweptAt, s.swept = now, 0
	}
	for len(s.sweeps) > 0 && s.swept < mostLooks {
		w := &s.sweeps[0]
		if w.next == len(s.order) {
			s.sweeps = s.sweeps[1:]
			continue
		}
		key := s.order[w.next]
		w.next++
		s.swept++
		if s.firstPoint(key, w.from) > w.to+s.reach {
			continue
		}
		p := s.pendingOf(key, s.texts[key])
		s.touch(w.came, key, p, w.from, w.to, w.owed)
		s.remind(key, p)
		if w.owed {
			say.Key, say.Text, say.Recount, say.Since = key, s.texts[key], true, w.from
			return true
		}
	}
	return false
}

// dropKeys forgets the texts of keys of which nothing is held.
func (s *state) dropKeys() {
	kept, places := s.order[:0], make([]int, len(s.sweeps))
	for at, key := range s.order {
		if s.firstPoint(key, -far) == far {
			delete(s.texts, key)
			continue
		}
		for i, w := range s.sweeps {
			if at < w.next {
				places[i]++
			}
		}
		kept = append(kept, key)
	}
	s.order = kept
	for i := range s.sweeps {
		s.sweeps[i].next = places[i]
	}
}

func appendSweeps(b []byte, all []sweep) []byte {
	b = le.AppendUint32(b, uint32(len(all)))
	for _, w := range all {
		for _, word := range []uint64{uint64(w.from), uint64(w.to), uint64(w.came), bit(w.owed), uint64(w.next)} {
			b = le.AppendUint64(b, word)
		}
	}
	return b
}

func (in *loader) sweeps(keys int) (all []sweep) {
	for range in.count(40) {
		w := sweep{from: int64(in.word()), to: int64(in.word()), came: int64(in.word()), owed: in.word() == 1, next: int(in.word())}
		in.bad = in.bad || w.next < 0 || w.next > keys
		all = append(all, w)
	}
	return all
}

// loadTexts reads the texts of keys, in the order in which they came.
func (s *state) loadTexts(in *loader) {
	for range in.count(20) {
		k := window.Key{in.word(), in.word()}
		in.bad = in.bad || s.texts[k] != nil
		if text := in.text(); !in.bad {
			s.texts[k], s.order = text, append(s.order, k)
		}
	}
}

func (s *state) appendTexts(b []byte) []byte {
	b = le.AppendUint32(b, uint32(len(s.order)))
	for _, k := range s.order {
		b = appendText(le.AppendUint64(le.AppendUint64(b, k[0]), k[1]), s.texts[k])
	}
	return b
}

package join

import (
	"math"
	"slices"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

var _ form.Shedder = (*state)(nil)

// Shed implements form.Shedder: each side by itself, because what is asked of a key asks
// what all of them lack. Where a side belongs to every key nothing goes: its events ask keys
// anew, and of one that was shed nobody would know.
func (s *state) Shed(now int64, part int, last bool, spared func(window.Key) bool) (keys int) {
	going := s.Shedding()
	for i, t := range s.tables {
		if !s.common && (!going || t.Shedding()) {
			keys += t.Shed(now, part, func(k window.Key, accepted bool) bool {
				return !last && (accepted || s.wanted(i, k)) || spared(k)
			})
		}
	}
	return keys
}

// wanted tells whether something is still to be said of a key, or is known of it that
// the tape may not have.
func (s *state) wanted(i int, k window.Key) bool {
	return s.pending[k] != nil || s.stands[k] || s.gone[i][k] != nil
}

// Shedding implements form.Shedder.
func (s *state) Shedding() bool { return slices.ContainsFunc(s.tables, (*window.Table).Shedding) }

// lacksUntil is the latest time of an event of a key that may count with one that was
// shed, or be judged with it.
func (s *state) lacksUntil(key window.Key) int64 {
	until := int64(math.MinInt64 / 2)
	for i, t := range s.tables {
		if s.sides[i].keyed {
			until = max(until, t.LacksUntil(key))
		}
	}
	return until
}

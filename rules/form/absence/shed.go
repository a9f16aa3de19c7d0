package absence

import (
	"slices"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

var _ form.Shedder = (*state)(nil)

// Shed implements form.Shedder. A key of which only what excuses is held goes first; what
// must be followed, and would never be told of any more, goes last.
func (s *state) Shed(_ int64, part int, last bool, spared func(window.Key) bool) int {
	n, latest := s.table.Shed(part, func(k window.Key, body []byte) (int64, bool) {
		s.held.read(body)
		items := s.held.items
		needed := slices.ContainsFunc(items, func(it item) bool { return !it.is(excuse) })
		return items[len(items)-1].time, (last || !needed) && !spared(k)
	})
	if n > 0 {
		s.forgot = max(s.forgot, latest)
	}
	return n
}

// Shedding implements form.Shedder.
func (s *state) Shedding() bool { return s.table.Shedding() }

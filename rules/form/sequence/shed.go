package sequence

import (
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

var _ form.Shedder = (*state)(nil)

// Shed implements form.Shedder.
func (s *state) Shed(now int64, part int, last bool, spared func(window.Key) bool) int {
	return s.table.Shed(now, part, func(k window.Key, accepted bool) bool {
		return accepted && !last || spared(k)
	})
}

// Shedding implements form.Shedder.
func (s *state) Shedding() bool { return s.table.Shedding() }

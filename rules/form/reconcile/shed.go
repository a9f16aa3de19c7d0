package reconcile

import (
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

var _ form.Shedder = (*state)(nil)

// Shed implements form.Shedder. A key all of whose events have partners of their time goes
// first: what comes later changes nothing of them. What is over without a partner was
// told; with last that goes too, and what waits for one.
func (s *state) Shed(_ int64, part int, last bool, spared func(window.Key) bool) int {
	n, latest := s.table.Shed(part, func(k window.Key, body []byte) (int64, bool) {
		if spared(k) {
			return 0, false
		}
		s.held.read(body)
		s.judge()
		return s.shedable(last)
	})
	if n > 0 {
		s.forgot = max(s.forgot, latest)
	}
	return n
}

// shedable tells up to when an event may go with what is held of a key, and whether that
// may be forgotten.
func (s *state) shedable(last bool) (until int64, may bool) {
	items := s.held.items
	until = items[len(items)-1].time
	for i := range items {
		if !s.m.near[i] || items[i].is(unsure) {
			if until += int64(s.within); !last {
				return 0, false
			}
			break
		}
	}
	return until, true
}

// Shedding implements form.Shedder.
func (s *state) Shedding() bool { return s.table.Shedding() }

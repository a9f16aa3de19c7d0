package sequence

import "github.com/tomeishi/tomeishi/rules/window"

// A chain is events that are the first steps of a sequence, by their places in a run.
type chain struct {
	at  [maxSteps]int32
	any bool // there is one
}

func (c *chain) first() int { return int(c.at[0]) }

// A scan goes once over events in their order. Of all that may still become a sequence
// it keeps, for each step, the one that began last: whatever follows, none does better.
type scan struct {
	*rule
	run   window.Run
	span  window.Span
	fresh bool               // what was accepted is no step; what must not come stays
	need  func(i int) bool   // a sequence must hold such an event
	found func(c chain) bool // of each event that ends one, in order; false to stop
}

// do goes over the events. The open chains of a step are all, and those that hold a
// needed event. What an event continues was open before it: so the last step is first.
func (s *scan) do() {
	var open [maxSteps][2]chain
	for i := s.span.From; i < s.span.To; i++ {
		roles := s.run.Distinct(0, i)[0]
		if s.fresh && s.run.Accepted(i) {
			roles &^= 1<<maxSteps - 1
		}
		for at := s.last; at >= 0; at-- {
			comes := roles>>at&1 != 0
			if at == s.last {
				if comes && !s.ends(&open[at-1], i) {
					return
				}
				continue
			}
			if roles>>(maxSteps+at)&1 != 0 {
				open[at] = [2]chain{}
			}
			switch {
			case comes && at == 0:
				s.begin(&open[0], i)
			case comes:
				s.goOn(&open[at], &open[at-1], i, at)
			}
		}
	}
}

// begin opens a chain.
func (s *scan) begin(open *[2]chain, i int) {
	c := chain{any: true}
	c.at[0] = int32(i)
	open[0] = c // none began later
	if s.need(i) {
		open[1] = c
	}
}

// goOn continues chains by an event.
func (s *scan) goOn(open, before *[2]chain, i, at int) {
	needed := s.need(i)
	for kind := range before {
		c := before[kind]
		if !s.fits(&c, i) {
			continue
		}
		c.at[at] = int32(i)
		later(&open[kind], &c)
		if needed {
			later(&open[1], &c)
		}
	}
}

// ends tells of a chain with a needed event that is complete; false to stop.
func (s *scan) ends(before *[2]chain, i int) bool {
	var best [2]chain
	s.goOn(&best, before, i, s.last)
	return !best[1].any || s.found(best[1])
}

// fits tells whether an event comes within the time that a chain has.
func (s *scan) fits(c *chain, i int) bool {
	return c.any && s.run.Time(i)-s.run.Time(c.first()) <= int64(s.within)
}

// later keeps the chain that began later.
func later(best, c *chain) {
	if c.any && (!best.any || c.first() >= best.first()) {
		*best = *c
	}
}

// times are the events from one time to another, both included.
func times(run window.Run, from, to int64) (s window.Span) {
	s.To = run.Len()
	for s.To > 0 && run.Time(s.To-1) > to {
		s.To--
	}
	s.From = s.To
	for s.From > 0 && run.Time(s.From-1) >= from {
		s.From--
	}
	return s
}

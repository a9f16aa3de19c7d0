package series

import (
	"slices"

	"github.com/tomeishi/tomeishi/agent/report"
)

// A stream is the frames of one agent as far as staleness needs to know them.
// A series that is absent after it was there gets Prometheus's staleness marker
// at the first frame without it. In a live stream that frame follows; what
// comes late, newest first, is put between two frames that are known, the edges
// of a gap, and gets its markers, and gives them to the frame after it, there.
type stream struct {
	layouts []*layout // the newest first
	newest  edge
	gaps    []gap // the oldest first
	heard   int64 // ledger time of its newest entry
}

// An edge is the newest or the oldest frame that is known at one side.
type edge struct {
	layout *layout
	time   int64  // Unix milliseconds; 0 is no frame
	there  []bool // which series were there; nil is none
}

// A gap is a time from which frames may still come: after low, before high.
type gap struct{ low, high edge }

const (
	// gapAfter is how long a live stream may pause, in milliseconds; an agent
	// sends every second.
	gapAfter   = 1500
	maxGaps    = 8
	maxLayouts = 4
	// forgetAfter is when nothing that matters can come late any more, in
	// nanoseconds.
	forgetAfter = int64(oldest)
)

// A sample is a value on its way to the TSDB.
type sample struct {
	layout *layout
	i      int
	time   int64 // Unix milliseconds
	value  float64
}

// take decodes samples that entered the ledger at the given time.
func (f *feeder) take(s *report.Samples, entered int64) {
	st := f.streams[s.Agent]
	if st == nil {
		st = new(stream)
		f.streams[s.Agent] = st
	}
	st.heard = entered
	l := st.layout(s)
	frames := s.Frames
	limit := entered/1e6 + ahead.Milliseconds()
	if n := slices.IndexFunc(frames, func(fr report.Frame) bool { return fr.Time > limit }); n >= 0 {
		f.refuse(reasonAhead, frames[n:])
		frames = frames[:n]
	}
	n := slices.IndexFunc(frames, func(fr report.Frame) bool { return fr.Time > st.newest.time })
	if n < 0 {
		n = len(frames)
	}
	if n > 0 {
		f.late(st, l, frames[:n])
	}
	for _, fr := range frames[n:] {
		f.live(st, l, fr)
	}
}

// repeats tells whether samples end with the frame that was the newest before.
func (f *feeder) repeats(s *report.Samples) bool {
	st := f.streams[s.Agent]
	if st == nil || s.Frames[len(s.Frames)-1].Time != st.newest.time {
		return false
	}
	f.s.met.repeated.Inc()
	return true
}

// layout finds the layout of samples, or makes it.
func (st *stream) layout(s *report.Samples) *layout {
	at := slices.IndexFunc(st.layouts, func(l *layout) bool {
		return l.schema.ID() == s.Schema.ID() && slices.Equal(l.own, s.Labels)
	})
	if at >= 0 {
		return st.layouts[at]
	}
	l := newLayout(s)
	st.layouts = slices.Insert(st.layouts, 0, l)
	st.layouts = st.layouts[:min(len(st.layouts), maxLayouts)]
	return l
}

// live takes a frame that is newer than all before.
func (f *feeder) live(st *stream, l *layout, fr report.Frame) {
	was := st.newest
	there := was.there
	if was.layout != l {
		there = f.change(was, l, fr.Time)
	}
	now := f.frame(l, fr, there)
	if was.layout == nil {
		was.layout = l // what came before the first frame may come late
	}
	if fr.Time-was.time > gapAfter && was.layout == l {
		st.gaps = append(st.gaps, gap{was, now})
		st.gaps = st.gaps[max(0, len(st.gaps)-maxGaps):]
	}
	st.newest = now
}

// change marks the series that the new layout does not have, and says which of
// the new one were there before.
func (f *feeder) change(was edge, l *layout, at int64) (there []bool) {
	if was.layout == nil {
		return nil
	}
	index := l.index()
	there = make([]bool, len(l.refs))
	for i, is := range was.there {
		if !is {
			continue
		}
		if j, stays := index[string(was.layout.labels(i).Bytes(nil))]; stays {
			there[j] = true
			continue
		}
		f.put(sample{was.layout, i, at, report.Absent})
	}
	return there
}

// frame puts the values of a frame, and markers where something was there
// before and is no more.
func (f *feeder) frame(l *layout, fr report.Frame, before []bool) edge {
	there := make([]bool, len(fr.Values))
	for i, v := range fr.Values {
		there[i] = !report.IsAbsent(v)
		if there[i] || len(before) > 0 && before[i] {
			f.put(sample{l, i, fr.Time, v})
		}
	}
	return edge{l, fr.Time, there}
}

// late takes frames that are not newer than all before.
func (f *feeder) late(st *stream, l *layout, frames []report.Frame) {
	first, last := frames[0].Time, frames[len(frames)-1].Time
	at := slices.IndexFunc(st.gaps, func(g gap) bool {
		return g.low.layout == l && g.low.time < first && last < g.high.time
	})
	var low, high edge
	if at >= 0 {
		low, high = st.gaps[at].low, st.gaps[at].high
	}
	var oldest edge
	now := low
	for i, fr := range frames {
		if now = f.frame(l, fr, now.there); i == 0 {
			oldest = now
		}
	}
	if at < 0 {
		return
	}
	for i, is := range now.there {
		if is && !high.there[i] {
			f.put(sample{l, i, high.time, report.Absent})
		}
	}
	st.gaps[at].high = oldest
}

// put puts a sample among those of the next commit.
func (f *feeder) put(s sample) {
	if !f.learning {
		f.buf = append(f.buf, s)
	}
}

// refuse counts the values of frames that are not stored.
func (f *feeder) refuse(reason string, frames []report.Frame) {
	if f.learning {
		return
	}
	for _, fr := range frames {
		for _, v := range fr.Values {
			if !report.IsAbsent(v) {
				f.s.met.refused(reason).Inc()
			}
		}
	}
}

// forget drops the streams of agents that have fallen silent.
func (f *feeder) forget() {
	for agent, st := range f.streams {
		if f.at-st.heard > forgetAfter {
			delete(f.streams, agent)
		}
	}
}

package count

import (
	"time"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// lateStands bounds how long an alert stands whose window was already over.
const lateStands = 15 * time.Minute

// A state is the windows of one rule.
type state struct {
	*rule
	table *window.Table

	aggs aggregates // room, no part of the state
}

// Add implements form.State: it puts the event into its key's window and
// judges every window that now holds it.
func (s *state) Add(now int64, e *form.Event, say *form.Say) {
	if e.Time < now-int64(s.lateness) {
		say.Late = true
		return
	}
	entry := window.Entry{Time: e.Time, Ref: e.Ref, Nums: e.Hit.Nums, Distinct: e.Distinct}
	run, place, saturated := s.table.Add(now, e.Key, &entry)
	say.Saturated, say.Withdrawn = saturated, place != run.Len()-1
	var span window.Span
	fires := run.Windows(place, func(w window.Span) bool {
		span = w
		said := s.ask(run, w)
		if said == form.Unclear && say.Fault == nil {
			say.Fault = s.mixture(run, w, e.Hit)
		}
		return said == form.True
	})
	if !fires {
		return
	}
	s.tell(run, span, say)
	say.Evidence = run.Refs(say.Evidence, window.Span{From: max(span.From, span.To-form.MaxEvidence), To: span.To})
	if say.Due <= now {
		// A late event completed a window of the past: people must still hear.
		say.Due = now + int64(min(s.within, lateStands))
	}
	say.Fresh = !run.AnyAccepted() || run.Windows(place, func(w window.Span) bool {
		fresh, w := run.Fresh(w)
		return w.From < w.To && s.ask(fresh, w) == form.True
	})
}

// tell says what is true of the window that was asked about last.
func (s *state) tell(run window.Run, w window.Span, say *form.Say) {
	say.Answer, say.Value = form.True, s.when.first(&s.aggs)
	say.Since, say.Total = run.Time(w.From), w.To-w.From
	say.Due = say.Since + int64(s.within) + 1
}

// Ask implements form.State.
func (s *state) Ask(now int64, key window.Key, say *form.Say) {
	run, ok := s.table.Get(key)
	if !ok {
		return
	}
	w := run.Recent(max(now, run.Time(run.Len()-1)))
	if w.From == w.To {
		return
	}
	switch s.ask(run, w) {
	case form.Untrue:
		return
	case form.True:
		s.tell(run, w, say)
	case form.Unclear:
		say.Answer = form.Unclear
	}
	say.Due = max(run.Time(w.From)+int64(s.within), now) + 1
}

// Due implements form.State: nothing becomes true by time alone.
func (s *state) Due() int64 { return 0 }

// Expire implements form.State.
func (s *state) Expire(int64, *form.Say) bool { return false }

// Accept implements form.State.
func (s *state) Accept(key window.Key) {
	if run, ok := s.table.Get(key); ok {
		for i := range run.Len() {
			run.Accept(i)
		}
	}
}

// Append implements form.State.
func (s *state) Append(b []byte) []byte { return s.table.Append(b) }

// Bytes implements form.State.
func (s *state) Bytes() int { return s.table.Bytes() }

// Keys implements form.State.
func (s *state) Keys() int { return s.table.Keys() }

// ask puts the condition to a window. One that holds amounts of several assets
// is unclear, and no number is computed.
func (s *state) ask(run window.Run, w window.Span) form.Answer {
	if v, _ := s.unlike(run, w); v != nil {
		return form.Unclear
	}
	s.aggregate(run, w)
	if s.when.true(&s.aggs) {
		return form.True
	}
	return form.Untrue
}

// unlike is what the window should have in common and has not, and its column;
// nil if there is nothing.
func (s *state) unlike(run window.Run, w window.Span) (v *match.Value, column int) {
	for i := range s.source.Values {
		switch v := &s.source.Values[i]; {
		case v.Kind == match.Same && !run.Same(column, w):
			return v, column
		case v.Apart():
			column++
		}
	}
	return nil, 0
}

// mixture says of what the window should not hold several.
func (s *state) mixture(run window.Run, w window.Span, hit *match.Hit) *match.Fault {
	v, column := s.unlike(run, w)
	return v.Mixed(hit.Distinct[column])
}

// aggregate computes what the condition asks of the window.
func (s *state) aggregate(run window.Run, w window.Span) {
	s.aggs.reset(run.Count(w))
	distinct, num := 0, 0
	for i := range s.source.Values {
		switch s.source.Values[i].Kind {
		case match.Same:
			distinct++ // was looked at before
		case match.Distinct:
			s.aggs.addDistinct(run.Distinct(distinct, w))
			distinct++
		case match.Sum:
			s.aggs.addNum(run.Sum(num, w))
			num++
		case match.Min:
			s.aggs.addNum(run.Min(num, w))
			num++
		case match.Max:
			s.aggs.addNum(run.Max(num, w))
			num++
		}
	}
}

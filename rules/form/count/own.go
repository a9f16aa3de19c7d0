package count

import (
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

// A condition with last() or a function of what came before is about one event and
// the window that ends there. It is asked once, when the event arrives, of what has
// arrived by then, and an event of which it is true is marked: the rule is true of its
// key until the event leaves the window.

// judgeOwn asks about an event, and marks it.
func (s *state) judgeOwn(run window.Run, at int, apart [][]byte, say *form.Say) bool {
	s.asked.ending(run, at)
	is, fault := s.asked.ask()
	if is == form.Unclear && say.Fault == nil {
		say.Fault = s.asked.whyUnclear(fault, apart)
	}
	run.Mark(at, is == form.True)
	return is == form.True
}

// freshOwn tells whether an event would act that is true: it was not accepted, and what
// was is not needed for it. What only has nothing left to be compared with acts.
func (s *state) freshOwn(run window.Run, at int) bool {
	switch {
	case run.Accepted(at):
		return false
	case !run.AnyAccepted():
		return true
	}
	s.asked.asOf(run, at, true)
	is, _ := s.asked.ask()
	return is != form.Untrue
}

// tellOwn says what is true of a marked event, whose window has been asked.
func (s *state) tellOwn(run window.Run, at int, say *form.Say) {
	span := run.EndingAt(at)
	say.Answer, say.Value = form.True, s.when.Value(&s.asked)
	say.Since, say.Total = run.Time(span.From), span.To-span.From
	say.Due = run.Time(at) + int64(s.within) + 1
}

// askOwn says what is true because of the newest marked event that is still in the
// window, and where that is; -1 if there is none.
func (s *state) askOwn(now int64, run window.Run, say *form.Say) int {
	for at := run.Len() - 1; at >= 0 && run.Time(at) >= now-int64(s.within); at-- {
		if run.Marked(at) {
			s.asked.asOf(run, at, false)
			_, _ = s.asked.ask() // for its numbers
			s.tellOwn(run, at, say)
			return at
		}
	}
	return -1
}

// sinceOwn says what is true because of the newest marked event that came after an
// entry and acts.
func (s *state) sinceOwn(now int64, run window.Run, after uint64, say *form.Say) {
	for at := run.Len() - 1; at >= 0; at-- {
		if !run.Marked(at) || run.Ref(at).Index() <= after || !s.freshOwn(run, at) {
			continue
		}
		s.asked.asOf(run, at, false)
		_, _ = s.asked.ask() // for its numbers
		s.tellOwn(run, at, say)
		say.Fresh, say.Due = true, max(say.Due, now+1)
		say.Evidence = latest(run, run.EndingAt(at), say.Evidence)
		return
	}
}

// latest are where the latest events of a span stand.
func latest(run window.Run, span window.Span, refs []window.Ref) []window.Ref {
	return run.Refs(refs[:0], window.Span{From: max(span.From, span.To-form.MaxEvidence), To: span.To})
}

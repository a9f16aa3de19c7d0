package machine

import (
	"cmp"
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/machine/dedup"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

const (
	// sameMoment is how far apart the times of two equal events may be, in
	// seconds: those who send again may read their clock again.
	sameMoment = 600
	// maxVaried bounds what is remembered of the fields that equal events of a
	// type might differ in before.
	maxVaried = 8
)

// A Varied is the fields that equal events of a type might differ in, until
// a rule set with others was live: what came before is compared without them.
type Varied struct {
	Fields [][]string // each the keys below data that lead to it
	Until  int64      // ledger time at which nothing of then is remembered
}

// A typeOf is what is known of a type of events before one comes.
type typeOf struct {
	read    bool        // a rule is about it
	excuses bool        // it keeps a rule from being true
	closer  *rules.Rule // the first that is, and closes a gate by itself
	horizon uint32      // seconds for which its events are told apart
	shape   *dedup.Shape
	before  []*dedup.Shape // of those that came under other rule sets
}

// types makes what is known of the types of events.
func (m *Machine) types(c *compiled) map[string]*typeOf {
	all, decide, varies := map[string]*typeOf{}, map[string][][]string{}, variesIn(c.set)
	of := func(name string) *typeOf {
		if all[name] == nil {
			all[name] = &typeOf{horizon: seconds(minHorizon)}
		}
		return all[name]
	}
	for i, r := range c.set.Rules {
		if e, ok := r.Body.(form.Excuser); ok {
			for _, event := range e.Excuses() {
				of(event).excuses = true
			}
		}
		for _, s := range r.Body.Sources() {
			t := of(s.Event)
			t.read, t.horizon = true, max(t.horizon, seconds(r.Body.Horizon()))
			if len(c.closes[i]) == 0 {
				continue
			}
			t.closer = cmp.Or(t.closer, r)
			for _, f := range s.Fields() {
				if a := f.Attribute(); a == "data" || a == "subject" { // the others are equal
					decide[s.Event] = append(decide[s.Event], f.Path())
				}
			}
		}
	}
	for name := range varies { // the order does not show
		of(name)
	}
	for name, before := range m.Varied { // nor here
		for _, v := range before {
			of(name).before = append(of(name).before, m.digester.Shape(v.Fields, nil))
		}
	}
	for name, t := range all { // nor here
		t.shape = m.digester.Shape(varies[name], decide[name])
	}
	return all
}

// variesIn are the fields, by type, that equal events may differ in.
func variesIn(set *rules.Set) map[string][][]string {
	all := map[string][][]string{}
	for _, e := range set.Events {
		for _, f := range e.Varies {
			all[e.Name] = append(all[e.Name], f.Path())
		}
	}
	return all
}

// vary remembers in which fields equal events might differ until another rule set
// is live.
func (m *Machine) vary(set *rules.Set) {
	for _, name := range sortedKeys(m.Varied) {
		m.Varied[name] = slices.DeleteFunc(m.Varied[name], func(v Varied) bool { return v.Until < m.Time })
		if len(m.Varied[name]) == 0 {
			delete(m.Varied, name)
		}
	}
	if m.live == nil {
		return
	}
	was, is := variesIn(m.live.set), variesIn(set)
	for name := range is {
		if _, declared := was[name]; !declared {
			was[name] = nil
		}
	}
	for name, fields := range was { // the order does not show
		if slices.EqualFunc(fields, is[name], slices.Equal) {
			continue
		}
		if m.Varied == nil {
			m.Varied = map[string][]Varied{}
		}
		until := m.Time + int64(m.typeOf(name).horizon+1)*int64(time.Second) + int64(report.MaxAhead)
		all := append(m.Varied[name], Varied{fields, until})
		m.Varied[name] = slices.Delete(all, 0, max(0, len(all)-maxVaried))
	}
}

// otherType is a type that no rule reads and of which nothing is declared.
func (m *Machine) otherType() *typeOf {
	return &typeOf{horizon: seconds(minHorizon), shape: m.digester.Shape(nil, nil)}
}

// typeOf is what is known of a type.
func (m *Machine) typeOf(name string) *typeOf {
	if m.live == nil {
		return m.otherType()
	}
	if t := m.live.types[name]; t != nil {
		return t
	}
	return m.live.other
}

// repeats tells whether an equal event was applied before, and remembers this one.
func (m *Machine) repeats(ev *report.Event, t *typeOf, ref window.Ref) bool {
	floor := m.seen.Floor()
	known := m.remember(ev, t, ref)
	if m.seen.Floor() != floor {
		m.about(repeatsForgotten, nil).About = record.New(record.AboutForgotten)
		m.builtIn(repeatsForgotten)
	}
	return known
}

// remember is repeats within what the table has room for. On the ordinary way it
// looks into one place. Where the source used the id for another content, this
// content has a place of its own.
func (m *Machine) remember(ev *report.Event, t *typeOf, ref window.Ref) bool {
	all, deciding := m.digester.Digest(ev, t.shape)
	fact := dedup.Fact{Digest: all, Ref: uint64(ref), Deciding: deciding, Time: m.ownTime(ev)}
	now, from := secondsOf(m.Time), secondsOf(m.rememberFrom(ev))
	fingerprint := m.eventPrint(ev)
	first, known := m.seen.Enter(now, from, fingerprint, t.horizon, fact)
	switch {
	case !known:
		if !m.seen.Bare(now) {
			return false
		}
		_, known = m.seen.Has(now, m.print(ev.Source, ev.ID)) // it was judged by an earlier version
		return known
	case first.Digest == all:
		m.retimed(ev, first, fact)
		return true
	}
	for _, shape := range t.before {
		digest, _ := m.digester.Digest(ev, shape)
		was, known := first, first.Digest == digest
		if !known {
			was, known = m.seen.Has(now, m.contentPrint(fingerprint, digest))
		}
		if known {
			m.retimed(ev, was, fact)
			return true
		}
	}
	was, known := m.seen.Enter(now, from, m.contentPrint(fingerprint, all), t.horizon, fact)
	if known {
		m.retimed(ev, was, fact)
		return true
	}
	m.reused(ev, reuse{first: first, second: fact, critical: first.Deciding != deciding})
	return false
}

// retimed notes a repeat; one of another time may be no repeat at all. One that says
// none is of its receipt, where the first counts as of a time that is far from it.
func (m *Machine) retimed(ev *report.Event, was, is dedup.Fact) {
	if was.Time == 0 {
		return
	}
	if is.Time == 0 {
		is.Time = secondsOf(ev.Seen)
	}
	if apart := int64(is.Time) - int64(was.Time); apart > sameMoment || apart < -sameMoment {
		m.reused(ev, reuse{first: was, second: is, repeat: true})
	}
}

// rememberFrom is the moment from which the horizon of an event counts: it may
// matter from its own time, if that is ahead.
func (m *Machine) rememberFrom(ev *report.Event) int64 {
	if at := ev.When(); at > m.Time && at <= m.Time+int64(report.MaxAhead) {
		return at
	}
	return m.Time
}

// ownTime is the time as of which an event counts, in seconds that are never 0; 0 if
// the application gave none and it was received about now.
func (m *Machine) ownTime(ev *report.Event) uint32 {
	if ev.Time == 0 && m.Time-ev.Seen <= sameMoment*int64(time.Second) {
		return 0
	}
	return max(1, secondsOf(ev.When()))
}

func secondsOf(at int64) uint32 {
	return uint32(min(max(at/int64(time.Second), 0), 1<<32-1))
}

// eventPrint is the fingerprint of source, id and type. Zero bytes keep them
// apart; none can hold one.
func (m *Machine) eventPrint(ev *report.Event) dedup.Print {
	var room [256]byte
	b := append(room[:0], ev.Source...)
	b = append(b, 0)
	b = append(b, ev.ID...)
	b = append(b, 0)
	b = append(b, ev.Type...)
	return dedup.Print(m.hash(b))
}

// contentPrint is the fingerprint of another content under the same id.
func (m *Machine) contentPrint(p dedup.Print, digest uint64) dedup.Print {
	var b [24]byte
	for i, word := range [...]uint64{p[0], p[1], digest} {
		for j := range 8 {
			b[8*i+j] = byte(word >> (8 * j))
		}
	}
	return dedup.Print(m.hash(b[:]))
}

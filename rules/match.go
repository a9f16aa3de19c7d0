package rules

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/decimal"
)

// A Hit is an event that concerns a rule. It is valid until the next Match.
type Hit struct {
	Rule int // index in Set.Rules
	// Missing says that the event lacks a field of where or by: it does not
	// count, and that is no error.
	Missing bool
	// Err is why the event cannot be judged or counted by this rule.
	Err error
	// Key is the canonical text of the by-values, each behind its length.
	Key []byte
	// Distinct and Nums are what the rule's Values ask of the event.
	Distinct [][]byte
	Nums     []decimal.Decimal
}

// A Matcher finds the rules that an event concerns. It reuses its memory and is
// not safe for concurrent use.
type Matcher struct {
	set       *Set
	slots     []value
	projector projector
	found     []int32
	hits      []Hit
	bytes     []byte
	distinct  [][]byte
	nums      []decimal.Decimal
	vars      eventVars
}

// Matcher makes a matcher of the set.
func (s *Set) Matcher() *Matcher { return &Matcher{set: s} }

// Match is what the event is to the rules of its type, in their order.
func (m *Matcher) Match(e *report.Event) []Hit {
	t := m.set.types[e.Type]
	if t == nil {
		return nil
	}
	m.hits, m.bytes, m.distinct, m.nums = m.hits[:0], m.bytes[:0], m.distinct[:0], m.nums[:0]
	m.vars = eventVars{event: e}
	m.read(t, e)
	for _, at := range m.candidates(t) {
		m.ask(&t.rules[at])
	}
	return m.hits
}

// read fills the slots of the type with the event's fields.
func (m *Matcher) read(t *eventType, e *report.Event) {
	m.slots = append(m.slots[:0], t.slots...)
	for _, a := range t.attributes {
		text := ""
		switch a.name {
		case "id":
			text = e.ID
		case "source":
			text = e.Source
		case "subject":
			text = e.Subject
		case "type":
			text = e.Type
		}
		if text != "" {
			from := len(m.bytes)
			m.bytes = append(m.bytes, text...)
			m.slots[a.slot].set(isText, m.bytes[from:len(m.bytes):len(m.bytes)])
		}
	}
	if t.data == nil || len(e.Data) == 0 || !e.JSON() {
		return
	}
	m.projector.slots = m.slots
	if !m.projector.project(e.Data, t.data) {
		for i := range m.slots {
			if !slices.ContainsFunc(t.attributes, func(a attributeSlot) bool { return a.slot == i }) {
				m.slots[i].set(isMissing, nil)
			}
		}
	}
}

// candidates are the rules that the event may concern, in order.
func (m *Matcher) candidates(t *eventType) []int32 {
	if len(t.byText) == 0 {
		return t.always
	}
	m.found = append(m.found[:0], t.always...)
	for i := range t.byText {
		ix := &t.byText[i]
		switch v := &m.slots[ix.slot]; v.kind {
		case isText:
			m.found = append(m.found, ix.rules[string(v.text)]...)
		case isMissing:
			m.found = append(m.found, ix.all...) // each must say what it lacks
		default: // no text is equal to it
		}
	}
	slices.Sort(m.found)
	return m.found
}

var errUnlike = errors.New("where compares what has no order, such as a text and a number, or objects")

// ask puts the event to one rule.
func (m *Matcher) ask(c *compiledRule) {
	v, err := yes, error(nil)
	switch {
	case c.test != nil:
		if v = c.test(m.slots); v == faulty {
			err = m.fault(c)
		}
	case c.rule.where != nil:
		v, err = interpret(c.rule.where.program, &m.vars)
		if err != nil {
			err = fmt.Errorf("where: %w", err)
		}
	}
	switch v {
	case no:
	case yes:
		m.hits = append(m.hits, m.hit(c))
	case lacks:
		m.hits = append(m.hits, Hit{Rule: c.index, Missing: true})
	case faulty:
		m.hits = append(m.hits, Hit{Rule: c.index, Err: err})
	}
}

// fault is why a test could not be decided.
func (m *Matcher) fault(c *compiledRule) error {
	for _, r := range c.reads {
		if m.slots[r.slot].broken() {
			return notDecimal(r.field)
		}
	}
	return errUnlike
}

func notDecimal(f field) error {
	return fmt.Errorf("%s is not a decimal number of at most 38 digits, 30 of them after the point", f)
}

func tooLong(f field) error {
	return fmt.Errorf("%s has more than %d bytes: too many to be told apart by", f, maxText)
}

// hit collects the key and the values.
func (m *Matcher) hit(c *compiledRule) Hit {
	h := Hit{Rule: c.index}
	from := len(m.bytes)
	for i, slot := range c.by {
		v := &m.slots[slot]
		if v.money && v.broken() {
			return Hit{Rule: c.index, Err: notDecimal(c.rule.fields[i])}
		}
		if v.long() {
			return Hit{Rule: c.index, Err: tooLong(c.rule.fields[i])}
		}
		if !m.appendKey(v) {
			return Hit{Rule: c.index, Missing: true}
		}
	}
	h.Key = m.bytes[from:len(m.bytes):len(m.bytes)]
	distinct, nums := len(m.distinct), len(m.nums)
	for i, slots := range c.values {
		if h.Err = m.value(&c.rule.Values[i], slots); h.Err != nil {
			return h
		}
	}
	h.Distinct, h.Nums = m.distinct[distinct:len(m.distinct):len(m.distinct)], m.nums[nums:len(m.nums):len(m.nums)]
	return h
}

// appendKey appends a value behind its length, which takes four bytes so that
// it can be filled in afterwards.
func (m *Matcher) appendKey(v *value) bool {
	at := len(m.bytes)
	m.bytes = append(m.bytes, 0, 0, 0, 0)
	b, ok := v.appendKey(m.bytes)
	m.bytes = b
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	return ok
}

// value adds what one of the rule's Values asks of the event. A value that is
// not there is an error: it must not pass for zero.
func (m *Matcher) value(v *Value, slots []int) error {
	switch v.Kind {
	case Distinct:
	case Same:
		return m.same(v, slots[0])
	default:
		n, ok := m.slots[slots[0]].summand()
		if !ok {
			return m.unfit(v, 0, slots)
		}
		m.nums = append(m.nums, n)
		return nil
	}
	from := len(m.bytes)
	for i, slot := range slots {
		if s := &m.slots[slot]; s.money && s.broken() || s.long() || !m.appendKey(s) {
			return m.unfit(v, i, slots)
		}
	}
	m.distinct = append(m.distinct, m.bytes[from:len(m.bytes):len(m.bytes)])
	return nil
}

// same adds what the window must have in common. That it is not there is a
// value of its own.
func (m *Matcher) same(v *Value, slot int) error {
	from := len(m.bytes)
	switch s := &m.slots[slot]; {
	case s.kind == isMissing, s.kind == isNullValue:
	case s.long():
		return tooLong(v.fields[0])
	case !m.appendKey(s):
		return fmt.Errorf("%s is neither text nor number: it is not known of what the amount is", v.fields[0])
	}
	m.distinct = append(m.distinct, m.bytes[from:len(m.bytes):len(m.bytes)])
	return nil
}

// Mixed is the error of a window that holds the event of own, its value of
// Same, beside events with others.
func (v *Value) Mixed(own []byte) error {
	asset := "without " + v.Paths[0]
	if len(own) >= 4 {
		asset = "of " + strictyaml.Clip(string(own[4:]))
	}
	return fmt.Errorf("amounts %s and of another asset in one window cannot be compared or added: add %s to `by`, or name it in `where`", asset, v.Paths[0])
}

// unfit says why a field cannot be used.
func (m *Matcher) unfit(v *Value, i int, slots []int) error {
	switch s := &m.slots[slots[i]]; {
	case s.kind == isMissing, s.kind == isNullValue:
		return fmt.Errorf("%s(%s): the event has no %s", v.Kind, v.fields[i], v.fields[i])
	case v.Kind == Distinct && s.long() && !s.money:
		return fmt.Errorf("distinct: %w", tooLong(v.fields[i]))
	case s.kind == isNumber, s.kind == isText:
		return fmt.Errorf("%s: %w", v.Kind, notDecimal(v.fields[i]))
	}
	return fmt.Errorf("%s(%s): the field is neither text nor number", v.Kind, v.fields[i])
}

// summand is the value as a number; a text that is one will do.
func (v *value) summand() (decimal.Decimal, bool) {
	switch v.kind {
	case isNumber:
		return v.number()
	case isText:
		if v.long() {
			return decimal.Decimal{}, false
		}
		n, err := decimal.ParseMoney(string(v.text))
		return n, err == nil
	default:
		return decimal.Decimal{}, false
	}
}

// Labels is the text of the hit's by-values, in the order of the rule's By. It
// is made valid UTF-8, which the data of an event may not be: labels must come
// back from a snapshot as they went in.
func (m *Matcher) Labels(h Hit) []string {
	var out []string
	for k := h.Key; len(k) >= 4; {
		n := binary.BigEndian.Uint32(k)
		out = append(out, strings.ToValidUTF8(string(k[4:4+n]), "\uFFFD"))
		k = k[4+n:]
	}
	return out
}

package match

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/agent/spelling"
	"github.com/tomeishi/tomeishi/rules/decimal"
)

// A Hit is an event that concerns a source of a rule. It is valid until the next Match.
type Hit struct {
	Rule   int // as they were given to NewIndex
	Source int // of the rule
	// Missing says that the event lacks a field of where or by: it does not
	// count, and that is no error.
	Missing bool
	// Fault is why the event cannot be judged or counted by this rule.
	Fault *Fault
	// Unread is what keeps the rule from reading the event; 0 if it has read it,
	// or if a written has() leaves it out.
	Unread Unread
	// Lack is the field that is missing or unfit; the zero Field if it is not one.
	Lack Field
	// Key is the canonical text of the by-values, each behind its length.
	Key []byte
	// Distinct and Nums are what the source's Values ask of the event.
	Distinct [][]byte
	Nums     []decimal.Decimal
}

// Unread is why a rule cannot read an event.
type Unread uint8

// What cannot be read.
const (
	UnreadWhere Unread = 1 + iota // whether the condition is true
	UnreadKey                     // the key, or what is counted
	UnreadData                    // the data: it is no JSON object
)

// Spelled is the version of the machine's behavior since which an empty text in a
// key is as good as not there, addresses have one spelling, and data that is no
// object is told apart from one without fields.
const Spelled = 3

// A Matcher finds the sources that an event concerns. It reuses its memory and is
// not safe for concurrent use.
type Matcher struct {
	index     *Index
	spelled   bool // by behavior version Spelled
	shapeless bool // the data of the event is no object
	aside     bool // who reports the event may not report its type
	slots     []value
	projector projector
	found     []int32
	hits      []Hit
	bytes     []byte
	distinct  [][]byte
	nums      []decimal.Decimal
	vars      eventVars
}

// Matcher makes a matcher that judges by a version of the machine's behavior.
func (x *Index) Matcher(behavior uint32) *Matcher {
	return &Matcher{index: x, spelled: behavior >= Spelled}
}

// Match is what the event is to the sources of its type, in their order.
func (m *Matcher) Match(e *report.Event) []Hit {
	t := m.index.types[e.Type]
	m.aside = t != nil && t.reporters != nil && !t.reporters[e.Source]
	if t == nil || m.aside {
		return nil
	}
	m.hits, m.bytes, m.distinct, m.nums = m.hits[:0], m.bytes[:0], m.distinct[:0], m.nums[:0]
	m.vars = eventVars{event: e, money: t.money}
	m.read(t, e)
	for _, at := range m.candidates(t) {
		m.ask(&t.sources[at])
	}
	return m.hits
}

// Aside tells whether the event of the last Match is set aside, because of who
// reports it.
func (m *Matcher) Aside() bool { return m.aside }

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
	m.shapeless = false
	if t.data == nil || len(e.Data) == 0 {
		return
	}
	if !e.JSON() {
		m.shapeless = m.spelled
		return
	}
	m.projector.slots = m.slots
	if !m.projector.project(e.Data, t.data) {
		m.shapeless = m.spelled
		for i := range m.slots {
			if !slices.ContainsFunc(t.attributes, func(a attributeSlot) bool { return a.slot == i }) {
				m.slots[i].set(isMissing, nil)
			}
		}
	}
}

// candidates are the sources that the event may concern, in order.
func (m *Matcher) candidates(t *eventType) []int32 {
	if len(t.byText) == 0 {
		return t.always
	}
	m.found = append(m.found[:0], t.always...)
	for i := range t.byText {
		ix := &t.byText[i]
		switch v := &m.slots[ix.slot]; v.kind {
		case isText:
			m.found = append(m.found, ix.sources[string(v.text)]...)
		case isMissing:
			m.found = append(m.found, ix.all...) // each must say what it lacks
		default: // no text is equal to it
		}
	}
	slices.Sort(m.found)
	return m.found
}

// ask puts the event to one source.
func (m *Matcher) ask(c *compiledSource) {
	v, fault := yes, (*Fault)(nil)
	switch {
	case c.test != nil:
		if v = c.test(m.slots); v == faulty {
			fault = m.fault(c)
		}
	case c.Where != nil:
		m.vars.lists = c.lists
		v, fault = interpret(c.Where.program, &m.vars)
	}
	h := Hit{Rule: c.rule, Source: c.source}
	switch {
	case m.shapeless && c.ofData && (v != no || c.guarded()):
		h.Missing, h.Unread = true, UnreadData
	case v == no:
		return
	case v == yes:
		m.fill(c, &h)
	case v == lacks:
		h.Missing = true
		h.Lack, h.Unread = m.lack(c)
	case v == faulty:
		h.Fault, h.Unread = fault, UnreadWhere
	}
	m.hits = append(m.hits, h)
}

// lack is the field without which a condition could not be decided, if it is
// one. A field that a has() in it asks for is left out by that.
func (m *Matcher) lack(c *compiledSource) (Field, Unread) {
	left := UnreadWhere
	for _, a := range c.asks {
		if m.slots[a.slot].kind != isMissing {
			continue
		}
		if !a.guarded {
			return a.Field, UnreadWhere
		}
		left = 0
	}
	return Field{}, left
}

// fault is why a test could not be decided.
func (m *Matcher) fault(c *compiledSource) *Fault {
	for _, r := range c.reads {
		if m.slots[r.slot].broken() {
			return notNumber("", r.Field)
		}
	}
	return &Fault{Kind: Unordered}
}

// fill collects the key and the values.
func (m *Matcher) fill(c *compiledSource, h *Hit) {
	from := len(m.bytes)
	for i := range c.by {
		if sum := c.by[i].sum; sum != nil {
			if h.Lack, h.Fault = m.appendSum(sum); h.Lack.IsZero() {
				continue
			}
			h.Missing, h.Unread = h.Fault == nil, UnreadKey
			return
		}
		v, key := &m.slots[c.by[i].slot], &c.By[i]
		none := m.none(v)
		switch {
		case none && key.Optional: // that it is not there is a value of its own
			m.bytes = append(m.bytes, 0, 0, 0, 0)
			continue
		case none:
			h.Missing = true
		case v.money && v.broken():
			h.Fault = notNumber("", key.Field)
		case v.long():
			h.Fault = tooLong("", key.Field)
		case !m.appendKey(v):
			h.Missing = true
		default:
			continue
		}
		h.Unread, h.Lack = UnreadKey, key.Field
		return
	}
	h.Key = m.bytes[from:len(m.bytes):len(m.bytes)]
	distinct, nums := len(m.distinct), len(m.nums)
	for i, slots := range c.values {
		if h.Fault = m.value(&c.Values[i], slots); h.Fault != nil {
			h.Unread, h.Lack = UnreadKey, c.Values[i].Fields[0]
			return
		}
	}
	h.Distinct, h.Nums = m.distinct[distinct:len(m.distinct):len(m.distinct)], m.nums[nums:len(m.nums):len(m.nums)]
}

// none tells whether there is nothing by which events could be told apart.
func (m *Matcher) none(v *value) bool {
	return v.kind == isMissing || v.kind == isNullValue || m.spelled && v.empty()
}

// appendKey appends a value behind its length, which takes four bytes so that
// it can be filled in afterwards.
func (m *Matcher) appendKey(v *value) bool {
	at := m.begin()
	var b []byte
	ok := true
	if m.spelled && v.spelled && v.kind == isText {
		b = spelling.Append(m.bytes, v.text)
	} else {
		b, ok = v.appendKey(m.bytes)
	}
	m.end(at, b)
	return ok
}

// begin leaves room for the length of a value of the key.
func (m *Matcher) begin() (at int) {
	at = len(m.bytes)
	m.bytes = append(m.bytes, 0, 0, 0, 0)
	return at
}

// end takes in b, which is bytes with the value, and says its length.
func (m *Matcher) end(at int, b []byte) {
	m.bytes = b
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
}

// value adds what one of the source's Values asks of the event. A value that
// is not there is a fault: it must not pass for zero.
func (m *Matcher) value(v *Value, slots []int) *Fault {
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
		if s := &m.slots[slot]; m.none(s) || s.money && s.broken() || s.long() || !m.appendKey(s) {
			return m.unfit(v, i, slots)
		}
	}
	m.distinct = append(m.distinct, m.bytes[from:len(m.bytes):len(m.bytes)])
	return nil
}

// same adds what the window must have in common. That it is not there is a
// value of its own.
func (m *Matcher) same(v *Value, slot int) *Fault {
	from := len(m.bytes)
	switch s := &m.slots[slot]; {
	case m.none(s):
	case s.long():
		return tooLong("", v.Fields[0])
	case !m.appendKey(s):
		return &Fault{Kind: NotScalar, Of: string(v.Kind), Field: v.Fields[0].String()}
	}
	m.distinct = append(m.distinct, m.bytes[from:len(m.bytes):len(m.bytes)])
	return nil
}

// unfit says why a field cannot be used.
func (m *Matcher) unfit(v *Value, i int, slots []int) *Fault {
	of, f := string(v.Kind), v.Fields[i]
	switch s := &m.slots[slots[i]]; {
	case m.none(s):
		return &Fault{Kind: Absent, Of: of, Field: f.String()}
	case v.Kind == Distinct && s.long() && !s.money:
		return tooLong(of, f)
	case s.kind == isNumber, s.kind == isText:
		return notNumber(of, f)
	}
	return &Fault{Kind: NotScalar, Of: of, Field: f.String()}
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

// IsKey tells whether bytes are a Hit's Key of n fields.
func IsKey(key []byte, n int) bool {
	for ; n > 0 && len(key) >= 4; n-- {
		size := binary.BigEndian.Uint32(key)
		if key = key[4:]; uint64(size) > uint64(len(key)) {
			return false
		}
		key = key[size:]
	}
	return n == 0 && len(key) == 0
}

// Labels are the texts of a Hit's Key, in the order of the source's By. They
// are made valid UTF-8, which the data of an event may not be: labels must come
// back from a snapshot as they went in.
func Labels(key []byte) []string {
	var out []string
	for k := key; len(k) >= 4; {
		n := binary.BigEndian.Uint32(k)
		out = append(out, strings.ToValidUTF8(string(k[4:4+n]), "\uFFFD"))
		k = k[4+n:]
	}
	return out
}

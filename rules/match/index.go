package match

import (
	"slices"
)

// An Index finds the sources of many rules that an event may concern.
type Index struct{ types map[string]*eventType }

// An eventType is all sources of one type of event, ready to be asked.
type eventType struct {
	slots      []value // as they are before an event: all missing
	attributes []attributeSlot
	data       *shape // nil if no source reads the data
	sources    []compiledSource
	always     []int32 // sources that every event may concern
	byText     []textIndex
	money      []Field         // that are declared to be
	reporters  map[string]bool // whose events count; nil: everybody's
}

type attributeSlot struct {
	name string
	slot int
}

// A textIndex finds the sources that can only be true when a field is one of
// some texts.
type textIndex struct {
	slot    int
	sources map[string][]int32
	all     []int32
}

// A compiledSource is a source in terms of the slots of its type.
type compiledSource struct {
	*Source
	rule, source int
	test         test    // nil if there is no condition, or only an interpreted one
	lists        *object // of an interpreted one
	reads        []slotOf
	asks         []slotOf // of the condition, also of an interpreted one
	ofData       bool     // it reads anything of the data
	by           []compiledKey
	values       [][]int
}

// slotOf says which field a slot holds, for what is said of it.
type slotOf struct {
	slot int
	Field
	guarded bool // a has() asks whether it is there
}

// guarded tells whether the condition asks by has() for any field.
func (c *compiledSource) guarded() bool {
	return slices.ContainsFunc(c.asks, func(a slotOf) bool { return a.guarded })
}

// NewIndex compiles the sources of some rules, type by type.
func NewIndex(rules [][]Source) *Index {
	x := &Index{types: map[string]*eventType{}}
	builders := map[string]*typeBuilder{}
	for rule, sources := range rules {
		for i := range sources {
			s := &sources[i]
			b := builders[s.Event]
			if b == nil {
				b = &typeBuilder{eventType: &eventType{}, addresses: s.Addresses, slotOf: map[string]int{}, byField: map[int]int{}}
				builders[s.Event] = b
				b.eventType.money = s.Money
				x.types[s.Event] = b.eventType
			}
			b.add(rule, i, s)
		}
	}
	return x
}

// Admit says who may report a type of events. Those of others concern no rule.
func (x *Index) Admit(event string, sources []string) {
	t := x.types[event]
	if t == nil {
		t = &eventType{}
		x.types[event] = t
	}
	t.reporters = map[string]bool{}
	for _, s := range sources {
		t.reporters[s] = true
	}
}

type typeBuilder struct {
	*eventType
	addresses []Field // that are declared of the type
	slotOf    map[string]int
	byField   map[int]int // slot to byText
}

func (b *typeBuilder) slot(f Field) int {
	if slot, ok := b.slotOf[f.key()]; ok {
		return slot
	}
	slot := len(b.slots)
	b.slotOf[f.key()] = slot
	b.slots = append(b.slots, value{money: f.Money() || slices.ContainsFunc(b.money, f.Equal), spelled: f.Spelled() || slices.ContainsFunc(b.addresses, f.Equal)})
	if f.attribute != "data" {
		b.attributes = append(b.attributes, attributeSlot{f.attribute, slot})
		return slot
	}
	if b.data == nil {
		b.data = &shape{}
	}
	b.data.add(f.path, slot)
	return slot
}

func (b *typeBuilder) add(rule, source int, s *Source) {
	c := compiledSource{Source: s, rule: rule, source: source}
	if s.Where != nil {
		c.test, _ = s.Where.slots(func(f Field) int {
			slot := b.slot(f)
			c.reads = append(c.reads, slotOf{slot: slot, Field: f})
			return slot
		})
		if c.test == nil {
			c.lists = s.Where.listValues()
		}
		guarded := s.Where.guarded()
		for _, f := range s.Where.fields() {
			c.ofData = c.ofData || f.attribute == "data"
			c.asks = append(c.asks, slotOf{b.slot(f), f, guarded[f.key()]})
		}
	}
	slot := func(f Field) int {
		c.ofData = c.ofData || f.attribute == "data"
		return b.slot(f)
	}
	for i := range s.By {
		c.by = append(c.by, s.By[i].compile(slot))
	}
	for _, v := range s.Values {
		var slots []int
		for _, f := range v.Fields {
			slots = append(slots, slot(f))
		}
		c.values = append(c.values, slots)
	}
	at := int32(len(b.sources))
	b.sources = append(b.sources, c)
	if s.Where == nil || !b.indexed(at, s.Where) {
		b.always = append(b.always, at)
	}
}

// indexed files the source under the texts that one of its conjuncts asks for.
// When the field is something else, that conjunct is false, and so is all.
func (b *typeBuilder) indexed(at int32, e *Expression) bool {
	for _, part := range conjuncts(e.root) {
		f, values, ok := e.equality(part)
		if !ok {
			continue
		}
		slot := b.slot(f)
		i, ok := b.byField[slot]
		if !ok {
			i = len(b.byText)
			b.byField[slot] = i
			b.byText = append(b.byText, textIndex{slot: slot, sources: map[string][]int32{}})
		}
		ix := &b.byText[i]
		slices.Sort(values)
		for _, v := range slices.Compact(values) {
			ix.sources[v] = append(ix.sources[v], at)
		}
		ix.all = append(ix.all, at)
		return true
	}
	return false
}

package rules

import (
	"slices"
)

// An eventType is all rules of one type of event, ready to be asked.
type eventType struct {
	slots      []value // as they are before an event: all missing
	attributes []attributeSlot
	data       *shape // nil if no rule reads the data
	rules      []compiledRule
	always     []int32 // rules that every event may concern
	byText     []textIndex
}

type attributeSlot struct {
	name string
	slot int
}

// A textIndex finds the rules that can only be true when a field is one of
// some texts.
type textIndex struct {
	slot  int
	rules map[string][]int32
	all   []int32
}

// A compiledRule is a rule in terms of the slots of its type.
type compiledRule struct {
	index  int // in Set.Rules
	rule   *Rule
	test   test // nil if there is no condition, or only an interpreted one
	reads  []slotOf
	by     []int
	values [][]int
}

// slotOf says which field a slot holds, for what is said of it.
type slotOf struct {
	slot int
	field
}

// index compiles the rules of each type.
func (s *Set) index() {
	s.types = map[string]*eventType{}
	builders := map[string]*typeBuilder{}
	for i, r := range s.Rules {
		b := builders[r.Event]
		if b == nil {
			b = &typeBuilder{eventType: &eventType{}, slotOf: map[string]int{}, byField: map[int]int{}}
			builders[r.Event] = b
			s.types[r.Event] = b.eventType
		}
		b.add(i, r)
	}
}

type typeBuilder struct {
	*eventType
	slotOf  map[string]int
	byField map[int]int // slot to byText
}

func (b *typeBuilder) slot(f field) int {
	if slot, ok := b.slotOf[f.key()]; ok {
		return slot
	}
	slot := len(b.slots)
	b.slotOf[f.key()] = slot
	b.slots = append(b.slots, value{money: f.money()})
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

func (b *typeBuilder) add(index int, r *Rule) {
	c := compiledRule{index: index, rule: r}
	if r.where != nil {
		c.test, _ = r.where.slots(func(f field) int {
			slot := b.slot(f)
			c.reads = append(c.reads, slotOf{slot, f})
			return slot
		})
	}
	for _, f := range r.fields {
		c.by = append(c.by, b.slot(f))
	}
	for _, v := range r.Values {
		var slots []int
		for _, f := range v.fields {
			slots = append(slots, b.slot(f))
		}
		c.values = append(c.values, slots)
	}
	at := int32(len(b.rules))
	b.rules = append(b.rules, c)
	if r.where == nil || !b.indexed(at, r.where) {
		b.always = append(b.always, at)
	}
}

// indexed files the rule under the texts that one of its conjuncts asks for.
// When the field is something else, that conjunct is false, and so is all.
func (b *typeBuilder) indexed(at int32, e *expression) bool {
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
			b.byText = append(b.byText, textIndex{slot: slot, rules: map[string][]int32{}})
		}
		ix := &b.byText[i]
		slices.Sort(values)
		for _, v := range slices.Compact(values) {
			ix.rules[v] = append(ix.rules[v], at)
		}
		ix.all = append(ix.all, at)
		return true
	}
	return false
}

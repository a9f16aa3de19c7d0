package match

import "slices"

// A Source is the events that a rule is about: those of one type, for which a
// condition is true, told apart by some fields. A rule has one or more.
type Source struct {
	Name   string // by which the rule tells it from its others; empty if it has none
	Event  string
	Where  *Expression // nil if every event counts
	By     []Key
	Values []Value
	// Addresses are fields of the type that are declared to have one spelling.
	Addresses []Field
	// Money are those that are declared to be exact decimals.
	Money []Field
}

// Respelled are the fields of the key, and of what is told apart, that have one
// spelling only because it is declared.
func (s *Source) Respelled() (out []Field) {
	add := func(f Field) {
		if !f.Spelled() && slices.ContainsFunc(s.Addresses, f.Equal) && !slices.ContainsFunc(out, f.Equal) {
			out = append(out, f)
		}
	}
	for _, k := range s.By {
		if k.Terms == nil {
			add(k.Field)
		}
	}
	for _, v := range s.Values {
		for _, f := range v.Fields {
			if v.Kind == Distinct {
				add(f)
			}
		}
	}
	return out
}

// A Key is one value by which events are told apart, and its label: a field, or
// what is calculated of some.
type Key struct {
	Label string
	Field Field // if there are no Terms
	Terms Terms
	// Optional says that an event may lack it: that it does is a value of its own.
	Optional bool
}

// String is what the key is of, as it is written.
func (k Key) String() string {
	if k.Terms != nil {
		return k.Terms.String()
	}
	return k.Field.String()
}

// Fields are those that the key is of.
func (k Key) Fields() (out []Field) {
	if k.Terms == nil {
		return []Field{k.Field}
	}
	for _, t := range k.Terms {
		if !t.Field.IsZero() {
			out = append(out, t.Field)
		}
	}
	return out
}

// A Value is what a rule must keep of each event: one number, or one value to
// tell apart or to have in common.
type Value struct {
	Kind   Aggregate
	Fields []Field // several make one value of Distinct together
}

// An Aggregate is what is made of a value over many events.
type Aggregate string

// The aggregates of one field.
const (
	Distinct = Aggregate("distinct")
	Sum      = Aggregate("sum")
	Min      = Aggregate("min")
	Max      = Aggregate("max")

	// Same is the asset of an amount where neither the key nor the condition
	// says it: a value that events must have in common for the others to mean
	// anything. Nobody writes it; it stands behind what is written.
	Same = Aggregate("same")
)

// Apart tells whether the value is told apart or compared for equality, so that
// a hash of it will do; else it is a number.
func (v *Value) Apart() bool { return v.Kind == Distinct || v.Kind == Same }

// Payment tells whether the value is a payment, which another may take the place of.
func (v *Value) Payment() bool {
	return v.Kind == Distinct && len(v.Fields) == 1 && v.Fields[0].attribute == "data" && v.Fields[0].Last() == "payment"
}

// Payments are those of the values that are told apart, bit by bit, which are payments.
func (s *Source) Payments() (columns uint32) {
	at := 0
	for i := range s.Values {
		if s.Values[i].Payment() {
			columns |= 1 << at
		}
		if s.Values[i].Apart() {
			at++
		}
	}
	return columns
}

// Columns is how many values of each kind must be kept of an event: one for
// each of Values, in their order.
func (s *Source) Columns() (distinct, nums int) {
	for i := range s.Values {
		if s.Values[i].Apart() {
			distinct++
		} else {
			nums++
		}
	}
	return distinct, nums
}

// KeepAssets sees to it that amounts of different assets are not added up, those of
// fields among them that are declared to be money. Where neither the key nor the
// condition says the asset, it is a value.
func (s *Source) KeepAssets(declared []Field) {
	for _, v := range s.Values {
		f := v.Fields[0]
		if v.Kind == Distinct || !f.Money() && !slices.ContainsFunc(declared, f.Equal) {
			continue
		}
		asset := f.Asset()
		is := func(k Field) bool { return k.key() == asset.key() }
		switch {
		case slices.ContainsFunc(s.By, func(k Key) bool { return is(k.Field) }), s.Where != nil && s.Where.pins(asset):
		case slices.ContainsFunc(s.Values, func(v Value) bool { return v.Kind == Same && is(v.Fields[0]) }):
		default:
			s.Values = append(s.Values, Value{Kind: Same, Fields: []Field{asset}})
		}
	}
}

package match

// Replaced is the type of events that say which payment took the place of which.
const Replaced = "chain.replaced"

// Replacements finds both payments in the events of type Replaced, as the values of its
// only source: the one in whose place another is comes last. Declared are the fields of
// the type that have one spelling.
func Replacements(declared []Field) *Index {
	payment, replaces := Field{"data", []string{"payment"}}, Field{"data", []string{"replaces"}}
	return NewIndex([][]Source{{{
		Event:     Replaced,
		Values:    []Value{{Kind: Distinct, Fields: []Field{payment}}, {Kind: Distinct, Fields: []Field{replaces}}},
		Addresses: append([]Field{replaces}, declared...),
	}}})
}

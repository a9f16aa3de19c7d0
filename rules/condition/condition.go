// Package condition is what a form asks of many events: comparisons of numbers,
// joined by && and ||, negated by !, calculated with +, - and *.
//
// It promises that every number is exact: what does not fit is unclear and a fault,
// never another number. It knows no form: what stands for a number, such as count(),
// is a Term, which a form reads and to which it gives a value. A term may have none.
// The condition is then unclear, unless the rest of it decides.
package condition

import (
	"cel.dev/cel-go/common/ast"

	"github.com/tomeishi/tomeishi/rules/decimal"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
)

// A Kind is what a number says. It decides what it may stand beside.
type Kind uint8

// The kinds of terms.
const (
	Counted  Kind = iota // a number of events or of values
	Measured             // of a field that is no money
	Money                // an amount, of one asset
	Part                 // of a whole, from 0 to 1: its value is to be divided by that of Whole
	constant             // a number as it is written, and what is a multiple of one
)

// A Trend is what more events do to a number.
type Trend int8

// The trends.
const (
	Anyhow Trend = iota // nothing is known
	Steady
	Grows  // it stays or becomes more
	Shrink // it stays or becomes less
)

// A Term is what a form counts or measures.
type Term struct {
	Of    int // what it is to the form
	Kind  Kind
	Trend Trend
	Whole *Term // of a Part
	// Words say it in a sentence, such as "the sum of data.amount".
	Words string
	// One and Many are the nouns of what is counted, as they stand after a number.
	One, Many string
}

// Values are what the terms are at one time.
type Values interface {
	// Value is a term's number; false if there is none, such as the largest of nothing.
	Value(t *Term) (decimal.Decimal, bool)
}

// A Reader is how a form speaks of many events.
type Reader struct {
	// Term reads a part of an expression that is neither calculated nor compared.
	Term func(e *match.Expression, part ast.Expr) (Term, *match.TextError)
	// What can be compared, and an example.
	What, Example string
}

// A Condition is one that was found to be sound. It does not change.
type Condition struct {
	text  string
	root  *node
	terms []*Term // as they are written
	meets [][2]*Term
	odd   []string
}

// String is the condition as it is written, vars put in.
func (c *Condition) String() string { return c.text }

// Terms are those of the condition, as they are written, each as often.
func (c *Condition) Terms() []*Term { return c.terms }

// Meets are pairs of amounts that are added to one another or compared. What is added
// is named by its first amount.
func (c *Condition) Meets() [][2]*Term { return c.meets }

// Findings are what is probably not meant.
func (c *Condition) Findings() []string { return c.odd }

// Ask tells whether the condition is true. The fault is why it is unclear, if that is
// not for want of a value.
func (c *Condition) Ask(v Values) (form.Answer, *match.Fault) {
	e := evaluation{values: v}
	is := e.truth(c.root)
	if is != form.Unclear {
		return is, nil
	}
	return is, e.fault
}

// A node is a comparison, what joins some, a calculation, a number or a term.
type node struct {
	op   string // an operator of CEL; empty for a number and a term
	a, b *node  // b is nil beside one that takes only a
	num  decimal.Decimal
	term *Term
	at   int // the character in the text

	kind  Kind  // of a number, a term or a calculation
	money *Term // the first amount in it
}

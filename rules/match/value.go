package match

import (
	"bytes"
	"cmp"

	"github.com/tomeishi/tomeishi/rules/decimal"
)

// kind is what a field of an event, or a literal, is.
type kind uint8

const (
	isMissing kind = iota
	isNullValue
	isFalse
	isTrue
	isText
	isNumber
	isObject
	isList
)

// A value is one field of the event at hand.
type value struct {
	kind    kind
	money   bool // the field's name says so; kept over events
	spelled bool // it holds an address or a transaction id; kept over events
	state   uint8
	text    []byte // of a text, unescaped, or of a number as it is written
	num     decimal.Decimal
}

// maxText bounds what a field may hold to be part of a key or to be read as a
// number, in bytes: each rule of a type may copy and hash it.
const maxText = 4096

const (
	unread uint8 = iota
	exact
	inexact // the text is no decimal number
)

// set takes in what stands in the event. Text in a field of money is a number.
func (v *value) set(k kind, text []byte) {
	v.kind, v.state, v.text = k, unread, text
	if v.money && k == isText {
		v.kind = isNumber
	}
}

// number reads the value as an exact decimal, once.
func (v *value) number() (decimal.Decimal, bool) {
	if v.state == unread {
		v.read()
	}
	return v.num, v.state == exact
}

func (v *value) read() {
	if v.long() {
		v.state = inexact
		return
	}
	var err error
	if v.money {
		v.num, err = decimal.ParseMoney(string(v.text))
	}
	if !v.money || err != nil {
		v.num, err = decimal.Parse(string(v.text))
	}
	v.state = exact
	if err != nil {
		v.state = inexact
	}
}

// empty tells whether the value is a text without a character.
func (v *value) empty() bool { return (v.kind == isText || v.kind == isNumber) && len(v.text) == 0 }

func (v *value) long() bool { return len(v.text) > maxText }

// appendKey appends the value's canonical text, by which events are counted
// apart; false if it has none.
func (v *value) appendKey(b []byte) ([]byte, bool) {
	switch v.kind {
	case isFalse:
		return append(b, "false"...), true
	case isTrue:
		return append(b, "true"...), true
	case isText:
		return append(b, v.text...), true
	case isNumber:
		if !v.money {
			return append(b, v.text...), true
		}
		n, _ := v.number()
		return n.Append(b), true
	default:
		return b, false
	}
}

// order is what came of comparing two values.
type order uint8

const (
	less order = iota
	equal
	greater
	alike   // equal, and there is no order
	unequal // different, and neither is more
	unclear // not to be compared: objects, lists, a number that is none
	orders
)

func orderOf(c int) order { return order(c + 1) }

// compare compares two values that are there.
func (v *value) compare(o *value) order {
	if v.broken() || o.broken() {
		return unclear
	}
	switch {
	case v.kind == isNumber && o.kind == isNumber:
		return orderOf(v.num.Cmp(o.num))
	case v.kind == isText && o.kind == isText:
		return orderOf(bytes.Compare(v.text, o.text))
	case v.kind >= isObject && o.kind >= isObject:
		return unclear
	case v.bool() && o.bool():
		return orderOf(cmp.Compare(v.kind, o.kind))
	case v.kind == o.kind:
		return alike
	}
	return unequal
}

// broken tells whether the value should be a number and is none.
func (v *value) broken() bool {
	if v.kind != isNumber {
		return false
	}
	_, ok := v.number()
	return !ok
}

func (v *value) bool() bool { return v.kind == isFalse || v.kind == isTrue }

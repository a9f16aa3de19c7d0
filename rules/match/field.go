package match

import (
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/agent/spelling"
)

// A Field is a place in an event: an attribute such as source, or a path of
// keys into its data.
type Field struct {
	attribute string   // "source", "subject", "type", "id"; or "data"
	path      []string // below data
}

var attributes = []string{"source", "subject", "type", "id"}

// Money tells whether the field is an exact decimal that JSON carries as a
// string.
func (f Field) Money() bool { return len(f.path) > 0 && report.IsMoney(f.path[len(f.path)-1]) }

// Spelled tells whether the field holds an address or a transaction id, which
// have one spelling.
func (f Field) Spelled() bool { return len(f.path) > 0 && spelling.Has(f.path[len(f.path)-1]) }

// IsZero tells whether it is no field.
func (f Field) IsZero() bool { return f.attribute == "" }

// Last is the name that the field ends with.
func (f Field) Last() string {
	if len(f.path) == 0 {
		return f.attribute
	}
	return f.path[len(f.path)-1]
}

// String is the field as it is written, such as data.request.
func (f Field) String() string {
	var b strings.Builder
	b.WriteString(f.attribute)
	for _, key := range f.path {
		if IsIdent(key) {
			b.WriteString("." + key)
		} else {
			b.WriteString("[" + strconv.Quote(key) + "]")
		}
	}
	return b.String()
}

// Path are the keys below data that lead to the field; none of an attribute.
func (f Field) Path() []string { return f.path }

// Attribute is the attribute that the field is, or data.
func (f Field) Attribute() string { return f.attribute }

// Equal tells whether both are the same field.
func (f Field) Equal(o Field) bool { return f.key() == o.key() }

// Overlaps tells whether one of both is, or holds, the other.
func (f Field) Overlaps(o Field) bool {
	n := min(len(f.path), len(o.path))
	return f.attribute == o.attribute && slices.Equal(f.path[:n], o.path[:n])
}

// Asset is the field that says of which asset an amount is: it stands beside it.
func (f Field) Asset() Field { return f.beside("asset") }

// beside is the field of that name that stands in the same object.
func (f Field) beside(name string) Field {
	return Field{f.attribute, append(slices.Clone(f.path[:len(f.path)-1]), name)}
}

// key is a text that only this field has.
func (f Field) key() string { return f.attribute + "\x00" + strings.Join(f.path, "\x00") }

// FieldOf is the field that an expression names; false if it is anything else.
func FieldOf(e ast.Expr) (Field, bool) {
	f, ok := pathOf(e)
	return f, ok && f.known()
}

// SideFieldOf is the field of a side, such as refunded.data.amount, that an expression
// names; false if it is anything else.
func SideFieldOf(e ast.Expr) (side string, f Field, ok bool) {
	if f, ok = pathOf(e); !ok || len(f.path) == 0 {
		return f.attribute, Field{}, false
	}
	side, f = f.attribute, Field{f.path[0], f.path[1:]}
	return side, f, f.known()
}

// pathOf is a name and the keys below it.
func pathOf(e ast.Expr) (f Field, ok bool) {
	var keys []string
	for {
		switch e.Kind() {
		case ast.IdentKind:
			f.attribute = e.AsIdent()
			for _, key := range slices.Backward(keys) {
				f.path = append(f.path, key)
			}
			return f, true
		case ast.SelectKind:
			if e.AsSelect().IsTestOnly() {
				return Field{}, false
			}
			keys = append(keys, e.AsSelect().FieldName())
			e = e.AsSelect().Operand()
		case ast.CallKind:
			key, ok := constantIndex(e)
			if !ok {
				return Field{}, false
			}
			keys = append(keys, key)
			e = e.AsCall().Args()[0]
		default:
			return Field{}, false
		}
	}
}

func (f Field) known() bool {
	if f.attribute == "data" {
		return len(f.path) > 0
	}
	return slices.Contains(attributes, f.attribute) && len(f.path) == 0
}

// constantIndex is the key in x["key"].
func constantIndex(e ast.Expr) (string, bool) {
	call := e.AsCall()
	if call.FunctionName() != operators.Index || len(call.Args()) != 2 || call.Args()[1].Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := call.Args()[1].AsLiteral().(types.String)
	return string(s), ok
}

// IsIdent tells whether s is a name that needs no quotes.
func IsIdent(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '_', 'a' <= c|0x20 && c|0x20 <= 'z':
		case '0' <= c && c <= '9' && i > 0:
		default:
			return false
		}
	}
	return s != ""
}

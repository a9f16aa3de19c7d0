package match

import (
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/rules/decimal"
)

// maxDepth is how deep the data of an event may be nested; the edge accepts no
// deeper.
const maxDepth = 64

// tree reads JSON text as CEL values: objects in their order, numbers and money
// exact. It is for the conditions that slots cannot do.
func tree(data []byte) *object {
	p := &projector{b: data}
	p.space()
	if p.i == len(data) || data[p.i] != '{' {
		return &object{}
	}
	v, ok := p.tree(0, "")
	if !ok {
		return &object{}
	}
	return v.(*object)
}

// tree reads the value at p.i, which stands under the name.
func (p *projector) tree(depth int, name string) (ref.Val, bool) {
	p.space()
	if p.i == len(p.b) || depth == maxDepth {
		return nil, false
	}
	switch p.b[p.i] {
	case '{':
		return p.treeObject(depth)
	case '[':
		return p.treeList(depth)
	}
	k := shapeKey{slot: 0}
	var slot [1]value
	slot[0].money = report.IsMoney(name)
	p.slots = slot[:]
	if !p.value(&k) {
		return nil, false
	}
	return slot[0].val(), true
}

// val is the value in CEL's terms.
func (v *value) val() ref.Val {
	switch v.kind {
	case isFalse:
		return types.False
	case isTrue:
		return types.True
	case isText:
		return types.String(v.text)
	case isNumber:
		if n, ok := v.number(); ok {
			return number{n}
		}
		return broken{}
	default:
		return types.NullValue
	}
}

func (p *projector) treeObject(depth int) (ref.Val, bool) {
	o := &object{fields: map[string]ref.Val{}}
	for p.i++; ; {
		switch p.next() {
		case '}':
			p.i++
			return o, true
		case ',':
			p.i++
			continue
		case '"':
		default:
			return nil, false
		}
		key, ok := p.str()
		if !ok || p.next() != ':' {
			return nil, false
		}
		p.i++
		name := string(key)
		v, ok := p.tree(depth+1, name)
		if !ok {
			return nil, false
		}
		if _, twice := o.fields[name]; !twice {
			o.names = append(o.names, types.String(name))
		}
		o.fields[name] = v
	}
}

func (p *projector) treeList(depth int) (ref.Val, bool) {
	var list []ref.Val
	for p.i++; ; {
		switch p.next() {
		case ']':
			p.i++
			return types.NewRefValList(types.DefaultTypeAdapter, list), true
		case ',':
			p.i++
			continue
		}
		v, ok := p.tree(depth+1, "")
		if !ok {
			return nil, false
		}
		list = append(list, v)
	}
}

// next is the byte after white space, 0 at the end.
func (p *projector) next() byte {
	p.space()
	if p.i == len(p.b) {
		return 0
	}
	return p.b[p.i]
}

// An object is a JSON object that is always walked in the order of its text,
// so that every collector stops at the same step.
type object struct {
	names  []ref.Val
	fields map[string]ref.Val
}

var _ traits.Mapper = (*object)(nil)

// toMoney reads the text at a path as a number.
func (o *object) toMoney(path []string) {
	at := o.fields[path[0]]
	if len(path) > 1 {
		if below, ok := at.(*object); ok {
			below.toMoney(path[1:])
		}
		return
	}
	if text, ok := at.(types.String); ok {
		v := value{money: true}
		v.set(isText, []byte(text))
		o.fields[path[0]] = v.val()
	}
}

// Find implements traits.Mapper.
func (o *object) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(key), false
	}
	v, ok := o.fields[string(name)]
	return v, ok
}

// Get implements traits.Indexer.
func (o *object) Get(key ref.Val) ref.Val {
	v, ok := o.Find(key)
	if !ok && v == nil {
		return types.NewErr("%s%v", noSuchKey, key)
	}
	return v
}

// Contains implements traits.Container.
func (o *object) Contains(key ref.Val) ref.Val {
	v, ok := o.Find(key)
	if types.IsError(v) {
		return v
	}
	return types.Bool(ok)
}

// Iterator implements traits.Iterable.
func (o *object) Iterator() traits.Iterator {
	return types.NewRefValList(types.DefaultTypeAdapter, o.names).Iterator()
}

// Size implements traits.Sizer.
func (o *object) Size() ref.Val { return types.Int(len(o.names)) }

// Type implements ref.Val.
func (o *object) Type() ref.Type { return types.MapType }

// Value implements ref.Val.
func (o *object) Value() any { return o }

// Equal implements ref.Val.
func (o *object) Equal(ref.Val) ref.Val { return errNested }

// ConvertToType implements ref.Val.
func (o *object) ConvertToType(t ref.Type) ref.Val { return noConversion(o, t) }

// ConvertToNative implements ref.Val.
func (o *object) ConvertToNative(reflect.Type) (any, error) { return nil, errNative }

// A number is an exact decimal in CEL's terms.
type number struct{ decimal.Decimal }

// ConvertToType implements ref.Val.
func (n number) ConvertToType(t ref.Type) ref.Val {
	switch t {
	case types.StringType:
		return types.String(n.String())
	case types.IntType:
		if i, ok := n.Int(); ok {
			return types.Int(i)
		}
		return fault(Unfit, "int()", n.String())
	}
	return noConversion(n, t)
}

// Equal implements ref.Val.
func (n number) Equal(o ref.Val) ref.Val { return compareVals(acceptEqual, n, o) }

// Type implements ref.Val.
func (n number) Type() ref.Type { return decimalType }

// Value implements ref.Val.
func (n number) Value() any { return n.Decimal }

// ConvertToNative implements ref.Val.
func (n number) ConvertToNative(reflect.Type) (any, error) { return nil, errNative }

// broken stands where a number should and is none.
type broken struct{}

// Equal implements ref.Val.
func (b broken) Equal(ref.Val) ref.Val { return errBroken }

// Type implements ref.Val.
func (b broken) Type() ref.Type { return decimalType }

// Value implements ref.Val.
func (b broken) Value() any { return nil }

// ConvertToType implements ref.Val.
func (b broken) ConvertToType(ref.Type) ref.Val { return errBroken }

// ConvertToNative implements ref.Val.
func (b broken) ConvertToNative(reflect.Type) (any, error) { return nil, errNative }

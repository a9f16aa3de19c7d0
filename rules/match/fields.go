package match

import (
	"cel.dev/cel-go/common/ast"
)

// Fields are the fields that decide what the source makes of an event.
func (s *Source) Fields() (out []Field) {
	if s.Where != nil {
		out = s.Where.fields()
	}
	for _, k := range s.By {
		out = append(out, k.Fields()...)
	}
	for _, v := range s.Values {
		out = append(out, v.Fields...)
	}
	return out
}

// fields are the fields that the condition reads, those of has() among them, in
// the order in which they stand.
func (e *Expression) fields() (out []Field) {
	e.eachField(e.root, func(f Field, _ bool) { out = append(out, f) })
	return out
}

// guarded are those that a has() asks for, by their keys.
func (e *Expression) guarded() map[string]bool {
	out := map[string]bool{}
	e.eachField(e.root, func(f Field, has bool) {
		if has {
			out[f.key()] = true
		}
	})
	return out
}

// eachField visits the fields that a part names, the longest paths only.
func (e *Expression) eachField(part ast.Expr, visit func(f Field, has bool)) {
	if f, ok := presence(part); ok {
		visit(f, true)
		return
	}
	if f, ok := FieldOf(part); ok {
		visit(f, false)
		return
	}
	for _, inner := range parts(part) {
		e.eachField(inner, visit)
	}
}

// parts are those that a part of an expression is made of.
func parts(e ast.Expr) []ast.Expr {
	switch e.Kind() {
	case ast.SelectKind:
		return []ast.Expr{e.AsSelect().Operand()}
	case ast.CallKind:
		if call := e.AsCall(); call.IsMemberFunction() {
			return append([]ast.Expr{call.Target()}, call.Args()...)
		}
		return e.AsCall().Args()
	case ast.ListKind:
		return e.AsList().Elements()
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		return []ast.Expr{c.IterRange(), c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()}
	default: // a constant, or a name
		return nil
	}
}

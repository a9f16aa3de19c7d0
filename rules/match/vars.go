package match

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/tomeishi/tomeishi/rules/decimal"
)

// A Var is a number or a text that has a name: vars.NAME stands for it in an
// expression. It is put into the text, so that an expression with a name is in
// every way the one without.
type Var struct {
	Text string
	// Quoted says that it was written as a text. If it is a number all the same, it
	// is one where a text would mean nothing, and beside money.
	Quoted bool
}

const varsName = "vars"

// literal is the var as one would write it; text says that a text may stand here.
func (v Var) literal(text bool) string {
	n, err := decimal.Parse(v.Text)
	if err != nil || v.Quoted && text {
		return strconv.Quote(v.Text)
	}
	s := n.String()
	if _, small := n.Int(); !small && !strings.Contains(s, ".") {
		s += ".0" // CEL has no whole number as large
	}
	return s
}

// A use is where a var stands: in the text of the author, and in what became of
// it. Places count characters.
type use struct {
	from, to int
	literal  string
	at       int
}

// A substitution finds the vars of an expression.
type substitution struct {
	*Expression
	find  func(name string) (v Var, wrong string)
	uses  []use
	wrong *TextError
}

// substitute is the expression with its vars put in.
func (l *Language) substitute(e *Expression) (*Expression, *TextError) {
	if !strings.Contains(string(e.text), varsName) {
		return e, nil
	}
	s := substitution{Expression: e, find: l.Vars}
	s.walk(e.root, false)
	if s.wrong != nil || s.uses == nil {
		return e, s.wrong
	}
	slices.SortFunc(s.uses, func(a, b use) int { return cmp.Compare(a.from, b.from) })
	var text []rune
	done := 0
	for i := range s.uses {
		u := &s.uses[i]
		text = append(text, e.text[done:u.from]...)
		u.at = len(text)
		text, done = append(text, []rune(u.literal)...), u.to
	}
	return l.parse(string(append(text, e.text[done:]...)), s.uses)
}

// authored is the place in the author's text of one in the text with vars put in.
func (e *Expression) authored(at int) int {
	shift := 0
	for _, u := range e.uses {
		if at < u.at {
			break
		}
		size := len([]rune(u.literal))
		if at < u.at+size {
			return u.from
		}
		shift = u.to - (u.at + size)
	}
	return at + shift
}

// walk visits a part; text says that a number in quotes is a text there.
func (s *substitution) walk(part ast.Expr, text bool) {
	switch part.Kind() {
	case ast.IdentKind:
		if part.AsIdent() == varsName {
			s.fail(part, "write vars.NAME for what stands under `vars`")
		}
	case ast.SelectKind:
		sel := part.AsSelect()
		if o := sel.Operand(); o.Kind() == ast.IdentKind && o.AsIdent() == varsName && !sel.IsTestOnly() {
			s.use(part, sel.FieldName(), text)
			return
		}
		s.walk(sel.Operand(), false)
	case ast.CallKind:
		s.call(part.AsCall(), text)
	case ast.ListKind:
		for _, item := range part.AsList().Elements() {
			s.walk(item, text)
		}
	case ast.ComprehensionKind:
		c := part.AsComprehension()
		s.walk(c.IterRange(), text)
		if c.IterVar() != varsName && c.IterVar2() != varsName {
			s.walk(c.LoopCondition(), text)
			s.walk(c.LoopStep(), text)
			s.walk(c.Result(), text)
		}
	default: // a constant, or what conditions may not have
	}
}

func (s *substitution) call(call ast.CallExpr, text bool) {
	switch call.FunctionName() {
	case operators.Equals, operators.NotEquals, operators.In:
		text = slices.ContainsFunc(call.Args(), func(arg ast.Expr) bool {
			f, ok := FieldOf(arg)
			return ok && !f.Money()
		})
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals,
		operators.Add, operators.Subtract, operators.Multiply, operators.Negate:
		text = false
	case operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.Conditional:
	default: // functions of texts
		text = true
	}
	if call.IsMemberFunction() {
		s.walk(call.Target(), text)
	}
	for _, arg := range call.Args() {
		s.walk(arg, text)
	}
}

// use notes where a var stands.
func (s *substitution) use(part ast.Expr, name string, text bool) {
	from := s.place(part)
	to, ok := s.end(from, name)
	switch {
	case !ok:
		s.fail(part, "write vars."+name+", without brackets")
		return
	case slices.ContainsFunc(s.uses, func(u use) bool { return u.from == from }):
		return
	case s.find == nil:
		s.fail(part, fmt.Sprintf("there is no var %s", name))
		return
	}
	v, wrong := s.find(name)
	if wrong != "" {
		s.fail(part, wrong)
		return
	}
	s.uses = append(s.uses, use{from: from, to: to, literal: v.literal(text)})
}

// end is where vars.NAME ends that begins at a place.
func (s *substitution) end(at int, name string) (int, bool) {
	for i, word := range []string{varsName, ".", name} {
		for i > 0 && at < len(s.text) && unicode.IsSpace(s.text[at]) {
			at++
		}
		n := len([]rune(word))
		if at+n > len(s.text) || string(s.text[at:at+n]) != word {
			return 0, false
		}
		at += n
	}
	return at, true
}

func (s *substitution) fail(part ast.Expr, text string) {
	if s.wrong == nil {
		s.wrong = &TextError{s.place(part), text}
	}
}

package match

import (
	"fmt"
	"regexp"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

const (
	maxExpression = 16 << 10 // bytes
	maxNesting    = 64
)

// A Language is CEL with the variables of an event. It reads conditions,
// fields and thresholds alike.
type Language struct {
	env *cel.Env
	// Vars finds what a name stands for, or says what is wrong with it; nil if there
	// are none.
	Vars func(name string) (v Var, wrong string)
	// Lists finds a list, or says what is wrong with its name; nil if there are none.
	Lists func(name string) (l *List, wrong string)

	// What was read before: rules of a large set say the same, and to read it again
	// is most of what loading them costs. A text is the same for all while vars and
	// lists are.
	expressions, conditions map[string]*Expression
}

// NewLanguage makes one.
func NewLanguage() *Language {
	text := cel.StringType
	env, err := cel.NewEnv(
		cel.Variable("data", cel.MapType(text, cel.DynType)),
		cel.Variable(listsName, cel.MapType(text, cel.ListType(cel.DynType))),
		cel.Variable("source", text), cel.Variable("subject", text),
		cel.Variable("type", text), cel.Variable("id", text),
		cel.ParserRecursionLimit(maxNesting),
		cel.ParserExpressionSizeLimit(maxExpression),
		cel.ExpressionNodeLimit(4*maxExpression),
	)
	if err != nil {
		panic(err) // the options are constant
	}
	return &Language{env: env, expressions: map[string]*Expression{}, conditions: map[string]*Expression{}}
}

// A TextError is what is wrong with an expression, and at which character.
type TextError struct {
	Offset int
	Text   string
}

// An Expression is a text that was found to be sound.
type Expression struct {
	text    []rune // with vars put in
	uses    []use  // of vars, in the order of the text
	ast     *cel.Ast
	root    ast.Expr
	lists   map[string]*List
	program cel.Program // nil if slots can do all of it
}

// Parse reads an expression without checking what it means.
func (l *Language) Parse(text string) (*Expression, *TextError) {
	return once(l.expressions, text, l.expression)
}

// Condition reads, checks and plans a condition.
func (l *Language) Condition(text string) (*Expression, *TextError) {
	return once(l.conditions, text, l.condition)
}

// Bounds of what is remembered of each.
const (
	maxRemembered = 1000
	maxRemember   = 1 << 10 // bytes of a text
)

// once reads a text, or copies what was read of it. What is wrong with one is found
// each time, for each is told at its place.
func once(known map[string]*Expression, text string, read func(string) (*Expression, *TextError)) (*Expression, *TextError) {
	e := known[text]
	if e == nil {
		var err *TextError
		if e, err = read(text); err != nil {
			return nil, err
		}
		if len(text) <= maxRemember && len(known) < maxRemembered {
			known[text] = e
		}
	}
	own := *e // whoever reads it tells it apart from others by where it is
	return &own, nil
}

func (l *Language) expression(text string) (*Expression, *TextError) {
	e, err := l.parse(text, nil)
	if err != nil {
		return nil, err
	}
	return l.substitute(e)
}

func (l *Language) parse(text string, uses []use) (*Expression, *TextError) {
	if len(text) > maxExpression {
		return nil, &TextError{0, fmt.Sprintf("an expression may have %d bytes, this one has %d", maxExpression, len(text))}
	}
	if strings.TrimSpace(text) == "" {
		return nil, &TextError{0, "the expression is empty"}
	}
	e := &Expression{text: []rune(text), uses: uses}
	tree, issues := l.env.Parse(text)
	if err := e.firstIssue(issues); err != nil {
		return nil, err
	}
	e.ast, e.root = tree, tree.NativeRep().Expr()
	return e, nil
}

func (l *Language) condition(text string) (*Expression, *TextError) {
	e, err := l.expression(text) // its own tree: checking writes into it
	if err != nil {
		return nil, err
	}
	checked, issues := l.env.Check(e.ast)
	if err := e.firstIssue(issues); err != nil {
		return nil, err
	}
	e.ast, e.root = checked, checked.NativeRep().Expr()
	if err := e.vet(); err != nil {
		return nil, err
	}
	if err := e.findLists(e.root, l.list); err != nil {
		return nil, err
	}
	if out := checked.OutputType(); out.Kind() != types.BoolKind {
		hint := ""
		if f, ok := FieldOf(e.root); ok {
			hint = "; write " + f.String() + " == true"
		}
		return nil, &TextError{0, fmt.Sprintf("a condition must be true or false, and this is %s%s", typeText(out), hint)}
	}
	if _, ok := e.slots(func(Field) int { return 0 }); ok {
		return e, nil
	}
	if e.program, err = l.plan(e); err != nil {
		return nil, err
	}
	return e, nil
}

func (l *Language) list(name string) (*List, string) {
	if l.Lists == nil {
		return nil, "there is no list " + name
	}
	return l.Lists(name)
}

// Root is the whole expression, to be walked.
func (e *Expression) Root() ast.Expr { return e.root }

// String is the expression as it is written, vars put in; empty if there is none.
func (e *Expression) String() string {
	if e == nil {
		return ""
	}
	return string(e.text)
}

func typeText(t *cel.Type) string {
	switch t.Kind() {
	case types.DynKind:
		return "a field that may be anything"
	case types.StringKind:
		return "a text"
	case types.IntKind, types.UintKind, types.DoubleKind:
		return "a number"
	default:
		return "of type " + cel.FormatCELType(t)
	}
}

// firstIssue is the first thing that CEL has to say.
func (e *Expression) firstIssue(issues *cel.Issues) *TextError {
	if issues == nil || len(issues.Errors()) == 0 {
		return nil
	}
	issue := issues.Errors()[0]
	message := strings.TrimPrefix(issue.Message, "Syntax error: ")
	message = strings.ReplaceAll(message, " (in container '')", "")
	switch {
	case strings.Contains(message, "invalid int literal"):
		message = "this whole number is too large; write it with a point, as in 100000000000000000000.0"
	case strings.Contains(message, "recursion"), strings.Contains(message, "nest"):
		message = fmt.Sprintf("an expression may be nested %d deep", maxNesting)
	case strings.Contains(message, "'<EOF>'"):
		message = "the expression ends too early"
	default:
		if m := unexpected.FindStringSubmatch(message); m != nil {
			message = "this is not expected here: " + m[1]
		}
	}
	if runes := []rune(message); len(runes) > 200 {
		message = string(runes[:200]) + "…"
	}
	offset := max(0, issue.Location.Column())
	line := 1
	for i, c := range e.text {
		if line == issue.Location.Line() {
			offset += i
			break
		}
		if c == '\n' {
			line++
		}
	}
	return &TextError{e.authored(nameBefore(e.text, offset)), message}
}

// unexpected finds the word in what the parser says.
var unexpected = regexp.MustCompile(`(?s)^(?:mismatched input|extraneous input|missing .* at|no viable alternative at input|token recognition error at:) ('.*?')(?: expecting .*)?$`)

// nameBefore moves from the bracket of a call to the name before it.
func nameBefore(text []rune, at int) int {
	if at >= len(text) || text[at] != '(' {
		return at
	}
	for at > 0 && IsIdent("a"+string(text[at-1])) {
		at--
	}
	return at
}

// Offset is the character that stands for a part of the expression, as its author
// wrote it: where a path starts, the operator, or the bracket of a call.
func (e *Expression) Offset(part ast.Expr) int { return e.authored(e.place(part)) }

// place is Offset in the text with vars put in.
func (e *Expression) place(part ast.Expr) int {
	for part.Kind() == ast.SelectKind {
		part = part.AsSelect().Operand()
	}
	r, _ := e.ast.NativeRep().SourceInfo().GetOffsetRange(part.ID())
	return int(r.Start)
}

// Errorf is what is wrong with a part of the expression.
func (e *Expression) Errorf(part ast.Expr, format string, args ...any) *TextError {
	return &TextError{e.authored(nameBefore(e.text, e.place(part))), fmt.Sprintf(format, args...)}
}

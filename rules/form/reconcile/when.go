package reconcile

import (
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/match"
)

// readWhen reads which sides must have a partner on the other one for each of their
// events: A > B asks that of A, A != B of both.
func readWhen(l *match.Language, text string, names [2]string) (asked [2]bool, _ *match.TextError) {
	e, err := l.Parse(text)
	if err != nil {
		return asked, err
	}
	root := e.Root()
	op := ""
	if root.Kind() == ast.CallKind {
		op = root.AsCall().FunctionName()
	}
	switch op {
	case operators.Greater, operators.NotEquals:
	case operators.Less:
		return asked, e.Errorf(root, "write it the other way round: `%s > %s`", names[second], names[first])
	default:
		return asked, e.Errorf(root, "`when` says which side may not have more than the other: `%s > %s`, `%s > %s` or `%s != %s`", names[second], names[first], names[first], names[second], names[first], names[second])
	}
	var sides [2]int
	for i, arg := range root.AsCall().Args() {
		if sides[i], err = side(e, arg, names); err != nil {
			return asked, err
		}
	}
	if sides[0] == sides[1] {
		return asked, e.Errorf(root, "this compares %s with itself: write `%s > %s`", names[sides[0]], names[sides[0]], names[other(sides[0])])
	}
	asked[sides[0]], asked[sides[1]] = true, op == operators.NotEquals
	return asked, nil
}

// side is the side that a part of the condition names.
func side(e *match.Expression, part ast.Expr, names [2]string) (int, *match.TextError) {
	if part.Kind() != ast.IdentKind {
		return 0, e.Errorf(part, "`when` compares the two sides by their names, %s and %s, and nothing else", names[first], names[second])
	}
	for side, name := range names {
		if part.AsIdent() == name {
			return side, nil
		}
	}
	hint := strictyaml.Nearest(part.AsIdent(), names[:])
	if hint == "" {
		hint = ": the sides are " + names[first] + " and " + names[second]
	}
	return 0, e.Errorf(part, "there is no side %s%s", strictyaml.Clip(part.AsIdent()), hint)
}

// isName tells whether `when` can call a side so.
func isName(l *match.Language, name string) bool {
	e, err := l.Parse(name)
	return err == nil && e.Root().Kind() == ast.IdentKind && strings.TrimSpace(name) == name
}

package structure

import (
	"fmt"
	"go/ast"
	"regexp"
	"strings"
)

var (
	guards = regexp.MustCompile(`\b(guards|held)\b`)
	waits  = regexp.MustCompile(`\bwaits?\b`)
)

// locks finds mutexes that do not say what they guard or while what they are
// held, on their line or right above it.
func locks(t *tree) []string {
	return t.silent(guards, func(n ast.Node) string {
		var of ast.Expr
		switch n := n.(type) {
		case *ast.Field:
			of = n.Type
		case *ast.ValueSpec:
			of = n.Type
		}
		if s, ok := of.(*ast.SelectorExpr); ok && s.Sel != nil {
			if pkg, ok := s.X.(*ast.Ident); ok && pkg.Name == "sync" && strings.HasSuffix(s.Sel.Name, "Mutex") {
				return "no comment says what this mutex guards or while what it is held"
			}
		}
		return ""
	})
}

// goroutines finds go statements that do not say who waits for what they start.
// The groups that start goroutines themselves say it by being waited for.
func goroutines(t *tree) []string {
	return t.silent(waits, func(n ast.Node) string {
		if _, ok := n.(*ast.GoStmt); ok {
			return "no comment says who waits for this goroutine"
		}
		return ""
	})
}

// silent finds, outside of tests, what asks for a comment and has none beside it
// with the word.
func (t *tree) silent(word *regexp.Regexp, asks func(ast.Node) string) []string {
	var found []string
	for _, f := range t.files {
		if f.test() || f.generated() {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if n == nil {
				return false
			}
			if lacks := asks(n); lacks != "" && !word.MatchString(t.beside(n)) {
				found = append(found, fmt.Sprintf("%s: %s", t.place(n), lacks))
			}
			return true
		})
	}
	return found
}

// beside is the comment on a node's line, and the one right above it.
func (t *tree) beside(n ast.Node) string {
	at := t.set.Position(n.Pos())
	lines := strings.Split(t.texts[at.Filename], "\n")
	_, said, _ := strings.Cut(lines[at.Line-1], "//")
	for i := at.Line - 2; i >= 0; i-- {
		above, whole := strings.CutPrefix(strings.TrimSpace(lines[i]), "//")
		if !whole {
			break
		}
		said = above + " " + said
	}
	return said
}

var requirement = regexp.MustCompile(`(?m)^(?:require )?\t?([\w.-]+\.[\w.-]+/\S+) v\S+(.*)$`)

// reasons finds requirements in go.mod without a reason beside them. Those that
// others have say "indirect".
func reasons(t *tree) []string {
	var found []string
	for _, m := range requirement.FindAllStringSubmatch(t.texts["go.mod"], -1) {
		if !strings.HasPrefix(m[2], " // ") {
			found = append(found, "go.mod: no reason beside "+m[1])
		}
	}
	return found
}

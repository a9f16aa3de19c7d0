package machine

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestBuiltInsComplete: what this package raises by a name is in the list, and the
// list is what people are told in ALERTS.md.
func TestBuiltInsComplete(t *testing.T) {
	var listed []string
	for _, b := range BuiltIns() {
		listed = append(listed, b.Name)
	}
	raised := raisedNames(t)
	if len(raised) < 10 {
		t.Errorf("only %v are raised: this shows nothing", raised)
	}
	for _, name := range raised {
		if !slices.Contains(listed, name) {
			t.Errorf("%s is raised and not in the list", name)
		}
	}
	text, err := os.ReadFile("../ALERTS.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `(\\w+)` \\| ([^|]*) \\| ([^|]*) \\|")
	told := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		told[m[1]] = m[2]
	}
	for _, b := range BuiltIns() {
		severity, ok := told[b.Name]
		if !ok || !strings.HasPrefix(severity, b.Severity) && !strings.HasSuffix(severity, b.Severity) {
			t.Errorf("ALERTS.md says of the severity of %s %q, want %s", b.Name, severity, b.Severity)
		}
	}
	if len(told) != len(listed) {
		t.Errorf("%d alerts in ALERTS.md, %d in the list", len(told), len(listed))
	}
}

// declared checks that built-in alerts carry only the labels that the list has: what
// is bounded by the list must not slip through a label that it does not know.
func (r *rig) declared() {
	r.t.Helper()
	for _, a := range r.m.Alerts {
		if !a.builtIn() || a.Condition { // the edge labels these, and tests as they like
			continue
		}
		i := slices.IndexFunc(BuiltIns(), func(b BuiltIn) bool { return b.Name == a.Rule })
		for _, l := range a.Labels {
			if !Essential(l.Name) && !slices.Contains(BuiltIns()[i].Labels, l.Name) {
				r.t.Errorf("%s has a label %s", a.Rule, l.Name)
			}
		}
	}
}

// raisedNames are the names by which built-in alerts are raised, and the conditions
// that are taken, as the source has them.
func raisedNames(t *testing.T) (out []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	value, used := map[string]string{}, map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				for i, v := range n.Values {
					if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
						value[n.Names[i].Name], _ = strconv.Unquote(lit.Value)
					}
				}
			case *ast.CallExpr:
				f, ok := n.Fun.(*ast.SelectorExpr)
				if ok && slices.Contains([]string{"about", "aboutAs", "builtIn", "conditionStands"}, f.Sel.Name) && len(n.Args) > 0 {
					if id, ok := n.Args[0].(*ast.Ident); ok {
						used[id.Name] = true
					}
				}
			case *ast.FuncDecl:
				if n.Name.Name == "checkCondition" {
					ast.Inspect(n, func(n ast.Node) bool {
						if c, ok := n.(*ast.CaseClause); ok {
							for _, e := range c.List {
								if id, ok := e.(*ast.Ident); ok {
									used[id.Name] = true
								}
							}
						}
						return true
					})
				}
			}
			return true
		})
	}
	for name := range used {
		if v := value[name]; v != "" {
			out = append(out, v)
		}
	}
	return out
}

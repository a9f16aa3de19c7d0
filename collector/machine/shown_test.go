package machine

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/collector/record"
)

// TestShown finds views that tell of events and are not masked: what a method of the
// machine returns, wherever in it, is either masked by one of Shown, or cannot be of
// an event.
func TestShown(t *testing.T) {
	harmless := map[string]string{
		"Apply": "the outcome of an entry: no view", "Standing": "metric alerts", "Conditions": "of the collector itself",
		"MetricRulesView": "what an evaluation said", "Follow": "", "KeptView": "Alertmanager's own, masked before it came there",
		"LiveSet": "rule files", "Recorded": "series: a finding of the rule file says so", "Recounter": "not shown", "StopsView": "ids of agents",
		"DisarmedView": "names of rules", "Shown": "what masks", "AgentsView": "what agents say of themselves",
	}
	file, err := parser.ParseFile(token.NewFileSet(), "shown.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	masked := map[string]bool{}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil {
			if of, ok := f.Recv.List[0].Type.(*ast.Ident); ok && of.Name == "Shown" {
				masked[f.Name.Name] = true
			}
		}
	}
	tells := []reflect.Type{
		reflect.TypeFor[Label](), reflect.TypeFor[record.Note](), reflect.TypeFor[Hold](), reflect.TypeFor[map[string]string](), reflect.TypeFor[any](),
	}
	var of func(r reflect.Type, seen map[reflect.Type]bool) bool
	of = func(r reflect.Type, seen map[reflect.Type]bool) bool {
		if seen[r] {
			return false
		}
		seen[r] = true
		if slices.Contains(tells, r) {
			return true
		}
		switch r.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Chan:
			return of(r.Elem(), seen)
		case reflect.Map:
			return of(r.Elem(), seen) || of(r.Key(), seen)
		case reflect.Struct:
			for field := range r.Fields() {
				if of(field.Type, seen) {
					return true
				}
			}
		default:
		}
		return false
	}
	found := 0
	m := reflect.TypeFor[*Machine]()
	for method := range m.Methods() {
		for out := range method.Type.Outs() {
			if !of(out, map[reflect.Type]bool{}) {
				continue
			}
			found++
			if _, ok := harmless[method.Name]; !ok && !masked[method.Name] {
				t.Errorf("%s tells of events and is masked nowhere", method.Name)
			}
			break
		}
	}
	if found < 12 {
		t.Errorf("only %d views tell of events: the test sees little", found)
	}
}

func TestMask(t *testing.T) {
	k := mask{[]string{"customer", "tag"}, [2]uint64{1, 2}}
	other := mask{k.names, [2]uint64{1, 3}}
	a, b := k.value("alice"), k.value("bob")
	if a == b || a != k.value("alice") || a == other.value("alice") || !isMask(a) || k.value("") != "" || isMask("alice") {
		t.Errorf("masks %s and %s, in another cell %s", a, b, other.value("alice"))
	}
	for _, c := range []struct{ text, want string }{
		{"request=w1", "request=w1"},
		{"address=x customer=alice request=w1", "address=x customer=" + a + " request=w1"},
		{"customer=alice tag=bob", "customer=" + a + " tag=" + b},
		{"address=x y customer=alice", "address=x y customer=" + a},
		{"", ""},
	} {
		if got := k.matchText(c.text); got != c.want {
			t.Errorf("%q is %q, want %q", c.text, got, c.want)
		}
	}
	for _, text := range []string{"customer=alice customer=alice", "customer=al address=alice", "request=w1 customer=alice request=alice"} {
		if got := k.matchText(text); strings.Contains(got, "al") {
			t.Errorf("%q is %q", text, got)
		}
	}
}

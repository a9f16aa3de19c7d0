package match

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

// Slip tells whether two names differ only by case, separators or one letter:
// one that is too many, missing, another, or swapped with the next.
func Slip(a, b string) bool { return Fold(a).Slip(Fold(b)) }

// A Folded is a name without case and separators.
type Folded string

// Slip is Slip of the names.
func (a Folded) Slip(b Folded) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	const short = 4 // below it, one letter is another name
	if a == b || len(b) < short || len(b)-len(a) > 1 {
		return a == b
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	switch rest := b[i+1:]; {
	case len(a) < len(b):
		return a[i:] == rest
	case a[i+1:] == rest:
		return true
	default:
		return len(rest) > 0 && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
	}
}

// Fold takes case and separators out of a name.
func Fold(s string) Folded {
	return Folded(strings.Map(func(r rune) rune {
		if strings.ContainsRune("._-/: ", r) {
			return -1
		}
		return r
	}, strings.ToLower(s)))
}

// Near is the one of some names that is probably meant by another; empty if
// there is none.
func Near(name string, names []string) string {
	for _, n := range names {
		if Fold(n) == Fold(name) {
			return n
		}
	}
	for _, n := range names {
		if Slip(name, n) {
			return n
		}
	}
	const short = 3
	for _, n := range names {
		long, part := string(Fold(n)), string(Fold(name))
		if len(long) < len(part) {
			long, part = part, long
		}
		if len(part) >= short && strings.Contains(long, part) {
			return n
		}
	}
	return strictyaml.Closest(name, names)
}

const (
	maxLooked = 64 << 10 // bytes of data in which another name is looked for
	maxNames  = 200      // of an object that are looked at
)

// Instead is the field that the event of the last Match has and that was
// probably meant by one that it lacks; empty if there is none.
func (m *Matcher) Instead(f Field) string {
	e := m.vars.event
	if f.attribute != "data" || e == nil || !e.JSON() || len(e.Data) > maxLooked {
		return ""
	}
	at := tree(e.Data)
	for i, name := range f.path {
		if inner, ok := at.fields[name].(*object); ok {
			at = inner
			continue
		}
		if at.fields[name] != nil {
			return "" // it is there, and of no use
		}
		var names []string
		for _, n := range at.names[:min(len(at.names), maxNames)] {
			names = append(names, string(n.(types.String)))
		}
		if near := Near(name, names); near != "" {
			return Field{f.attribute, append(slices.Clone(f.path[:i]), near)}.String()
		}
		return ""
	}
	return ""
}

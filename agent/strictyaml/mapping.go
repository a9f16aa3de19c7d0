package strictyaml

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// A Key of a mapping: what to do with its value. Keys that this version lacks
// have none and say what they would do.
type Key struct {
	Name string
	Read func(*yaml.Node)
	Not  string
	Null bool // it may stand there without a value
}

// Mapping walks a mapping, each key once, and reports whether it is one.
func (r *Reader) Mapping(n *yaml.Node, what string, keys []Key) bool {
	if n.Kind != yaml.MappingNode {
		r.WrongKind(n, what, "a mapping (key: value)")
		return false
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content) && !r.Exhausted(); i += 2 {
		k, v := r.Visit(n.Content[i]), r.Visit(n.Content[i+1])
		if r.Once(k, seen) {
			r.member(k, v, what, keys)
		}
	}
	return true
}

// Once tells whether k is a key that was not seen before, and merges nothing.
func (r *Reader) Once(k *yaml.Node, seen map[string]int) bool {
	return r.fresh(k, seen) && !r.merges(k)
}

// fresh tells whether k is a word that was not seen before.
func (r *Reader) fresh(k *yaml.Node, seen map[string]int) bool {
	if k.Kind != yaml.ScalarNode {
		r.ErrorAt(k, "a key must be a word")
		return false
	}
	if line, ok := seen[k.Value]; ok {
		r.ErrorAt(k, "the key %q stands twice, first on line %d", k.Value, line)
		return false
	}
	seen[k.Value] = k.Line
	return true
}

func (r *Reader) member(k, v *yaml.Node, what string, keys []Key) {
	at := slices.IndexFunc(keys, func(c Key) bool { return c.Name == k.Value })
	switch {
	case at < 0:
		var known []string
		for _, c := range keys {
			known = append(known, c.Name)
		}
		r.ErrorAt(k, "%s has no key %s%s", what, Clip(k.Value), Nearest(k.Value, known))
	case keys[at].Read == nil:
		r.ErrorAt(k, "not in this version: %s %s", k.Value, keys[at].Not)
	case IsNull(v) && keys[at].Null:
	case IsNull(v):
		r.wrong[v] = true
		r.ErrorAt(k, "%s has no value", k.Value)
	default:
		keys[at].Read(v)
	}
}

// Lacks notes at n that a key is missing, unless an error tells why: one of its
// value, or of a key that was probably meant to be it.
func (r *Reader) Lacks(n *yaml.Node, said []Member, key, format string, args ...any) {
	for _, m := range said {
		if m.Key.Value == key && r.wrong[m.Value] || r.wrong[m.Key] && Closest(m.Key.Value, []string{key}) != "" {
			return
		}
	}
	r.ErrorAt(n, format, args...)
}

// WrongKind notes that something is no mapping, list or text.
func (r *Reader) WrongKind(n *yaml.Node, what, want string) {
	if !r.Exhausted() {
		r.ErrorAt(n, "%s must be %s", what, want)
	}
}

// Each walks a list.
func (r *Reader) Each(n *yaml.Node, what string, do func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		r.WrongKind(n, what, "a list")
		return
	}
	for _, item := range n.Content {
		if r.Exhausted() {
			return
		}
		do(r.Visit(item))
	}
}

// Text reads a scalar as text.
func (r *Reader) Text(n *yaml.Node, what string) (string, bool) {
	if n.Kind != yaml.ScalarNode || IsNull(n) {
		r.WrongKind(n, what, "a text")
		return "", false
	}
	return n.Value, true
}

// Clip quotes what a file says, and only its beginning if it is long.
func Clip(s string) string {
	n := 0
	for i := range s {
		if n++; n > 60 {
			s = s[:i] + "…"
			break
		}
	}
	return strconv.Quote(s)
}

package rules

import (
	"fmt"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

const (
	maxFile   = 4 << 20
	maxVisits = 500_000 // nodes looked at, aliases followed

	maxProblems = 100
)

// A reader walks the YAML of one file and notes what is wrong with it.
type reader struct {
	file   File
	lines  [][]byte
	out    *Problems
	visits int
	noted  int // errors
	found  int // findings

	ours   bool               // the file holds what is not Prometheus's
	second func(finding bool) // notes that a second document begins; nil if none does
}

func (r *reader) note(line, column int, finding bool, text string) {
	n := &r.noted
	if finding {
		n = &r.found
	}
	if *n++; *n > maxProblems {
		return
	}
	p := Problem{File: r.file.Name, Line: line, Column: column, Text: text, Finding: finding}
	if line > 0 && line <= len(r.lines) {
		p.source, p.caret = excerpt(r.lines[line-1], column)
	}
	*r.out = append(*r.out, p)
	if *n == maxProblems {
		p.Text = "there are more problems in this file, which are not shown"
		*r.out = append(*r.out, p)
	}
}

func (r *reader) errorAt(n *yaml.Node, format string, args ...any) {
	r.note(n.Line, n.Column, false, fmt.Sprintf(format, args...))
}

func (r *reader) findingAt(n *yaml.Node, format string, args ...any) {
	r.note(n.Line, n.Column, true, fmt.Sprintf(format, args...))
}

// errorIn notes an error at the character of that offset in a scalar.
func (r *reader) errorIn(n *yaml.Node, offset int, text string) {
	line, column := r.place(n, offset)
	r.note(line, column, false, text)
}

// visit follows an alias and counts, so that a file that names itself over and
// over ends.
func (r *reader) visit(n *yaml.Node) *yaml.Node {
	if r.visits++; r.visits > maxVisits {
		if r.visits == maxVisits+1 {
			r.errorAt(n, "this file has more than %d values, aliases counted as often as they are used", maxVisits)
		}
		return &yaml.Node{Line: n.Line, Column: n.Column}
	}
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// exhausted tells whether the file is too large to go on with; it was noted.
func (r *reader) exhausted() bool { return r.visits > maxVisits || r.noted >= maxProblems }

// A key of a mapping: what to do with its value. Keys of the language that
// this version lacks have none and say what they would do.
type key struct {
	name string
	read func(*yaml.Node)
	not  string
	null bool // it may stand there without a value
}

// mapping walks a mapping, each key once, and reports whether it is one.
func (r *reader) mapping(n *yaml.Node, what string, keys []key) bool {
	if n.Kind != yaml.MappingNode {
		r.wrongKind(n, what, "a mapping (key: value)")
		return false
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content) && !r.exhausted(); i += 2 {
		k, v := r.visit(n.Content[i]), r.visit(n.Content[i+1])
		if r.once(k, seen) {
			r.member(k, v, what, keys)
		}
	}
	return true
}

// once tells whether k is a key that was not seen before, and merges nothing.
func (r *reader) once(k *yaml.Node, seen map[string]int) bool {
	return r.fresh(k, seen) && !r.merges(k)
}

// fresh tells whether k is a word that was not seen before.
func (r *reader) fresh(k *yaml.Node, seen map[string]int) bool {
	if k.Kind != yaml.ScalarNode {
		r.errorAt(k, "a key must be a word")
		return false
	}
	if line, ok := seen[k.Value]; ok {
		r.errorAt(k, "the key %q stands twice, first on line %d", k.Value, line)
		return false
	}
	seen[k.Value] = k.Line
	return true
}

func (r *reader) member(k, v *yaml.Node, what string, keys []key) {
	at := slices.IndexFunc(keys, func(c key) bool { return c.name == k.Value })
	switch {
	case at < 0:
		var known []string
		for _, c := range keys {
			known = append(known, c.name)
		}
		r.errorAt(k, "%s has no key %s%s", what, clip(k.Value), nearest(k.Value, known))
	case keys[at].read == nil:
		r.errorAt(k, "not in this version: %s %s", k.Value, keys[at].not)
	case isNull(v) && keys[at].null:
	case isNull(v):
		r.errorAt(k, "%s has no value", k.Value)
	default:
		keys[at].read(v)
	}
}

func (r *reader) wrongKind(n *yaml.Node, what, want string) {
	if !r.exhausted() {
		r.errorAt(n, "%s must be %s", what, want)
	}
}

// each walks a list.
func (r *reader) each(n *yaml.Node, what string, do func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		r.wrongKind(n, what, "a list")
		return
	}
	for _, item := range n.Content {
		if r.exhausted() {
			return
		}
		do(r.visit(item))
	}
}

// text reads a scalar as text.
func (r *reader) text(n *yaml.Node, what string) (string, bool) {
	if n.Kind != yaml.ScalarNode || isNull(n) {
		r.wrongKind(n, what, "a text")
		return "", false
	}
	return n.Value, true
}

// clip quotes what a file says, and only its beginning if it is long.
func clip(s string) string {
	n := 0
	for i := range s {
		if n++; n > 60 {
			s = s[:i] + "…"
			break
		}
	}
	return strconv.Quote(s)
}

func quote(s string) string { return strconv.Quote(s) }

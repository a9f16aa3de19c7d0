package rules

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	maxFile   = 4 << 20
	maxVisits = 200_000 // nodes looked at, aliases followed

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

// place finds where a character of a scalar stands in the file. Where the two
// do not correspond it is the start of the scalar.
func (r *reader) place(n *yaml.Node, offset int) (line, column int) {
	value := []rune(n.Value)
	offset = max(0, min(offset, len(value)))
	switch n.Style {
	case yaml.LiteralStyle:
		before := string(value[:offset])
		row := strings.Count(before, "\n")
		text := strings.Split(n.Value, "\n")[row]
		line = n.Line + 1 + row
		if line > len(r.lines) {
			break
		}
		if at := bytes.Index(r.lines[line-1], []byte(text)); at >= 0 {
			in := utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:])
			return line, utf8.RuneCount(r.lines[line-1][:at]) + in + 1
		}
	default:
		if n.Line < 1 || n.Line > len(r.lines) {
			break
		}
		source := []rune(string(r.lines[n.Line-1]))
		from := n.Column - 1
		if n.Style == yaml.SingleQuotedStyle || n.Style == yaml.DoubleQuotedStyle {
			from++
		}
		if from+len(value) <= len(source) && string(source[from:from+len(value)]) == n.Value {
			return n.Line, from + offset + 1
		}
	}
	return n.Line, n.Column
}

// root is the top of the file's one document; nil if there is none.
func (r *reader) root() *yaml.Node {
	if len(r.file.Text) > maxFile {
		r.note(1, 1, false, fmt.Sprintf("a rule file may have %d bytes, this one has %d", maxFile, len(r.file.Text)))
		return nil
	}
	r.lines = bytes.Split(r.file.Text, []byte("\n"))
	if line, column, ok := r.invalid(); ok {
		r.note(line, column, false, "this is not UTF-8 text")
		return nil
	}
	d := yaml.NewDecoder(bytes.NewReader(r.file.Text))
	var doc, next yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		r.syntax(err)
		return nil
	}
	if err := d.Decode(&next); err == nil {
		r.errorAt(&next, "a rule file is one YAML document, and here a second one begins")
		return nil
	} else if !errors.Is(err, io.EOF) {
		r.syntax(err)
		return nil
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 || isNull(doc.Content[0]) {
		return nil
	}
	return doc.Content[0]
}

func (r *reader) invalid() (line, column int, found bool) {
	if utf8.Valid(r.file.Text) {
		return 0, 0, false
	}
	for i, l := range r.lines {
		for at, c := range string(l) {
			if c == utf8.RuneError {
				if _, size := utf8.DecodeRune(l[at:]); size == 1 {
					return i + 1, utf8.RuneCount(l[:at]) + 1, true
				}
			}
		}
	}
	return 1, 1, true
}

// syntax notes an error of the YAML parser, which knows lines only.
func (r *reader) syntax(err error) {
	line, text := 1, strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	for _, near := range []int{line, line + 1, line - 1} {
		if near < 1 || near > len(r.lines) {
			continue
		}
		l := r.lines[near-1]
		indent := l[:len(l)-len(bytes.TrimLeft(l, " \t"))]
		if tab := bytes.IndexByte(indent, '\t'); tab >= 0 {
			r.note(near, tab+1, false, "YAML is indented with spaces, and this is a tab")
			return
		}
	}
	line = max(1, min(line, len(r.lines)))
	l := r.lines[line-1]
	r.note(line, len(l)-len(bytes.TrimLeft(l, " "))+1, false, "this is not YAML: "+text)
}

var yamlLine = regexp.MustCompile(`^line (\d+): `)

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

// once tells whether k is a key that was not seen before.
func (r *reader) once(k *yaml.Node, seen map[string]int) bool {
	if k.Kind != yaml.ScalarNode {
		r.errorAt(k, "a key must be a word")
		return false
	}
	if k.Tag == "!!merge" {
		r.errorAt(k, "not in this version: << merges one mapping into another")
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

package strictyaml

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// MaxProblems is how many errors of one file are shown, and how many findings.
const MaxProblems = 100

const maxVisits = 500_000 // nodes looked at, aliases followed

// A Reader walks the YAML of one file and notes what is wrong with it.
type Reader struct {
	File File
	Ours bool // a second document is an error, and not only a finding

	what   string // the kind of file, as in "a rule file"
	most   int    // bytes
	lines  [][]byte
	out    *Problems
	visits int
	noted  int                 // errors
	found  int                 // findings
	wrong  map[*yaml.Node]bool // nodes at which errors were noted
	toEnd  bool                // however many errors there are
	guests map[*yaml.Node]*Reader
	second func(finding bool) // notes that a second document begins; nil if none does
}

// NewReader reads a file of that kind, as in "a rule file", which may have so
// many bytes. What is wrong with it is added to out.
func NewReader(f File, what string, most int, out *Problems) *Reader {
	return &Reader{File: f, what: what, most: most, out: out, wrong: map[*yaml.Node]bool{}}
}

// Note notes a problem at a place.
func (r *Reader) Note(line, column int, finding bool, text string) {
	n := &r.noted
	if finding {
		n = &r.found
	}
	if *n++; *n > MaxProblems {
		return
	}
	p := Problem{File: r.File.Name, Line: line, Column: column, Text: text, Finding: finding}
	if line > 0 && line <= len(r.lines) {
		p.source, p.caret = excerpt(r.lines[line-1], column)
	}
	*r.out = append(*r.out, p)
	if *n == MaxProblems {
		p.Text = "there are more problems in this file, which are not shown"
		*r.out = append(*r.out, p)
	}
}

// Adopt makes a value of another file part of this one. What is wrong with it is
// noted where it stands, and counts here too.
func (r *Reader) Adopt(n *yaml.Node, from *Reader) {
	if n == nil || from == r || r.guests[n] != nil {
		return
	}
	if r.guests == nil {
		r.guests = map[*yaml.Node]*Reader{}
	}
	r.guests[n] = from
	r.Adopt(n.Alias, from)
	for _, inner := range n.Content {
		r.Adopt(inner, from)
	}
}

// home is the reader of the file in which a node stands.
func (r *Reader) home(n *yaml.Node, finding bool) *Reader {
	r.wrong[n] = r.wrong[n] || !finding
	from := r.guests[n]
	if from == nil {
		return r
	}
	if !finding {
		r.noted++
	}
	return from
}

// ErrorAt notes an error at a node.
func (r *Reader) ErrorAt(n *yaml.Node, format string, args ...any) {
	r.home(n, false).Note(n.Line, n.Column, false, fmt.Sprintf(format, args...))
}

// FindingAt notes at a node what is odd and prevents nothing.
func (r *Reader) FindingAt(n *yaml.Node, format string, args ...any) {
	r.home(n, true).Note(n.Line, n.Column, true, fmt.Sprintf(format, args...))
}

// ErrorIn notes an error at the character of that offset in a scalar.
func (r *Reader) ErrorIn(n *yaml.Node, offset int, text string) { r.in(n, offset, false, text) }

// FindingIn notes a finding at the character of that offset in a scalar.
func (r *Reader) FindingIn(n *yaml.Node, offset int, text string) { r.in(n, offset, true, text) }

func (r *Reader) in(n *yaml.Node, offset int, finding bool, text string) {
	home := r.home(n, finding)
	line, column := home.place(n, offset)
	home.Note(line, column, finding, text)
}

// Noted is how many errors were noted.
func (r *Reader) Noted() int { return r.noted }

// Exhausted tells whether the file is too large to go on with; it was noted.
func (r *Reader) Exhausted() bool { return r.visits > maxVisits || r.noted >= MaxProblems && !r.toEnd }

// ToEnd makes the reader go on after more errors than are shown: what is sound
// behind them counts.
func (r *Reader) ToEnd() *Reader {
	r.toEnd = true
	return r
}

// Visit follows an alias and counts, so that a file that names itself over and
// over ends.
func (r *Reader) Visit(n *yaml.Node) *yaml.Node {
	if r.visits++; r.visits > maxVisits {
		if r.visits == maxVisits+1 {
			r.ErrorAt(n, "this file has more than %d values, aliases counted as often as they are used", maxVisits)
		}
		return &yaml.Node{Line: n.Line, Column: n.Column}
	}
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// IsNull tells whether a node is a value that is not there.
func IsNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

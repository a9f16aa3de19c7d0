package strictyaml

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Problem is one thing that is wrong, or at least odd, in a file.
type Problem struct {
	File         string
	Line, Column int // from 1; columns count characters
	Text         string
	Finding      bool // does not prevent loading

	source, caret string // the line, or a part of it, and what points into it
}

// String is the place and the sentence, then the line and a caret below it, then
// what else there is to say; only the text if it is about no file.
func (p Problem) String() string {
	if p.File == "" {
		return p.Text
	}
	first, rest, more := strings.Cut(p.Text, "\n")
	text := fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, first)
	if p.caret != "" {
		text += "\n" + p.source + "\n" + p.caret
	}
	if more {
		text += "\n" + rest
	}
	return text
}

// ProblemAt is a problem of a whole line of a file, which it shows; of the file
// as such if the line is 0.
func ProblemAt(f File, line int, text string, finding bool) Problem {
	p := Problem{File: f.Name, Line: max(line, 1), Column: 1, Text: text, Finding: finding}
	lines := bytes.Split(f.Text, []byte("\n"))
	if line < 1 || line > len(lines) {
		return p
	}
	source := lines[line-1]
	p.Column += len(source) - len(bytes.TrimLeft(source, " \t"))
	p.source, p.caret = excerpt(source, p.Column)
	return p
}

const maxExcerpt = 120

// excerpt cuts a long line around the column and makes the line with the caret.
func excerpt(source []byte, column int) (line, caret string) {
	text := []rune(strings.TrimRight(string(source), "\r"))
	at := min(max(column-1, 0), len(text))
	from := 0
	if len(text) > maxExcerpt {
		from = max(0, min(at-maxExcerpt/2, len(text)-maxExcerpt))
		text = text[from : from+maxExcerpt]
	}
	pad := make([]rune, at-from)
	for i := range pad {
		pad[i] = ' '
		if text[i] == '\t' {
			pad[i] = '\t'
		}
	}
	return string(text), string(pad) + "^"
}

// Problems are sorted by file, line and column.
type Problems []Problem

// Err is the errors among the problems as one, an *Error; nil if there are none
// and what was read can be loaded.
func (ps Problems) Err() error {
	var e Error
	for _, p := range ps {
		if !p.Finding {
			e.Problems = append(e.Problems, p)
		}
	}
	if e.Problems == nil {
		return nil
	}
	return &e
}

// An Error is all that is wrong with files, at least one problem.
type Error struct{ Problems Problems }

// Error is each problem with its place, its line and a caret.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Errors is how many of the problems are errors.
func (ps Problems) Errors() (n int) {
	for _, p := range ps {
		if !p.Finding {
			n++
		}
	}
	return n
}

// Sort puts them in order, those of the files in the order of these names.
func (ps Problems) Sort(files []string) {
	order := map[string]int{}
	for i, name := range files {
		order[name] = i
	}
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(order[a.File], order[b.File]),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Text, b.Text))
	})
}

package rules

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Problem is one thing that is wrong, or at least odd, in a rule file.
type Problem struct {
	File         string
	Line, Column int // from 1; columns count characters
	Text         string
	Finding      bool // does not prevent loading

	source, caret string // the line, or a part of it, and what points into it
}

// String is the place and the sentence, then the line and a caret below it.
func (p Problem) String() string {
	text := fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
	if p.caret != "" {
		text += "\n" + p.source + "\n" + p.caret
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

// Err is the errors among the problems, nil if a set can be loaded.
func (ps Problems) Err() error {
	var lines []string
	for _, p := range ps {
		if !p.Finding {
			lines = append(lines, p.String())
		}
	}
	if lines == nil {
		return nil
	}
	return errors.New(strings.Join(lines, "\n"))
}

func (ps Problems) sort(files []File) {
	order := map[string]int{}
	for i, f := range files {
		order[f.Name] = i
	}
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(order[a.File], order[b.File]),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Text, b.Text))
	})
}

// nearest suggests the known word that was probably meant.
func nearest(word string, known []string) string {
	best, distance := "", min(3, len(word)/2+1)
	for _, k := range known {
		if d := edits(word, k); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", best)
}

// edits counts the characters to insert, remove or replace to make b of a.
func edits(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

package strictyaml

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// place finds where a character of a scalar stands in the file: the file is
// followed along the text from the scalar's start, and space, which YAML folds,
// is passed over on both sides. Where the two do not correspond it is the
// scalar's start.
func (r *Reader) place(n *yaml.Node, offset int) (line, column int) {
	c := cursor{lines: r.lines, style: n.Style, line: n.Line - 1}
	line, column = n.Line, n.Column
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		c.line++
	} else {
		c.skip(n.Column - 1)
		c.begin()
		column = c.column + 1
	}
	for i, char := range []rune(n.Value) {
		if unicode.IsSpace(char) {
			continue
		}
		at, ok := c.find(char)
		switch {
		case !ok:
			return n.Line, n.Column
		case i == offset:
			return at.line + 1, at.column + 1
		case i > offset:
			return line, column
		}
		line, column = c.line+1, c.column+1
	}
	return line, column
}

// A cursor goes through a file, character by character.
type cursor struct {
	lines        [][]byte
	style        yaml.Style
	line, column int // from 0; columns count characters
	pos          int // where the column is in the line
}

func (c *cursor) peek() (char rune, size int) {
	if c.line < 0 || c.line >= len(c.lines) || c.pos >= len(c.lines[c.line]) {
		return 0, 0
	}
	return utf8.DecodeRune(c.lines[c.line][c.pos:])
}

// skip goes on by some characters of the line.
func (c *cursor) skip(n int) {
	for range n {
		_, size := c.peek()
		c.pos += size
		c.column++
	}
}

// begin passes what stands before a scalar's text: anchor, tag and quote.
func (c *cursor) begin() {
	for char, _ := c.peek(); char == '&' || char == '!'; char, _ = c.peek() {
		for size := 1; size > 0 && !unicode.IsSpace(char); char, size = c.peek() {
			c.skip(1)
		}
		c.space()
	}
	if c.style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		c.skip(1)
	}
}

// space goes on to what is no space, perhaps on another line.
func (c *cursor) space() {
	for c.line < len(c.lines) {
		switch char, size := c.peek(); {
		case size == 0:
			c.line, c.column, c.pos = c.line+1, 0, 0
		case !unicode.IsSpace(char):
			return
		default:
			c.skip(1)
		}
	}
}

// find passes the next character that is no space, if it is this one, and
// tells where it stands.
func (c *cursor) find(want rune) (at cursor, ok bool) {
	c.space()
	char, _ := c.peek()
	at = *c
	c.skip(1)
	if c.style&yaml.DoubleQuotedStyle != 0 && char == '\\' {
		char, _ = c.peek()
		c.skip(1)
		if strings.ContainsRune("nrt\r\x00", char) { // 0 is the end of the line
			return c.find(want)
		}
	}
	if c.style&yaml.SingleQuotedStyle != 0 && char == '\'' {
		c.skip(1)
	}
	return at, char == want
}

package strictyaml

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Root is the top of the file's one document; nil if there is none.
func (r *Reader) Root() *yaml.Node {
	if len(r.File.Text) > r.most {
		r.Note(1, 1, false, fmt.Sprintf("%s may have %d bytes, this one has %d", r.what, r.most, len(r.File.Text)))
		return nil
	}
	text := plainUTF8(r.File.Text)
	r.lines = bytes.Split(text, []byte("\n"))
	if line, column, ok := r.invalid(text); ok {
		r.Note(line, column, false, "this is not UTF-8 text")
		return nil
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	var doc, next yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		r.syntax(err)
		return nil
	}
	if err := d.Decode(&next); !errors.Is(err, io.EOF) {
		r.second = func(finding bool) { r.another(&next, err, finding) }
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 || IsNull(doc.Content[0]) {
		return nil
	}
	return doc.Content[0]
}

// TopKeys are the keys at the top of a file; none if it cannot be read.
func TopKeys(f File, most int) (out []string) {
	var ignored Problems
	r := NewReader(f, "", most, &ignored)
	root := r.Root()
	if root == nil {
		return nil
	}
	said, _ := r.Members(r.Visit(root), "")
	for _, m := range said {
		out = append(out, m.Key.Value)
	}
	return out
}

// another notes a second document, which err may have ended.
func (r *Reader) another(n *yaml.Node, err error, finding bool) {
	switch {
	case finding:
		line, _ := errorLine(err, n.Line)
		r.Note(max(1, line), max(1, n.Column), true, "only the first YAML document of a file is read, and here is a second one")
	case err != nil:
		r.syntax(err)
	default:
		r.ErrorAt(n, "%s is one YAML document, and here a second one begins", r.what)
	}
}

// Only sees to it that the file is one document. To have more is an error of a
// file that is ours, and a finding of one that only the first is read of.
func (r *Reader) Only() {
	if r.second != nil {
		r.second(!r.Ours)
	}
}

// plainUTF8 is a text as YAML reads it: without a byte order mark, and from
// UTF-16 if the mark says so and the rest is.
func plainUTF8(text []byte) []byte {
	order := binary.ByteOrder(binary.LittleEndian)
	switch {
	case bytes.HasPrefix(text, []byte("\xef\xbb\xbf")):
		return text[3:]
	case bytes.HasPrefix(text, []byte("\xfe\xff")):
		order = binary.BigEndian
	case !bytes.HasPrefix(text, []byte("\xff\xfe")):
		return text
	}
	units := make([]uint16, 0, len(text)/2)
	for i := 2; i+1 < len(text); i += 2 {
		units = append(units, order.Uint16(text[i:]))
	}
	chars := utf16.Decode(units)
	if len(text)%2 == 1 || !slices.Equal(utf16.Encode(chars), units) {
		return text
	}
	return []byte(string(chars))
}

func (r *Reader) invalid(text []byte) (line, column int, found bool) {
	if utf8.Valid(text) {
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
func (r *Reader) syntax(err error) {
	line, text := errorLine(err, 1)
	for _, near := range []int{line, line + 1, line - 1} {
		if near < 1 || near > len(r.lines) {
			continue
		}
		l := r.lines[near-1]
		indent := l[:len(l)-len(bytes.TrimLeft(l, " \t"))]
		if tab := bytes.IndexByte(indent, '\t'); tab >= 0 {
			r.Note(near, tab+1, false, "YAML is indented with spaces, and this is a tab")
			return
		}
	}
	line = max(1, min(line, len(r.lines)))
	l := r.lines[line-1]
	r.Note(line, len(l)-len(bytes.TrimLeft(l, " "))+1, false, "this is not YAML: "+text)
}

// errorLine is the line of an error of the YAML parser, and what it says. The
// line is another if it names none.
func errorLine(err error, other int) (line int, text string) {
	if err == nil {
		return other, ""
	}
	text = strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		other, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	return other, text
}

var yamlLine = regexp.MustCompile(`^line (\d+): `)

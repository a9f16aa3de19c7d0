package rules

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
)

// Bounds on all lists of a set: it must fit into one entry of the ledger.
const (
	MaxListBytes = 8 << 20
	maxListed    = 1_000_000 // values
)

// WithLists is files with those that they name as lists, each read once. What
// cannot be read is an error where its name stands, once they are parsed.
func WithLists(files []File, read func(name string) ([]byte, error)) []File {
	out := slices.Clone(files)
	for _, f := range files {
		for _, name := range listFiles(f) {
			if i := slices.IndexFunc(out, func(o File) bool { return filepath.Clean(o.Name) == name }); i >= 0 {
				out[i].List = true
				continue
			}
			text, err := read(name)
			out = append(out, File{Name: name, Text: text, List: true, Wrong: err})
		}
	}
	return out
}

// listFiles are the files that a file names as lists. What is wrong with it is
// not said here.
func listFiles(f File) (out []string) {
	if f.List || !bytes.Contains(f.Text, []byte("lists")) {
		return nil
	}
	var ignored Problems
	r := strictyaml.NewReader(f.YAML(), "a rule file", maxFile, &ignored)
	members := func(n *yaml.Node) (said []strictyaml.Member) {
		if n != nil {
			said, _ = r.Members(r.Visit(n), "")
		}
		return said
	}
	for _, m := range members(strictyaml.ValueOf(members(r.Root()), "lists")) {
		if n := strictyaml.ValueOf(members(m.Value), "file"); n != nil && n.Kind == yaml.ScalarNode && n.Value != "" {
			out = append(out, besides(f.Name, n.Value))
		}
	}
	return out
}

// besides is a path that is relative to the folder of a file.
func besides(file, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(filepath.Dir(file), path)
}

// A parsedList is a list with a name, in which rules of all files may look.
type parsedList struct {
	match.List
	place
	broken, used bool
}

// readLists reads names and their lists.
func (p *parser) readLists(n *yaml.Node) {
	p.eachNamed(n, "lists", "list", func(m strictyaml.Member) {
		l := &parsedList{place: p.here(m.Key)}
		before := len(*p.problems)
		p.list(m, l)
		l.broken = len(*p.problems) > before
		p.lists[m.Key.Value] = l
	})
}

// list reads the values of a list, from its file or where they stand.
func (p *parser) list(m strictyaml.Member, l *parsedList) {
	before, from := p.Noted(), 0
	ok := p.Mapping(m.Value, "a list", []strictyaml.Key{
		{Name: "file", Read: func(v *yaml.Node) {
			from++
			if name, ok := p.Text(v, "file"); ok {
				p.listFile(v, besides(p.File.Name, name), l)
			}
		}},
		{Name: "values", Read: func(v *yaml.Node) {
			from++
			p.Each(v, "values", func(n *yaml.Node) {
				if text, ok := p.Text(n, "a value of a list"); ok {
					p.listed(l, text, func(format string, args ...any) { p.ErrorAt(n, format, args...) })
				}
			})
		}},
	})
	switch {
	case ok && from == 0:
		p.lacks(m.Value, before, "a list has a file or values: write {file: NAME.txt}, one value a line, or {values: [a, b]}")
	case from > 1:
		p.ErrorAt(m.Value, "a list has a file or values, not both")
	}
}

// listFile reads a file of values.
func (p *parser) listFile(n *yaml.Node, name string, l *parsedList) {
	i := slices.IndexFunc(p.listTexts, func(f File) bool { return filepath.Clean(f.Name) == name })
	if i < 0 {
		p.ErrorAt(n, "the file %s is not among those that were read", strictyaml.Clip(name))
		return
	}
	f := p.listTexts[i]
	switch {
	case f.Wrong != nil:
		p.ErrorAt(n, "the list cannot be read: %v", f.Wrong)
		return
	case len(f.Text) > MaxListBytes:
		p.ErrorAt(n, "a list may have %d bytes, and %s has more", MaxListBytes, strictyaml.Clip(name))
		return
	}
	line := 0
	for text := range strings.Lines(string(f.Text)) {
		line++
		if text = strings.TrimSpace(text); text == "" || text[0] == '#' {
			continue
		}
		good := p.listed(l, text, func(format string, args ...any) {
			*p.problems = append(*p.problems, strictyaml.ProblemAt(f.YAML(), line, fmt.Sprintf(format, args...), false))
		})
		if !good {
			return // once is enough
		}
	}
}

// listed adds a value.
func (p *parser) listed(l *parsedList, text string, errorf func(format string, args ...any)) bool {
	p.listedValues, p.listedBytes = p.listedValues+1, p.listedBytes+len(text)
	switch {
	case len(text) > match.MaxListed:
		errorf("a value of a list may have %d bytes, this one has %d", match.MaxListed, len(text))
	case p.listedValues > maxListed, p.listedBytes > MaxListBytes:
		errorf("the lists of a rule set may have %d values and %d bytes together, and here are more", maxListed, MaxListBytes)
	default:
		l.Add(text)
		return true
	}
	return false
}

// listOf is the list of that name, or what is wrong with it.
func (p *parser) listOf(name string) (*match.List, string) {
	l := p.lists[name]
	switch {
	case l == nil:
		return nil, fmt.Sprintf("there is no list %s%s", strictyaml.Clip(name), strictyaml.Nearest(name, slices.Sorted(maps.Keys(p.lists))))
	case l.broken:
		return nil, fmt.Sprintf("the list %s could not be read", name)
	}
	l.used = true
	return &l.List, ""
}

// relist gives a rule that looks into lists the identity of their values: other
// values make other events count, and so another rule.
func (p *parser) relist(r *parsedRule) {
	var d form.Digest
	for _, s := range r.Body.Sources() {
		names, lists := s.Where.Lists()
		for i, l := range lists {
			d.Add("list", s.Event, names[i], l.Digest())
		}
	}
	p.reidentify(r, d)
}

// idleLists finds those in which nobody looks, or nothing is.
func (p *parser) idleLists() {
	for name, l := range p.lists { // findings are sorted
		switch {
		case !l.used:
			l.findingf("no rule looks into the list %s", name)
		case l.Len() == 0:
			l.findingf("the list %s is empty: nothing is in it, and `in` is never true", name)
		}
	}
}

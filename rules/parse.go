package rules

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// Parse reads files as one set. The set is nil if any problem is an error.
// What is PromQL's is judged by the checkers, and without one not at all: what
// was taken once can be read again whatever PromQL has become since.
func Parse(files []File, checks ...Checker) (*Set, Problems) {
	var problems Problems
	p := &parser{lang: newLanguage(), names: map[string]bool{}}
	for _, f := range files {
		p.one(&reader{file: f, out: &problems}, checks)
	}
	p.link()
	if problems.Err() != nil {
		problems.sort(files)
		return nil, problems
	}
	p.findings()
	problems.sort(files)
	set := p.set()
	set.index()
	return set, problems
}

// A parser reads the files of one set, one after another.
type parser struct {
	*reader
	lang  *language
	names map[string]bool // "kind name" of what must be unique

	rules       []*parsedRule
	metrics     []*parsedMetric
	gates       []*parsedGate
	mitigations []*parsedMitigation
	prometheus  []File

	theirs metricFile // of the file that is read
}

// one reads one file.
func (p *parser) one(r *reader, checks []Checker) {
	p.reader, p.theirs = r, metricFile{}
	if root := p.root(); root != nil {
		p.read(p.visit(root))
	}
	p.only()
	file, ok := p.forPrometheus()
	if !ok {
		return
	}
	if len(p.theirs.rules) > 0 {
		p.prometheus = append(p.prometheus, file)
	}
	for _, c := range checks {
		p.judge(c, file)
	}
}

// place is where something stands, for problems that are found later.
type place struct {
	in *reader
	at *yaml.Node
}

func (p *parser) here(n *yaml.Node) place { return place{p.reader, n} }

func (p place) errorf(format string, args ...any)   { p.in.errorAt(p.at, format, args...) }
func (p place) findingf(format string, args ...any) { p.in.findingAt(p.at, format, args...) }

func (p *parser) read(root *yaml.Node) {
	said, ok := p.members(root, "a rule file")
	if !ok {
		return
	}
	p.ours = slices.ContainsFunc(said, func(m member) bool { return m.key.Value != "groups" })
	p.known(said, "a rule file", []key{
		{name: "groups", null: true, read: func(n *yaml.Node) { p.each(n, "groups", p.group) }},
		{name: "gates", read: func(n *yaml.Node) { p.each(n, "gates", p.gate) }},
		{name: "mitigations", read: func(n *yaml.Node) { p.each(n, "mitigations", p.mitigation) }},
		{name: "lists", not: "would name values for conditions to look in"},
		{name: "vars", not: "would name values for conditions and durations"},
		{name: "overrides", not: "would change shipped rules"},
		{name: "events", not: "would declare the fields and sources of event types"},
	})
}

// lacks notes that something is missing, unless something was noted since
// before: then that is the reason, and to say it twice would not help.
func (p *parser) lacks(n *yaml.Node, before int, format string, args ...any) {
	if p.noted == before {
		p.errorAt(n, format, args...)
	}
}

// unique notes an error if something of this kind and id was there before.
func (p *parser) unique(n *yaml.Node, kind, id, name string) {
	if p.names[kind+"\x00"+id] {
		p.errorAt(n, "there is already a %s %s", kind, name)
	}
	p.names[kind+"\x00"+id] = true
}

const maxName = 256

// name reads a name; it is empty after an error.
func (p *parser) name(n *yaml.Node, what string) string {
	s, ok := p.text(n, what)
	switch {
	case !ok:
		return ""
	case strings.TrimSpace(s) == "":
		p.errorAt(n, "%s is empty", what)
		return ""
	case len(s) > maxName:
		p.errorAt(n, "%s has more than %d bytes", what, maxName)
		return ""
	case strings.ContainsFunc(s, unicode.IsControl):
		p.errorAt(n, "%s has a control character", what)
		return ""
	}
	return s
}

func (p *parser) duration(n *yaml.Node, what string, positive bool) time.Duration {
	s, ok := p.text(n, what)
	if !ok {
		return 0
	}
	d, err := parseDuration(s)
	switch {
	case err != nil:
		p.errorAt(n, "%s: %s is not a duration: %v", what, clip(s), err)
	case positive && d == 0:
		p.errorAt(n, "%s must be longer than 0", what)
	case d > maxDuration:
		p.errorAt(n, "%s is longer than ten years", what)
	}
	return d
}

const maxDuration = 10 * 365 * 24 * time.Hour

// labels reads labels whose values are fixed.
func (p *parser) labels(n *yaml.Node) []Pair {
	return p.pairs(n, "labels", func(k, v *yaml.Node) {
		p.labelName(k, k.Value)
		if strings.Contains(v.Value, "{{") {
			p.errorAt(v, "not in this version: templates in labels; put changing text into an annotation")
		}
	})
}

func (p *parser) labelName(n *yaml.Node, name string) {
	switch {
	case !isIdent(name):
		p.errorAt(n, "%s is not a label name: letters, digits and _, not first a digit", clip(name))
	case strings.HasPrefix(name, "__"), name == "alertname":
		p.errorAt(n, "the label name %s is reserved", name)
	}
}

// pairs reads a mapping of names to texts, in its order.
func (p *parser) pairs(n *yaml.Node, what string, check func(k, v *yaml.Node)) (out []Pair) {
	if n.Kind != yaml.MappingNode {
		p.wrongKind(n, what, "a mapping (name: text)")
		return nil
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content) && !p.exhausted(); i += 2 {
		k, v := p.visit(n.Content[i]), p.visit(n.Content[i+1])
		if !p.once(k, seen) {
			continue
		}
		if _, ok := p.text(v, what+": "+k.Value); ok {
			check(k, v)
			out = append(out, Pair{k.Value, v.Value})
		}
	}
	return out
}

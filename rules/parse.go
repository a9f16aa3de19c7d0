package rules

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
)

// Parse reads files as one set. The set is nil if any problem is an error.
// PromQL is judged by the checkers, and without one not at all: what
// was taken once can be read again whatever PromQL has become since.
func Parse(files []File, checks ...Checker) (*Set, Problems) {
	return ParseForms(Forms(), files, checks...)
}

// ParseForms is Parse with these forms of event rules, at least one.
func ParseForms(forms []form.Form, files []File, checks ...Checker) (*Set, Problems) {
	var problems Problems
	p := newParser(forms, &problems)
	for _, f := range files {
		p.open(f, false)
	}
	p.readAll(checks)
	p.link()
	if problems.Err() != nil {
		problems.Sort(namesOf(files))
		return nil, problems
	}
	set := p.set()
	p.findings(set)
	problems.Sort(namesOf(files))
	return set, problems
}

// A parser reads the files of one set, one after another.
type parser struct {
	*strictyaml.Reader
	problems *Problems
	forms    []form.Form
	lang     *match.Language
	names    map[string]bool // "kind name" of what must be unique
	files    []openFile
	vars     map[string]*parsedVar
	lists    map[string]*parsedList

	overrides map[string][]*parsedOverrides // by the name of the rule
	changes   []Override                    // that they made
	alerts    map[string]bool               // names of rules

	conditions map[*match.Expression]place // of rules

	listTexts                 []File
	listedValues, listedBytes int // of all lists

	rules       []*parsedRule
	metrics     []*parsedMetric
	gates       []*parsedGate
	mitigations []*parsedMitigation
	types       []*parsedEventType
	typeOf      map[string]*parsedEventType
	prometheus  []File

	theirs metricFile // of the file that is read
}

func newParser(forms []form.Form, problems *Problems) *parser {
	p := &parser{
		forms: forms, problems: problems, lang: match.NewLanguage(),
		names: map[string]bool{}, vars: map[string]*parsedVar{}, lists: map[string]*parsedList{},
		overrides: map[string][]*parsedOverrides{}, alerts: map[string]bool{},
		typeOf: map[string]*parsedEventType{}, conditions: map[*match.Expression]place{},
	}
	p.lang.Vars, p.lang.Lists = p.varOf, p.listOf
	return p
}

// An openFile is a file whose keys are known, and not yet what they say.
type openFile struct {
	*strictyaml.Reader
	said []strictyaml.Member
}

// open reads the keys of a file. With toEnd it will be read to its end, however
// many errors there are.
func (p *parser) open(file File, toEnd bool) {
	if file.List {
		p.listTexts = append(p.listTexts, file)
		return
	}
	r := strictyaml.NewReader(file.YAML(), "a rule file", maxFile, p.problems)
	if toEnd {
		r.ToEnd()
	}
	f := openFile{Reader: r}
	if root := r.Root(); root != nil {
		f.said, _ = r.Members(r.Visit(root), "a rule file")
	}
	p.files = append(p.files, f)
}

// readAll reads the files that are open. What the rules of all of them may name
// comes first.
func (p *parser) readAll(checks []Checker) {
	for _, f := range p.files {
		p.Reader = f.Reader
		p.named(f.said)
	}
	for _, f := range p.files {
		p.one(f, checks)
	}
}

// one reads the rest of one file.
func (p *parser) one(f openFile, checks []Checker) {
	p.Reader, p.theirs = f.Reader, metricFile{}
	p.read(f.said)
	p.Only()
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
	in *strictyaml.Reader
	at *yaml.Node
}

func (p *parser) here(n *yaml.Node) place { return place{p.Reader, n} }

func (p place) errorf(format string, args ...any)   { p.in.ErrorAt(p.at, format, args...) }
func (p place) findingf(format string, args ...any) { p.in.FindingAt(p.at, format, args...) }

// named reads what has a name that rules of every file may use.
func (p *parser) named(said []strictyaml.Member) {
	for _, m := range said {
		switch {
		case strictyaml.IsNull(m.Value): // it is noted below
		case m.Key.Value == "vars":
			p.readVars(m.Value)
		case m.Key.Value == "lists":
			p.readLists(m.Value)
		case m.Key.Value == "events":
			p.events(m.Value)
		case m.Key.Value == "overrides":
			p.readOverrides(m.Value)
		}
	}
}

func (p *parser) read(said []strictyaml.Member) {
	p.Ours = slices.ContainsFunc(said, func(m strictyaml.Member) bool { return m.Key.Value != "groups" })
	p.Known(said, "a rule file", []strictyaml.Key{
		{Name: "groups", Null: true, Read: func(n *yaml.Node) { p.Each(n, "groups", p.group) }},
		{Name: "gates", Read: func(n *yaml.Node) { p.Each(n, "gates", p.gate) }},
		{Name: "mitigations", Read: func(n *yaml.Node) { p.Each(n, "mitigations", p.mitigation) }},
		{Name: "lists", Read: func(*yaml.Node) {}}, // it was read before
		{Name: "vars", Read: func(*yaml.Node) {}},
		{Name: "overrides", Read: func(*yaml.Node) {}},
		{Name: "events", Read: func(*yaml.Node) {}},
	})
}

// lacks notes that something is missing, unless something was noted since
// before: then that is the reason, and to say it twice would not help.
func (p *parser) lacks(n *yaml.Node, before int, format string, args ...any) {
	if p.Noted() == before {
		p.ErrorAt(n, format, args...)
	}
}

// unique notes an error if something of this kind and id was there before.
func (p *parser) unique(n *yaml.Node, kind, id, name string) {
	if p.names[kind+"\x00"+id] {
		p.ErrorAt(n, "there is already a %s %s", kind, name)
	}
	p.names[kind+"\x00"+id] = true
}

const maxName = 256

// name reads a name; it is empty after an error.
func (p *parser) name(n *yaml.Node, what string) string {
	s, ok := p.Text(n, what)
	switch {
	case !ok:
		return ""
	case strings.TrimSpace(s) == "":
		p.ErrorAt(n, "%s is empty", what)
		return ""
	case len(s) > maxName:
		p.ErrorAt(n, "%s has more than %d bytes", what, maxName)
		return ""
	case strings.ContainsFunc(s, unicode.IsControl):
		p.ErrorAt(n, "%s has a control character", what)
		return ""
	}
	return s
}

func (p *parser) duration(n *yaml.Node, what string, positive bool) time.Duration {
	s, ok := p.Text(n, what)
	if !ok {
		return 0
	}
	if s, ok = p.valueOf(n, s); !ok {
		return 0
	}
	d, err := strictyaml.ParseDuration(s)
	switch {
	case err != nil:
		p.ErrorAt(n, "%s: %s is not a duration: %v", what, strictyaml.Clip(s), err)
	case positive && d == 0:
		p.ErrorAt(n, "%s must be longer than 0", what)
	case d > maxDuration:
		p.ErrorAt(n, "%s is longer than ten years", what)
	}
	return d
}

const maxDuration = 10 * 365 * 24 * time.Hour

// labels reads labels whose values are fixed.
func (p *parser) labels(n *yaml.Node) []Pair {
	return p.pairs(n, "labels", func(k, v *yaml.Node) {
		p.labelName(k, k.Value)
		if strings.Contains(v.Value, "{{") {
			p.ErrorAt(v, "not in this version: templates in labels; put changing text into an annotation")
		}
	})
}

func (p *parser) labelName(n *yaml.Node, name string) {
	switch {
	case !match.IsIdent(name):
		p.ErrorAt(n, "%s is not a label name: letters, digits and _, not first a digit", strictyaml.Clip(name))
	case strings.HasPrefix(name, "__"), name == "alertname", name == "tomeishi": // machine.Mark
		p.ErrorAt(n, "the label name %s is reserved", name)
	}
}

// pairs reads a mapping of names to texts, in its order.
func (p *parser) pairs(n *yaml.Node, what string, check func(k, v *yaml.Node)) (out []Pair) {
	if n.Kind != yaml.MappingNode {
		p.WrongKind(n, what, "a mapping (name: text)")
		return nil
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content) && !p.Exhausted(); i += 2 {
		k, v := p.Visit(n.Content[i]), p.Visit(n.Content[i+1])
		if !p.Once(k, seen) {
			continue
		}
		if _, ok := p.Text(v, what+": "+k.Value); ok {
			check(k, v)
			out = append(out, Pair{k.Value, v.Value})
		}
	}
	return out
}

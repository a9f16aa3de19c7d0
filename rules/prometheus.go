package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

// A promGroup is a group as Prometheus reads it. Durations are texts, empty if
// they are not there.
type promGroup struct {
	Name, Interval, QueryOffset string
	Limit                       int
	Labels                      map[string]string
	Rules                       []promRule
}

// A promRule is a rule as Prometheus reads it.
type promRule struct {
	Record, Alert, Expr string
	For, KeepFiringFor  string
	Labels, Annotations map[string]string
}

// A metricFile is what of a file is Prometheus's.
type metricFile struct {
	groups []*parsedGroup
	rules  []*parsedMetric // in the order of the file
	spent  int             // bytes, as often as they are used
}

// forPrometheus is the file that was read, written anew: aliases and merges
// resolved, without what is ours. There is none of a file that is all ours.
func (p *parser) forPrometheus() (File, bool) {
	if len(p.theirs.groups) == 0 || p.theirs.spent > maxWritten {
		return File{}, false
	}
	groups := &yaml.Node{Kind: yaml.SequenceNode}
	for _, g := range p.theirs.groups {
		groups.Content = append(groups.Content, g.yaml())
	}
	text, err := yaml.Marshal(mapping{}.with("groups", groups).node())
	if err != nil {
		p.Note(1, 1, false, "this file cannot be written for PromQL: "+err.Error())
		return File{}, false
	}
	return File{Name: p.File.Name, Text: text}, true
}

const (
	// maxMetricText bounds one text of a rule of PromQL, in bytes.
	maxMetricText = 64 << 10
	// maxLabels bounds the labels, and the annotations, of one rule of PromQL.
	maxLabels = 256
	// maxWritten bounds what is made of a file for Prometheus, in bytes: through
	// aliases and << a text may be used often.
	maxWritten = 4 * maxFile
	// ruleSize and pairSize are what a rule and a label of it take beside texts.
	ruleSize, pairSize = 256, 32
)

// metricText reads a scalar as Prometheus does, which takes numbers and truth
// values for their text and nothing for the empty one.
func (p *parser) metricText(n *yaml.Node, what string) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		p.WrongKind(n, what, "a text")
		return "", false
	}
	var s string
	if err := n.Decode(&s); err != nil {
		p.ErrorAt(n, "%s is not a text: %s", what, yamlText(err))
		return "", false
	}
	return s, p.bounded(n, what, s)
}

// bounded tells whether a text is short enough, and is text.
func (p *parser) bounded(n *yaml.Node, what, s string) bool {
	switch {
	case len(s) > maxMetricText:
		p.ErrorAt(n, "%s may have %d bytes, and has %d", what, maxMetricText, len(s))
	case !utf8.ValidString(s):
		p.ErrorAt(n, "%s is not UTF-8 text", what)
	default:
		return p.spend(n, len(s))
	}
	return false
}

// spend counts what is made of a file, and tells whether it is not too much.
func (p *parser) spend(n *yaml.Node, bytes int) bool {
	before := p.theirs.spent
	p.theirs.spent += bytes
	if before <= maxWritten && p.theirs.spent > maxWritten {
		p.ErrorAt(n, "with its aliases written out, this file takes more than %d bytes", maxWritten)
	}
	return p.theirs.spent <= maxWritten
}

// metricDuration reads a duration as Prometheus does and returns its text.
func (p *parser) metricDuration(n *yaml.Node, what string) string {
	s, ok := p.metricText(n, what)
	if !ok {
		return ""
	}
	if s, ok = p.valueOf(n, s); !ok {
		return ""
	}
	if _, err := strictyaml.ParseDuration(s); err != nil {
		p.ErrorAt(n, "%s: %s is not a duration: %v", what, strictyaml.Clip(s), err)
		return ""
	}
	return s
}

// textMap reads names and their texts as Prometheus does. said is where they
// stand.
func (p *parser) textMap(n *yaml.Node, what string) (texts map[string]string, said []strictyaml.Member) {
	before := p.Noted()
	said, ok := p.Members(n, what)
	if !ok {
		return nil, nil
	}
	if len(said) > maxLabels {
		p.ErrorAt(n, "%s: a rule may have %d of them, and this one has %d", what, maxLabels, len(said))
		return nil, nil
	}
	for _, m := range said {
		p.bounded(m.Key, "a name in "+what, m.Key.Value)
		p.metricText(m.Value, fmt.Sprintf("%s: %s", what, strictyaml.Clip(m.Key.Value)))
	}
	if p.Noted() > before || p.Exhausted() {
		return nil, nil
	}
	if err := n.Decode(&texts); err != nil {
		p.ErrorAt(n, "%s: %s", what, yamlText(err))
	}
	return texts, said
}

// sorted is a map as pairs, in the order of the names.
func sorted(texts map[string]string) (out []Pair) {
	for name, text := range texts {
		out = append(out, Pair{name, text})
	}
	slices.SortFunc(out, func(a, b Pair) int { return strings.Compare(a.Name, b.Name) })
	return out
}

var yamlLine = regexp.MustCompile(`^line \d+: `)

// yamlText is what the first error of the YAML library says.
func yamlText(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	text = strings.TrimPrefix(text, "unmarshal errors:\n  ")
	text, _, _ = strings.Cut(text, "\n")
	return short(yamlLine.ReplaceAllString(text, ""))
}

package rules

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

// judge asks whether Prometheus takes the file that was written for it. Its
// word is final: only if it refuses the file, or the file is refused anyway, is
// it looked up where in the author's file the errors stand.
func (p *parser) judge(c Checker, f File) {
	var err error
	before := p.Noted()
	if before == 0 {
		if err = c.File(f); err == nil {
			return
		}
	}
	for _, g := range p.theirs.groups {
		p.locateNames(g.labels, "label")
	}
	for _, m := range p.theirs.rules {
		if p.Exhausted() {
			return
		}
		p.locate(c, m)
	}
	if err != nil && p.Noted() == before {
		p.guess(err)
	}
}

// locate notes what Prometheus refuses of a rule, as far as it could be read.
func (p *parser) locate(c Checker, m *parsedMetric) {
	if m.Expr != "" {
		if at, err := c.Expr(m.Expr); err != nil {
			p.ErrorIn(strictyaml.ValueOf(m.said, "expr"), at, "expr: "+short(err.Error())+notPromQL(m.Expr))
		}
	}
	p.locateNames(m.labels, "label")
	p.locateNames(m.annotations, "annotation")
	if m.Record != "" {
		p.locateRecord(m)
		return
	}
	p.locateTemplates(m.labels, m.promRule.Labels)
	p.locateTemplates(m.annotations, m.promRule.Annotations)
}

func (p *parser) locateNames(said []strictyaml.Member, what string) {
	for _, s := range said {
		if name := s.Key.Value; name == "" || what == "label" && name == "__name__" {
			p.ErrorAt(s.Key, "%s is not a %s name", strictyaml.Clip(name), what)
		}
	}
}

// locateRecord notes what a rule that records cannot have.
func (p *parser) locateRecord(m *parsedMetric) {
	if strings.ContainsAny(m.Record, "{}") {
		p.ErrorAt(strictyaml.ValueOf(m.said, "record"), "the name of a recorded series has no braces; its labels are written under `labels`")
	}
	for _, of := range []struct {
		name string
		set  bool
	}{
		{"for", lengthOfText(m.For) > 0},
		{"keep_firing_for", lengthOfText(m.KeepFiringFor) > 0},
		{"annotations", len(m.promRule.Annotations) > 0},
	} {
		if of.set {
			p.ErrorAt(strictyaml.ValueOf(m.said, of.name), "a rule that records raises no alert: `%s` belongs to rules with `alert`", of.name)
		}
	}
}

func (p *parser) locateTemplates(said []strictyaml.Member, texts map[string]string) {
	for _, s := range said {
		text := texts[s.Key.Value]
		if !strings.Contains(text, "{{") {
			continue
		}
		if err := parseMetricTemplate(text); err != nil {
			p.ErrorIn(s.Value, templateFault(text, err), "this template is not sound: "+short(err.Error()))
		}
	}
}

// ruleError is an error of Prometheus's. Its line and column are those of the
// file that was written.
var ruleError = regexp.MustCompile(`^(?:\d+:\d+: )*(?:group ("(?:[^"\\]|\\.)*"), rule (\d+), "(?:[^"\\]|\\.)*": )?(.*)$`)

// guess notes errors at the rule that they name, else where the file begins.
func (p *parser) guess(err error) {
	for text := range strings.SplitSeq(err.Error(), "\n") {
		found := ruleError.FindStringSubmatch(text)
		if len(found) < 4 || found[3] == "" {
			continue
		}
		line, column := 1, 1
		if m := p.theirs.rule(found[1], found[2]); m != nil {
			line, column = m.at.Line, m.at.Column
		}
		p.Note(line, column, false, "Prometheus would not load this: "+short(found[3]))
	}
	if p.Noted() == 0 {
		p.Note(1, 1, false, "Prometheus would not load this file")
	}
}

// rule finds a rule by the quoted name of its group and its number in it.
func (f *metricFile) rule(group, number string) *parsedMetric {
	name, err := strconv.Unquote(group)
	left, errNumber := strconv.Atoi(number)
	if err != nil || errNumber != nil {
		return nil
	}
	for _, m := range f.rules {
		if m.group.Name != name {
			continue
		}
		if left--; left == 0 {
			return m
		}
	}
	return nil
}

// short is what a problem shows of a text that may be long.
func short(s string) string {
	const most = 300
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

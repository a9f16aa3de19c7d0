package rules

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/decimal"
	"github.com/tomeishi/tomeishi/rules/match"
)

// A parsedVar is a value with a name, which rules of all files may use.
type parsedVar struct {
	match.Var
	place
	broken, used bool
}

// readVars reads names and their values.
func (p *parser) readVars(n *yaml.Node) {
	p.eachNamed(n, "vars", "var", func(m strictyaml.Member) {
		v, ok := p.value(m)
		p.vars[m.Key.Value] = &parsedVar{Var: v, place: p.here(m.Key), broken: !ok}
	})
}

// eachNamed reads what has names of its own in conditions, each by read.
func (p *parser) eachNamed(n *yaml.Node, what, kind string, read func(strictyaml.Member)) {
	said, ok := p.Members(n, what)
	if !ok {
		return
	}
	for _, m := range said {
		if !match.IsIdent(m.Key.Value) {
			p.ErrorAt(m.Key, "%s is not a name: letters, digits and _, not first a digit", strictyaml.Clip(m.Key.Value))
			continue
		}
		p.unique(m.Key, kind, m.Key.Value, m.Key.Value)
		read(m)
	}
}

// value reads a duration, a number or a text.
func (p *parser) value(m strictyaml.Member) (v match.Var, ok bool) {
	text, ok := p.Text(m.Value, "the var "+m.Key.Value)
	if !ok {
		return v, false
	}
	switch m.Value.ShortTag() {
	case "!!bool":
		p.ErrorAt(m.Value, "a var is a duration, a number or a text; in quotes this is a text")
		return v, false
	case "!!int", "!!float":
		if _, err := decimal.Parse(text); err != nil {
			p.ErrorAt(m.Value, "%s is no exact number (%v); in quotes it is a text", strictyaml.Clip(text), err)
			return v, false
		}
		return match.Var{Text: text}, true
	}
	return match.Var{Text: text, Quoted: true}, true
}

// varOf is what vars.NAME stands for, or what is wrong with it.
func (p *parser) varOf(name string) (match.Var, string) {
	v := p.vars[name]
	switch {
	case v == nil:
		return match.Var{}, fmt.Sprintf("there is no var %s%s", strictyaml.Clip(name), strictyaml.Nearest(name, slices.Sorted(maps.Keys(p.vars))))
	case v.broken:
		return match.Var{}, fmt.Sprintf("the var %s has no value that could be read", name)
	}
	v.used = true
	return v.Var, ""
}

// valueOf is a text, or what it stands for if it is vars.NAME.
func (p *parser) valueOf(n *yaml.Node, text string) (string, bool) {
	name, named := strings.CutPrefix(text, "vars.")
	if !named {
		return text, true
	}
	p.Ours = true
	v, wrong := p.varOf(name)
	if wrong != "" {
		p.ErrorAt(n, "%s", wrong)
	}
	return v.Text, wrong == ""
}

// idleVars finds those that nothing uses.
func (p *parser) idleVars() {
	for name, v := range p.vars { // findings are sorted
		if !v.used {
			v.findingf("nothing uses the var %s", name)
		}
	}
}

var inPromQL = regexp.MustCompile(`(?:^|[^\w.:$])vars\.\w`)

// notPromQL says what may be wrong with an expression that PromQL refuses.
func notPromQL(expr string) string {
	if !inPromQL.MatchString(expr) {
		return ""
	}
	return "; `vars` are for durations and for conditions on events, not for PromQL: write the value"
}

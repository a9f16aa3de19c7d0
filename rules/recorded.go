package rules

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/match"
)

// recordKeys are those of a rule that records events, beside its form's. What belongs to
// alerts is an error.
func (p *parser) recordKeys(r *parsedRule) []strictyaml.Key {
	keys := []strictyaml.Key{
		{Name: "record", Read: func(v *yaml.Node) {
			if r.Name = p.name(v, "the name of the series"); r.Name != "" && !match.IsIdent(strings.ReplaceAll(r.Name, ":", "_")) {
				p.ErrorAt(v, "%s is not a name of a series: letters, digits, _ and :, not first a digit", strictyaml.Clip(r.Name))
			}
		}},
	}
	for _, name := range []string{"alert", "annotations", "mitigate", "keep_firing_for", "for"} {
		keys = append(keys, strictyaml.Key{Name: name, Read: func(v *yaml.Node) {
			p.ErrorAt(v, "a rule that records raises no alert: `%s` belongs to rules with `alert`", name)
		}})
	}
	for _, name := range []string{"within", "when", "lateness"} {
		keys = append(keys, strictyaml.Key{Name: name, Read: func(v *yaml.Node) {
			p.ErrorAt(v, "what is recorded of events is a counter, without `%s`: PromQL makes windows of it, as in `increase(%s[5m])`", name, r.Name)
		}})
	}
	return keys
}

// series notes that two rules record the same series.
func (p *parser) series(n *yaml.Node, r *parsedRule) {
	labels := slices.Clone(r.Labels)
	slices.SortFunc(labels, func(a, b Pair) int { return strings.Compare(a.Name, b.Name) })
	p.unique(n, "recording", fmt.Sprint(r.Name, labels), "rule that records "+strictyaml.Clip(r.Name)+" with these labels")
}

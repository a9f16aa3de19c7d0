package rules

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/form/count"
	"github.com/tomeishi/tomeishi/rules/form/record"
)

// certainty is the label by which an alert says that it is not proven.
const certainty = "certainty"

// keepsCertainty keeps the label for alerts that may be unproven: with another of the
// name nobody could tell whether one is.
func (p *parser) keepsCertainty(n *yaml.Node, r *parsedRule, f form.Form) {
	if !slices.Contains(r.labelNames(), certainty) || !proves(r, f) {
		return
	}
	at := n // or the labels are its group's
	for _, m := range r.said {
		if m.Key.Value == "where" || m.Key.Value == "when" || m.Key.Value == "annotations" {
			continue
		}
		if found := nodeNamed(m.Value, certainty); found != nil {
			at = found
			break
		}
	}
	p.ErrorAt(at, "the label name certainty is reserved where what a rule says may be unproven: its alerts say so by certainty=\"unknown\"; name the label otherwise, as in `by: {confidence: data.certainty}`")
}

// proves tells whether an alert of the rule may be unproven.
func proves(r *parsedRule, f form.Form) bool {
	switch f.(type) {
	case count.Form:
		return r.For > 0
	case record.Form:
		return false
	}
	return true
}

// nodeNamed is the first scalar that is the name, or a field of that name.
func nodeNamed(n *yaml.Node, name string) *yaml.Node {
	if n.Kind == yaml.ScalarNode && (n.Value == name || strings.HasSuffix(n.Value, "."+name)) {
		return n
	}
	for _, inner := range n.Content {
		if found := nodeNamed(inner, name); found != nil {
			return found
		}
	}
	return nil
}

package rules

import (
	"strconv"

	"go.yaml.in/yaml/v3"
)

func (g promGroup) yaml() *yaml.Node {
	rules := &yaml.Node{Kind: yaml.SequenceNode}
	for _, r := range g.Rules {
		rules.Content = append(rules.Content, r.yaml())
	}
	m := mapping{}.text("name", g.Name).text("interval", g.Interval).text("query_offset", g.QueryOffset)
	if g.Limit != 0 {
		m = m.with("limit", &yaml.Node{Kind: yaml.ScalarNode, Value: strconv.Itoa(g.Limit)})
	}
	return m.texts("labels", g.Labels).with("rules", rules).node()
}

func (r promRule) yaml() *yaml.Node {
	return mapping{}.text("record", r.Record).text("alert", r.Alert).text("expr", r.Expr).
		text("for", r.For).text("keep_firing_for", r.KeepFiringFor).
		texts("labels", r.Labels).texts("annotations", r.Annotations).node()
}

// A mapping is keys and values, in turn.
type mapping []*yaml.Node

func (m mapping) with(key string, value *yaml.Node) mapping {
	return append(m, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value)
}

// text adds a text that is there.
func (m mapping) text(key, text string) mapping {
	if text == "" {
		return m
	}
	return m.with(key, quoted(text))
}

// texts adds texts, if there are any.
func (m mapping) texts(key string, texts map[string]string) mapping {
	var inner mapping
	for _, t := range sorted(texts) {
		inner = append(inner, quoted(t.Name), quoted(t.Value))
	}
	if inner == nil {
		return m
	}
	return m.with(key, inner.node())
}

func (m mapping) node() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode, Content: m} }

// quoted is any text, in double quotes: of a text of several lines that begins
// with spaces, the YAML library writes a block that it reads otherwise.
func quoted(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: text}
}

package rules

import (
	"cmp"
	"slices"
	"strings"
	syntax "text/template/parse"
	"unicode/utf8"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

// strangers finds labels that an annotation names and no alert of the rule has:
// there the template says nothing.
func (p *parser) strangers(r *parsedRule) {
	texts := strictyaml.ValueOf(r.said, "annotations")
	if texts == nil {
		return
	}
	has := append(r.labelNames(), "alertname", "over_limit")
	for i := 1; i < len(texts.Content); i += 2 {
		n := r.in.Visit(texts.Content[i])
		for _, l := range labelsOf(n.Value) {
			if !slices.Contains(has, l.name) {
				near := cmp.Or(strictyaml.Nearest(l.name, has), ": it has those of `by` and of `labels`")
				r.in.FindingIn(n, l.at, "an alert of this rule has no label "+strictyaml.Clip(l.name)+near)
			}
		}
	}
}

// labelNames are the labels that an alert of the rule has.
func (r *Rule) labelNames() (out []string) {
	for _, k := range r.By {
		out = append(out, k.Label)
	}
	for _, l := range r.Labels {
		out = append(out, l.Name)
	}
	return out
}

// A labelUse is a label that a template names, and at which character.
type labelUse struct {
	name string
	at   int
}

// labelsOf finds the labels that a sound template names: $labels.NAME,
// $.Labels.NAME and index $labels "NAME". What is computed is not found.
func labelsOf(text string) (out []labelUse) {
	if !strings.Contains(text, "{{") {
		return nil
	}
	t, err := parseTemplate(text, &budget{})
	if err != nil {
		return nil
	}
	walkTemplate(t.Root, func(n syntax.Node, name string) {
		if at := int(n.Position()) - len(prelude); at >= 0 && at <= len(text) {
			out = append(out, labelUse{name, utf8.RuneCountInString(text[:at])})
		}
	})
	return out
}

// walkTemplate goes over a template and tells of each label that it names.
func walkTemplate(n syntax.Node, found func(at syntax.Node, label string)) {
	switch n := n.(type) {
	case *syntax.ListNode:
		if n != nil {
			for _, item := range n.Nodes {
				walkTemplate(item, found)
			}
		}
	case *syntax.ActionNode:
		walkTemplate(n.Pipe, found)
	case *syntax.TemplateNode:
		walkTemplate(n.Pipe, found)
	case *syntax.IfNode:
		walkBranch(&n.BranchNode, found)
	case *syntax.WithNode:
		walkBranch(&n.BranchNode, found)
	case *syntax.RangeNode:
		walkBranch(&n.BranchNode, found)
	case *syntax.PipeNode:
		if n != nil {
			for _, c := range n.Cmds {
				walkCommand(c, found)
			}
		}
	default: // text, breaks and comments name nothing
	}
}

func walkBranch(n *syntax.BranchNode, found func(syntax.Node, string)) {
	walkTemplate(n.Pipe, found)
	walkTemplate(n.List, found)
	walkTemplate(n.ElseList, found)
}

func walkCommand(c *syntax.CommandNode, found func(syntax.Node, string)) {
	for i, arg := range c.Args {
		switch arg := arg.(type) {
		case *syntax.VariableNode:
			if label, ok := ofLabels(arg.Ident); ok {
				found(arg, label)
			}
			if text, ok := indexed(c, i); ok && len(arg.Ident) == 1 && arg.Ident[0] == "$labels" {
				found(text, text.Text)
			}
		case *syntax.FieldNode:
			if label, ok := ofLabels(append([]string{"$"}, arg.Ident...)); ok {
				found(arg, label)
			}
		case *syntax.PipeNode:
			walkTemplate(arg, found)
		case *syntax.ChainNode:
			walkTemplate(arg.Node, found)
		default: // constants and names of functions
		}
	}
}

// ofLabels is the label of $labels.NAME and $.Labels.NAME.
func ofLabels(path []string) (label string, ok bool) {
	switch {
	case len(path) > 1 && path[0] == "$labels":
		return path[1], true
	case len(path) > 2 && path[0] == "$" && path[1] == "Labels":
		return path[2], true
	}
	return "", false
}

// indexed is the text in: index $labels "text".
func indexed(c *syntax.CommandNode, at int) (*syntax.StringNode, bool) {
	if at != 1 || len(c.Args) != 3 || c.Args[0].String() != "index" {
		return nil, false
	}
	text, ok := c.Args[2].(*syntax.StringNode)
	return text, ok
}

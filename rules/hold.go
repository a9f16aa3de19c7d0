package rules

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/agent/spelling"
	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

// A Named is one field of the payments that a mitigation holds, and its value: pieces
// that stand one behind the other.
type Named struct {
	Field  string
	Pieces []Piece
}

// A Piece is fixed text or, if Label is not empty, what an alert has in that label.
type Piece struct{ Text, Label string }

// Names is what the mitigation holds for an alert with these labels, each value in its
// one spelling. It is nil if a label is empty: what is meant is not known then, and
// lacks is that label.
func (m *Mitigation) Names(label func(name string) string) (match map[string]string, lacks string) {
	if len(m.Match) == 0 {
		return nil, ""
	}
	match = make(map[string]string, len(m.Match))
	for _, n := range m.Match {
		var value []byte
		for _, p := range n.Pieces {
			text := p.Text
			if p.Label != "" {
				if text = label(p.Label); text == "" {
					return nil, p.Label
				}
			}
			value = append(value, text...)
		}
		if spelling.Has(n.Field) {
			value = spelling.Append(nil, value)
		}
		match[n.Field] = string(value)
	}
	return match, ""
}

// Fields are the fields that it names, in the order of the file.
func (m *Mitigation) Fields() []string {
	return names(m.Match, func(n Named) string { return n.Field })
}

// String is the value as it is written.
func (n Named) String() string {
	var b strings.Builder
	for _, p := range n.Pieces {
		if p.Label != "" {
			b.WriteString("{{ $labels." + p.Label + " }}")
		} else {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

const maxMatchText = 250 // bytes of a value, as it is written: all fields together have less than a hold may name

// match reads what a mitigation holds.
func (p *parser) match(n *yaml.Node) (out []Named) {
	if n.Kind == yaml.MappingNode && len(n.Content) == 0 {
		p.ErrorAt(n, "match names nothing; write a field and its value, as in {request: '{{ $labels.request }}'}")
	}
	p.pairs(n, "match", func(k, v *yaml.Node) {
		switch {
		case !slices.Contains(report.Matchable, k.Value):
			p.ErrorAt(k, "a hold names %s, not %s", strings.Join(report.Matchable, ", "), strictyaml.Clip(k.Value))
		case strings.TrimSpace(v.Value) == "":
			p.ErrorAt(v, "%s is empty; write its value, as in '{{ $labels.%[1]s }}'", k.Value)
		case len(v.Value) > maxMatchText:
			p.ErrorAt(v, "a value of match may have %d bytes, this one has %d", maxMatchText, len(v.Value))
		default:
			out = append(out, Named{k.Value, p.pieces(k.Value, v)})
		}
	})
	return out
}

var labelPiece = regexp.MustCompile(`^\{\{\s*\$labels\.([a-zA-Z_][a-zA-Z0-9_]*)\s*\}\}`)

// pieces reads one value. It is no template of annotations: what is held must not
// hang on what a template language does.
func (p *parser) pieces(field string, n *yaml.Node) (out []Piece) {
	for rest := n.Value; rest != ""; {
		i := strings.Index(rest, "{{")
		if i < 0 {
			return append(out, Piece{Text: rest})
		}
		if i > 0 {
			out = append(out, Piece{Text: rest[:i]})
		}
		rest = rest[i:]
		found := labelPiece.FindStringSubmatch(rest)
		if found == nil {
			at := utf8.RuneCountInString(n.Value[:len(n.Value)-len(rest)])
			p.ErrorIn(n, at, "a value of match is text and labels, each written as {{ $labels.NAME }}, such as '{{ $labels."+field+" }}'")
			return out
		}
		out = append(out, Piece{Label: found[1]})
		rest = rest[len(found[0]):]
	}
	return out
}

// unnamed notes labels that a mitigation of a rule holds by, and that no alert of the
// rule has. Those of a rule of PromQL are not known before it is evaluated.
func (p *parser) unnamed(r *parsedRule, known map[string]*parsedMitigation) {
	if r.broken {
		return // its labels may be what could not be read
	}
	has := r.labelNames()
	for _, use := range r.uses {
		m := known[use.name]
		if m == nil {
			continue
		}
		for _, label := range m.Labels() {
			if !slices.Contains(has, label) {
				remedy := cmp.Or(strictyaml.Nearest(label, has), fmt.Sprintf("; add it to `by`, as in {%[1]s: data.%[1]s}", label))
				use.errorf("the mitigation %s holds what the label %s names, and no alert of this rule has it%s", strictyaml.Clip(use.name), label, remedy)
			}
		}
	}
}

// Labels are those that it reads, each once.
func (m *Mitigation) Labels() (out []string) {
	for _, n := range m.Match {
		for _, piece := range n.Pieces {
			if piece.Label != "" && !slices.Contains(out, piece.Label) {
				out = append(out, piece.Label)
			}
		}
	}
	return out
}

// unasked finds fields that a hold names and that workers may leave out: an ask that
// does not say one is held too, so then nothing is held without a person.
func (p *parser) unasked() {
	under := map[string][]*parsedGate{} // by the names of themselves and of what is above
	for _, g := range p.gates {
		for i := range len(g.Name) + 1 {
			if i == len(g.Name) || g.Name[i] == '/' {
				under[g.Name[:i]] = append(under[g.Name[:i]], g)
			}
		}
	}
	for _, m := range p.mitigations {
		if m.Action != GateHold || m.Mode != Enforce {
			continue
		}
		for _, g := range under[m.Target] {
			for _, field := range m.Fields() {
				if g.Mode == Enforce && !slices.Contains(g.Asks, field) {
					m.findingf("workers may ask the gate %s without the %[2]s, and once one does, what %[3]s holds waits for a person; write asks: [%[2]s] at the gate", g.Name, field, m.Name)
				}
			}
		}
	}
}

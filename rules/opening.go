package rules

import (
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

// maxAlone bounds how long one person may have to wait for the second: whoever
// wants it longer wants two people.
const maxAlone = 24 * time.Hour

// opening reads what it takes to open a gate.
func (p *parser) opening(n *yaml.Node) Opening {
	o := Opening{Approvals: 1}
	var alone *yaml.Node
	p.Mapping(n, "open", []strictyaml.Key{
		{Name: "approvals", Read: func(v *yaml.Node) {
			switch s, ok := p.Text(v, "approvals"); {
			case ok && s == "2":
				o.Approvals = 2
			case ok && s != "1":
				p.ErrorAt(v, "approvals is 1 or 2, the people whom it takes to open the gate, not %s", strictyaml.Clip(s))
			}
		}},
		{Name: "after", Not: "would make an opening wait for a condition"},
		{Name: "alone", Read: func(v *yaml.Node) { alone, o.Alone = v, p.alone(v) }},
	})
	if alone != nil && o.Approvals != 2 {
		p.ErrorAt(alone, "alone belongs to approvals: 2; one person opens this gate anyway")
	}
	return o
}

// alone reads how long the gate has to be closed until one person may open it.
func (p *parser) alone(n *yaml.Node) (after time.Duration) {
	before := p.Noted()
	ok := p.Mapping(n, "alone", []strictyaml.Key{
		{Name: "after", Read: func(v *yaml.Node) {
			if after = p.duration(v, "after", true); after > 0 && (after < time.Second || after > maxAlone) {
				p.ErrorAt(v, "after is between 1s and 24h: how long the newest hold has to stand until one person may open")
			}
		}},
	})
	if ok && after == 0 {
		p.lacks(n, before, "alone has no after: say how long the newest hold has to stand until one person may open")
	}
	return after
}

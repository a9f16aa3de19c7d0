package rules

import (
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/match"
)

// standard are the types of events that shipped rules and sources speak of.
var standard = []string{
	"payout.requested", "payout.attempt", "payout.result", "payout.sent", "payout.recorded",
	"chain.sent", "chain.replaced", "chain.confirmed", "transfer.declared", "intent.created",
	"batch.expected", "batch.received", "batch.line", "batch.released",
	"charge.captured", "refund.sent", "reversal.sent", "deposit.final", "credit.made", "funding.settled",
	"balance.holdings", "balance.liabilities", "supply.reported", "reserve.reported", "account.balance", "quote.made", "reference.price",
	"reconcile.done", "app.beat", "registration.completed", "page.rendered", "change.made", "backup.finished", "power.changed",
}

// misspelled finds a type that is nearly a standard one. It is quiet if `events`
// declares the type: then it is meant.
func (p *parser) misspelled(r *parsedRule, n *yaml.Node, event string) {
	if slices.Contains(standard, event) || p.typeOf[event] != nil {
		return
	}
	if i := slices.IndexFunc(standard, func(s string) bool { return match.Slip(event, s) }); i >= 0 {
		r.find(p.here(n), "%s is nearly the standard type %s: was that meant? Under `events` a type of your own is declared", strictyaml.Clip(event), standard[i])
	}
}

// restart is about how long a collector takes to be there again.
const restart = 10 * time.Second

// restless finds a gate that closes with each restart of the collector.
func (g *parsedGate) restless() {
	if g.IfUnreachable == Close && g.Lease < restart {
		g.findingf("the gate %s closes whenever no collector answers for %s, which a restart of one takes: give it a lease of 30s, or `if_unreachable: keep`", g.Name, strictyaml.DurationText(g.Lease))
	}
}

// An alerting is what every rule that alerts has, for what is asked of all.
type alerting struct {
	name                string
	place               place
	labels, annotations []Pair
}

// alerting are the rules that alert, of both kinds.
func (p *parser) alerting() (out []alerting) {
	for _, r := range p.rules {
		if !r.Records {
			out = append(out, alerting{r.Name, r.place, r.Labels, r.Annotations})
		}
	}
	for _, m := range p.metrics {
		if m.rule != nil {
			out = append(out, alerting{m.Alert, m.place, m.rule.Labels, m.rule.Annotations})
		}
	}
	return out
}

// homeless finds rules that say nothing of what to do, or of who is to, in a set
// most of whose rules do.
func (p *parser) homeless() {
	all := p.alerting()
	runbook := func(a alerting) bool { return has(a.annotations, "runbook_url") }
	owner := func(a alerting) bool { return has(a.labels, "team") || has(a.labels, "owner") }
	most := func(do func(alerting) bool) bool {
		n := 0
		for _, a := range all {
			if do(a) {
				n++
			}
		}
		return 2*n > len(all)
	}
	runbooks, owners := most(runbook), most(owner)
	for _, a := range all {
		if runbooks && !runbook(a) && slices.Contains(a.labels, Pair{"severity", "critical"}) {
			a.place.findingf("the rule %s is critical and has no runbook_url, as most have: say under `annotations` where it stands what to do", strictyaml.Clip(a.name))
		}
		if owners && !owner(a) {
			a.place.findingf("the rule %s has neither the label team nor owner, as most have: say whose it is", strictyaml.Clip(a.name))
		}
	}
}

func has(pairs []Pair, name string) bool {
	return slices.ContainsFunc(pairs, func(l Pair) bool { return l.Name == name })
}

// Unfillable are findings of rules that look further back than a tape reaches: an
// edit of one, or its first reload, cannot read back all that it would have counted.
func (s *Set) Unfillable(files []File, tape time.Duration) (out Problems) {
	for _, r := range s.Rules {
		i := slices.IndexFunc(files, func(f File) bool { return f.Name == r.File })
		if reach := r.Body.Horizon(); tape > 0 && reach > tape && i >= 0 {
			out = append(out, strictyaml.ProblemAt(files[i].YAML(), r.Line, "the rule "+strictyaml.Clip(r.Name)+" looks back over "+strictyaml.DurationText(reach)+
				" with what may come late, and the tape is kept for "+strictyaml.DurationText(tape)+": once edited, it counts anew without what came before; keep the tape longer (retention: {tape: …}), or shorten `within` or `lateness`", true))
		}
	}
	return out
}

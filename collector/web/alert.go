package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
)

// alertPage is one alert.
type alertPage struct {
	alertRow
	Said     message.Page
	Texts    []annotation
	Events   []string // names of its evidence, the newest first
	Did      []machine.Effect
	Explain  string // its rule in one sentence
	Stats    *machine.RuleStats
	RuleURL  string
	Matchers string // that name this alert alone
	Runbook  string // where it says what to do; empty if nowhere
}

// An annotation is one text of an alert; Link is where it leads, if it is an
// address that a browser may follow.
type annotation struct{ Name, Text, Link string }

func (w *Web) alert(rw http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	a, ok := w.o.Machine.AlertView(id)
	if !ok {
		w.goneAlert(rw, r, id)
		return
	}
	rows, _ := w.alertRows(r, []machine.Alert{a}, 1)
	p := alertPage{alertRow: rows[0], Said: w.o.Message.PageIn(w.language(r), a), Events: w.evidence(a, len(a.Evidence))}
	p.Texts = texts(w.o.Message.Annotations(a, p.Events))
	t := w.words(r)
	p.Said.Lines = slices.DeleteFunc(p.Said.Lines, func(l message.Line) bool {
		// This page says them in other places, or is what they lead to.
		return slices.Contains([]string{t.T("What"), t.T("Alert"), t.T("Ended"), t.T("Runbook"), t.T("Evidence"), t.T("Incident"), t.T("Link")}, l.Name)
	})
	for _, text := range p.Texts {
		if text.Name == "runbook_url" {
			p.Runbook = text.Link
		}
	}
	for _, id := range a.Effects {
		if e, ok := w.o.Machine.EffectView(id); ok {
			p.Did = append(p.Did, e)
		}
	}
	w.ruleOf(&p)
	p.Matchers = matchersOf(w.o.Machine.Told(a).Labels)
	w.page(rw, r, "alert", p)
}

// goneAlert says that an alert is not known: one that has ended and that no
// incident keeps, or one that never was.
func (w *Web) goneAlert(rw http.ResponseWriter, r *http.Request, id string) {
	t := w.words(r)
	if !alertID.MatchString(id) {
		w.notFound(rw, r)
		return
	}
	w.pageAs(rw, r, http.StatusGone, "problem", trouble{
		t.T("This alert is over"), t.T("Alert %s has ended and no incident kept it, or it never was.", id),
		t.T("Alerts of an incident are kept with it. The others are forgotten when they end."),
	})
}

// ruleOf finds the alert's rule in the live set.
func (w *Web) ruleOf(p *alertPage) {
	p.RuleURL = "/rules?" + url.Values{"q": {p.Rule}}.Encode()
	if p.Metric {
		for _, m := range w.o.Machine.MetricRulesView() {
			if m.ID == p.RuleID {
				p.Explain = m.Explain()
			}
		}
		return
	}
	rules, _, _ := w.o.Machine.RulesView()
	for _, v := range rules {
		if v.Rule.ID == p.RuleID && v.Name == p.Rule {
			p.Explain, p.Stats = v.Explain(), &v.RuleStats
		}
	}
}

// texts are annotations in order of their names, the summary first.
func texts(of map[string]string) (out []annotation) {
	for name, text := range of {
		if name != "incident" {
			out = append(out, annotation{name, text, link(text)})
		}
	}
	slices.SortFunc(out, func(a, b annotation) int {
		if first := annotationOrder(a.Name) - annotationOrder(b.Name); first != 0 {
			return first
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}

func annotationOrder(name string) int {
	order := []string{"summary", "description", "runbook_url"}
	if i := slices.Index(order, name); i >= 0 {
		return i
	}
	return len(order)
}

// link is the text if it is an address of the web and nothing else; else it is
// empty. What a browser would run is no address.
func link(text string) string {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || strings.ContainsAny(u.Host, " <>\"'") {
		return ""
	}
	return u.String()
}

// SilenceURL leads to a silence of this alert, to be looked at and made.
func (p alertPage) SilenceURL() string {
	return "/silences?" + url.Values{"matchers": {p.Matchers}}.Encode() + "#new"
}

package notify

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"

	"github.com/tomeishi/tomeishi/collector/machine"
)

// rehearse tries a configuration on alerts that will come: templates that fail on
// them, and rules that keep back what is said about Tomeishi itself, are findings.
// The text is the file's, for the lines.
func rehearse(text []byte, c *config.Config, t *template.Template) []Finding {
	var out []Finding
	firing := sample(model.LabelSet{"alertname": "GateClosed", "severity": "critical", "gate": "withdrawals"})
	over := *firing
	over.EndsAt = over.StartsAt.Add(time.Minute)
	for _, rcv := range c.Receivers {
		group := model.LabelSet{"alertname": "GateClosed"}
		data := t.Data(rcv.Name, group, nil, "", firing, &over)
		if err := unrendered(templatesOf(rcv), t, data); err != nil {
			out = append(out, Finding{lineOf(text, rcv.Name), fmt.Sprintf("receiver %s: %s: nothing could be told there", rcv.Name, err)})
		}
	}
	for i, r := range c.InhibitRules {
		if kept := keptBack(inhibit.NewInhibitRule(r), firing.Labels); len(kept) > 0 {
			out = append(out, Finding{inhibitLine(text, i), fmt.Sprintf(
				"while a critical alert stands, this keeps back alerts about Tomeishi itself, which do not have the labels of equal (%s): add %s=\"\" to target_matchers",
				strings.Join(kept, ", "), machine.Mark)})
		}
	}
	return out
}

func sample(labels model.LabelSet) *alert.Alert {
	labels = labels.Clone()
	labels[machine.Mark] = machine.MarkBuiltIn
	at := time.Unix(1_700_000_000, 0)
	return alert.New(model.Alert{Labels: labels, StartsAt: at, GeneratorURL: "http://127.0.0.1/alerts/a1", Annotations: model.LabelSet{
		"summary": "A gate is closed.", "description": "…", alertAnnotation: "a1", incidentAnnotation: "i1",
	}}, at, false)
}

// keptBack are built-in alerts that a rule inhibits while the source stands,
// without a label in common that says why.
func keptBack(r *inhibit.InhibitRule, source model.LabelSet) (out []string) {
	if !r.SourceMatchers.Matches(source) {
		return nil
	}
	for _, b := range machine.BuiltIns() {
		if !b.Unwatched {
			continue
		}
		labels := model.LabelSet{"alertname": model.LabelValue(b.Name), "severity": "warning"}
		for _, l := range b.Labels {
			labels[model.LabelName(l)] = "another"
		}
		target := sample(labels).Labels
		same := func(l model.LabelName) bool { return source[l] == target[l] }
		if r.TargetMatchers.Matches(target) && all(r.Equal, same) {
			out = append(out, b.Name)
		}
	}
	return out
}

func all(names map[model.LabelName]struct{}, ok func(model.LabelName) bool) bool {
	for name := range names {
		if !ok(name) {
			return false
		}
	}
	return true
}

// inhibitLine is the line of an inhibition rule, 1 if it is not found.
func inhibitLine(text []byte, i int) int {
	list := valueOf(parse(text), "inhibit_rules")
	if list == nil || i >= len(list.Content) {
		return 1
	}
	return list.Content[i].Line
}

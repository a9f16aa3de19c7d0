package notify

import (
	"fmt"
	"strings"
	"testing"
)

// TestRehearse: what a configuration would do to alerts to come is found when the
// file is read, with its line.
func TestRehearse(t *testing.T) {
	const inhibits = "route: {receiver: r}\nreceivers: [{name: r}]\ninhibit_rules:\n- {source_matchers: ['severity=\"critical\"'], target_matchers: ['severity=\"warning\"'%s], equal: [%s]}\n"
	const kept = ":4: while a critical alert stands, this keeps back alerts about Tomeishi itself, which do not have the labels of equal (NotHeld, AutomaticOff, RuleInShadow, GateUnguarded, RuleBlind, "
	const receives = "route: {receiver: r}\nreceivers:\n- name: r\n  %s\n"
	for name, c := range map[string]struct{ text, want string }{
		"equal of labels that ours lack": {fmt.Sprintf(inhibits, "", "cluster, namespace"), kept},
		"nothing equal":                  {fmt.Sprintf(inhibits, "", ""), kept},
		"a label that they have":         {fmt.Sprintf(inhibits, "", "alertname"), ""},
		"ours are left out":              {fmt.Sprintf(inhibits, ", 'tomeishi=\"\"'", "cluster"), ""},
		"no template of the name":        {fmt.Sprintf(receives, `slack_configs: [{api_url_file: am.yml, channel: c, text: '{{ template "nosuch" . }}'}]`), ":3: receiver r: the template in slack_configs[0].text: "},
		"a field that is not there":      {fmt.Sprintf(receives, `webhook_configs: [{url_file: am.yml, payload: {a: '{{ .Nosuch }}'}}]`), "the template in webhook_configs[0].payload.a: "},
		"a template that works":          {fmt.Sprintf(receives, `slack_configs: [{api_url_file: am.yml, channel: c, text: '{{ range .Alerts }}{{ .Labels.gate }}{{ end }}'}]`), ""},
	} {
		found, err := Check(write(t, c.text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got strings.Builder
		for _, f := range found {
			fmt.Fprintf(&got, ":%d: %s\n", f.Line, f.Text)
		}
		if (got.Len() == 0) != (c.want == "") || !strings.Contains(got.String(), c.want) {
			t.Errorf("%s: got %q, want %q", name, got.String(), c.want)
		}
	}
}

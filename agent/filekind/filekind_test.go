package filekind

import (
	"testing"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

func TestOf(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		preferred  Kind
		want       Kind
	}{
		{"rules", "groups: []\n", 0, Rules},
		{"gates only, misspelled", "gatess: []\n", 0, Rules},
		{"receivers", "route: {receiver: a}\nreceiverz: []\n", 0, Alertmanager},
		{"collector", "data: /d\nrules: [a.yml]\n", 0, Collector},
		{"agent", "data: /d\ncollectors: [a]\n", 0, Agent},
		{"either", "data: /d\nlisten: a\n", 0, Collector},
		{"either, an agent's preferred", "data: /d\nlisten: a\n", Agent, Agent},
		{"a collector's, an agent's preferred", "data: /d\nrules: [a]\n", Agent, Collector},
		{"promtool", "rule_files: [a]\nevaluation_interval: 1m\ntests: []\n", 0, PromtoolTest},
		{"prometheus", "global: {}\nrule_files: [a]\nscrape_configs: []\n", 0, Prometheus},
		{"kubernetes", "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec: {groups: []}\n", 0, Kubernetes},
		{"list", "- a\n", 0, Unknown},
		{"empty", "", 0, Unknown},
		{"no YAML", "a: [\n", 0, Unknown},
		{"other", "hello: world\n", 0, Unknown},
	} {
		f := strictyaml.File{Name: "f.yml", Text: []byte(tt.text)}
		if got := Of(f, tt.preferred); got != tt.want {
			t.Errorf("%s: took it for %s, want %s", tt.name, got, tt.want)
		}
	}
}

package series

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/rules"
)

// TestRulesReload: rules that did not change keep their alerts, whether or not
// their group changed.
func TestRulesReload(t *testing.T) {
	changes := map[string]func(text string) string{
		"nothing":               func(s string) string { return s },
		"what is ours":          func(s string) string { return s + mitigated },
		"the way it is written": func(s string) string { return strings.Replace(s, "load > 1", "(load > 1)", 1) },
		"an annotation":         func(s string) string { return s + "    annotations: {summary: x}\n" },
		"another rule":          func(s string) string { return s + "  - {alert: New, expr: load > 1}\n" },
		"the order": func(s string) string {
			return strings.Replace(s, "  rules:\n", "  rules:\n  - {alert: New, expr: load > 1}\n", 1)
		},
		"the interval": func(s string) string { return strings.Replace(s, "interval: 1s", "interval: 2s", 1) },
	}
	for what, change := range changes {
		t.Run(what, func(t *testing.T) {
			inWorld(t, high, func(w *world) {
				w.live(3*time.Second, map[string]float64{"load": 0})
				w.live(7*time.Second, map[string]float64{"load": 2})
				changed := change(high)
				set := load(t, w.Rules, "set 2", changed)
				w.live(3*time.Second, map[string]float64{"load": 2})
				if slices.Contains(w.ledger.names(), "High") {
					t.Error("High fires before its time")
				}
				w.live(3*time.Second, map[string]float64{"load": 2})
				if !slices.Contains(w.ledger.names(), "High") {
					t.Error("High has lost its time")
				}
				got := w.ledger.log[w.ledger.proposals()-1]
				if got.Set != "set 2" {
					t.Errorf("proposed for %q", got.Set)
				}
				for _, f := range got.Firing {
					if i := slices.IndexFunc(set.Metrics, func(m *rules.MetricRule) bool { return hex.EncodeToString(m.ID[:]) == f.Rule }); i < 0 || set.Metrics[i].Name != f.Labels[0].Value {
						t.Errorf("the level of another rule: %v", f)
					}
				}
				w.live(12*time.Second, map[string]float64{"load": 0})
				w.stands()
			})
		})
	}
}

const mitigated = `    mitigate: [{use: stop}]
gates: [{name: g}]
mitigations: [{name: stop, action: gate.close, target: g}]
`

// TestRulesReloadHasNoGap: the series of an alert go on while its group is
// replaced.
func TestRulesReloadHasNoGap(t *testing.T) {
	inWorld(t, high, func(w *world) {
		w.live(20*time.Second, map[string]float64{"load": 2})
		load(t, w.Rules, "set 2", high+"  - {alert: New, expr: load > 1}\n")
		w.live(5*time.Second, map[string]float64{"load": 2})
		if got := w.value(`count_over_time(ALERTS{alertname="High",alertstate="firing"}[6s])`); got < 5 {
			t.Errorf("%v samples of ALERTS in six seconds", got)
		}
	})
}

func TestRulesRemoved(t *testing.T) {
	inWorld(t, high, func(w *world) {
		w.live(15*time.Second, map[string]float64{"load": 2})
		w.stands("High")
		load(t, w.Rules, "set 2", "groups: [{name: b, interval: 1s, rules: [{alert: Other, expr: load > 1}]}]")
		before := w.ledger.proposals()
		w.live(15*time.Second, map[string]float64{"load": 0})
		w.stands("High") // to end it with the rule is the machine's
		if got := w.ledger.proposals(); got != before {
			t.Errorf("%v was proposed", w.ledger.log[before:])
		}
		if g := w.Groups(); len(g) != 1 || g[0].Name != "b" {
			t.Errorf("the groups are %v", g)
		}
	})
}

func TestLoadTellsWhatDoesNotFit(t *testing.T) {
	s := openStore(t, t.TempDir())
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	r := openRules(t, s, RulesOptions{})
	file := func(text string) []rules.File { return []rules.File{{Name: "x.yml", Text: []byte(text)}} }
	const good = "groups: [{name: a, rules: [{alert: A, expr: up}, {record: b, expr: up}, {alert: C, expr: up}]}]"
	a, c := &rules.MetricRule{File: "x.yml", Group: "a", Name: "A"}, &rules.MetricRule{File: "x.yml", Group: "a", Name: "C"}
	tests := []struct {
		what    string
		text    string
		metrics []*rules.MetricRule
		err     string
	}{
		{"fits", good, []*rules.MetricRule{a, c}, ""},
		{"empty", "", nil, ""},
		{"wrong text", "groups: 7", nil, "read the rules of x.yml: yaml: "},
		{"wrong expression", "groups: [{name: a, rules: [{alert: A, expr: 'up =='}]}]", []*rules.MetricRule{a}, "could not parse expression"},
		{"another order", good, []*rules.MetricRule{c, a}, "x.yml: group a: alert A is not where the set has it"},
		{"one too few", good, []*rules.MetricRule{a}, "alert C is not where the set has it"},
		{"one too many", good, []*rules.MetricRule{a, c, a}, "the files have 2 alerting rules of PromQL, and the set 3"},
		{"another file", good, []*rules.MetricRule{{File: "y.yml", Group: "a", Name: "A"}, c}, "alert A is not where"},
	}
	for _, tt := range tests {
		err := r.Load("set", file(tt.text), tt.metrics)
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v, want %q", tt.what, err, tt.err)
		}
	}
	if got := r.Groups(); got != nil {
		t.Errorf("groups before Run: %v", got)
	}
	if _, err := NewRules(s, RulesOptions{ExternalURL: "http://[", Log: s.o.Log}); err == nil || !strings.Contains(err.Error(), "external_url") {
		t.Errorf("a wrong URL: %v", err)
	}
}

// TestLoadedLastBeforeRun: of what was loaded before Run, the last counts.
func TestLoadedLastBeforeRun(t *testing.T) {
	s := newStepped(t, RulesOptions{})
	load(t, s.Rules, "one", high)
	load(t, s.Rules, "two", strings.ReplaceAll(high, "High", "Higher"))
	s.begin(t.Context())
	if g := s.Groups(); len(g) != 1 || g[0].Rules[0].Name != "Higher" {
		t.Errorf("what runs is %v", g)
	}
}

// TestLoadAfterRun: a set that comes while the collector stops is not mixed with
// the one that ran.
func TestLoadAfterRun(t *testing.T) {
	inWorld(t, high, func(w *world) {
		w.live(3*time.Second, map[string]float64{"load": 2})
		w.stop()
		load(t, w.Rules, "set 2", high+"  - {alert: New, expr: load > 1}\n")
		if g := w.Groups(); len(g) != 1 || len(g[0].Rules) != 1 {
			t.Errorf("what ran is %v", g)
		}
	})
}

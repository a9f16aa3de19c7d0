package report

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestSignals(t *testing.T) {
	all := Signals()
	name := regexp.MustCompile(`^[a-z_][a-zA-Z0-9_]*$`)
	// Counters whose names node_exporter took from the kernel as they are.
	counted := regexp.MustCompile(`_total$|^node_(vmstat|netstat)_`)
	gauges := []string{"node_netstat_Ip_Forwarding", "node_netstat_Tcp_CurrEstab"}
	for i, s := range all {
		if i > 0 && all[i-1].Name >= s.Name {
			t.Errorf("%s stands behind %s: want them sorted, and each once", s.Name, all[i-1].Name)
		}
		if !name.MatchString(s.Name) {
			t.Errorf("%q is no name of a metric", s.Name)
		}
		want := "gauge"
		if counted.MatchString(s.Name) && !slices.Contains(gauges, s.Name) {
			want = "counter"
		}
		if s.Type != want {
			t.Errorf("%s is a %s, want a %s", s.Name, s.Type, want)
		}
		if s.Help == "" || strings.TrimSpace(s.Help) != s.Help || strings.ContainsAny(s.Help, "\n\\") {
			t.Errorf("%s: help %q", s.Name, s.Help)
		}
	}
	if !slices.ContainsFunc(all, func(s Signal) bool { return s.Name == "up" }) {
		t.Error("up is missing")
	}
}

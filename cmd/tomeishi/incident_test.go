package main

import (
	"slices"
	"testing"

	"github.com/tomeishi/tomeishi/collector/api"
)

func TestToldText(t *testing.T) {
	for want, n := range map[string]api.Told{
		"on-call (slack): 1 alert: a3":                      {Firing: 1, Alerts: []string{"a3"}},
		"on-call (slack): 2 alerts over: a3 a4":             {Resolved: 2, Alerts: []string{"a3", "a4"}},
		"on-call (slack): 1 alert, 1 over: a3 a4":           {Firing: 1, Resolved: 1, Alerts: []string{"a3", "a4"}},
		"on-call (slack): 1 alert":                          {Firing: 1}, // of an older collector
		"on-call (slack): 12 alerts: a a a a a a a a a a …": {Firing: 12, Alerts: slices.Repeat([]string{"a"}, 12)},
		"on-call (slack): 1 alert: a\\x1b":                  {Firing: 1, Alerts: []string{"a\x1b"}},
	} {
		n.Receiver, n.Integration = "on-call", "slack"
		if got := toldText(n); got != want {
			t.Errorf("said %q, want %q", got, want)
		}
	}
}

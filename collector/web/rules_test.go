package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/promrule"
)

func TestRulesPage(t *testing.T) {
	s := newScene(t).busy()
	page := s.get("/rules", http.StatusOK)
	s.wants(page, "rules.yml", "every 15 s", "evaluated", "(3 ms)",
		"raises a warning alert when node_memory_MemAvailable_bytes", "1 pending", "evaluated in 1 ms",
		"&lt;script&gt;alert", // of the error of HostRebooted
		"there are at least 2 different values of data.payment", "7 events counted",
		`stop-btc → <a href="/gates/withdrawals/btc">`, "enforce", "host:filesystem_avail_bytes:1m",
		"It always stands, to show that people can be told.")
	states := map[string]string{}
	for row := range strings.SplitSeq(page, `<li class="rule `) {
		state, rest, _ := strings.Cut(row, `"`)
		_, name, _ := strings.Cut(rest, "<h3>")
		name, _, _ = strings.Cut(name, "<")
		states[name] = state
	}
	for name, want := range map[string]string{
		"HostDiskFull": "firing", "HostMemoryLow": "firing", "HostRebooted": "failing", "RequestPaidTwice": "firing", "ManyPayouts": "inactive",
		"host:filesystem_avail_bytes:1m": "recording", "AgentSilent": "firing", "DiskFull": "inactive",
	} {
		if states[name] != want {
			t.Errorf("%s is %q, want %q", name, states[name], want)
		}
	}
	failing := s.get("/rules?state=failing", http.StatusOK)
	if n := strings.Count(failing, `<li class="rule `); n != 1 {
		t.Errorf("%d rules fail", n)
	}
	s.wants(s.get("/rules?q=withdrawals", http.StatusOK), "RequestPaidTwice")
	s.wants(s.get("/rules?q=nothing+like+it", http.StatusOK), "No rule is like this")
}

// TestUnevaluated has rules of PromQL that nobody has evaluated: their state is
// not known, unless one of their alerts stands.
func TestUnevaluated(t *testing.T) {
	s := newScene(t).busy()
	s.groups = nil
	page := s.get("/rules?q=hosts", http.StatusOK)
	for _, want := range []string{`<li class="rule firing">`, `<li class="rule unknown">`, "not evaluated yet"} {
		s.wants(page, want)
	}
	if n := strings.Count(page, `<li class="rule unknown">`); n != 1 {
		t.Errorf("%d are unknown", n)
	}
}

// TestFailing has a rule whose evaluation fails while its alert stands: that it
// fails matters more, since nobody knows what it would say.
func TestFailing(t *testing.T) {
	s := newScene(t).busy()
	s.groups[0].Rules[0].Health, s.groups[0].Rules[0].LastError = "err", "out of time"
	page := s.get("/rules?q=HostDiskFull", http.StatusOK)
	s.wants(page, `<li class="rule failing">`, "out of time", "1 alert")
}

// TestEnded has a rule that found an alert at its last evaluation which the
// machine has ended since: the machine's word counts.
func TestEnded(t *testing.T) {
	s := newScene(t)
	s.groups = []promrule.Group{{File: "/etc/tomeishi/rules.yml", Name: "hosts", Rules: []promrule.Rule{
		{Type: promrule.Alerting, Name: "HostDiskFull", State: "firing", Health: "ok"},
		{Type: promrule.Alerting, Name: "HostMemoryLow", State: "firing", Health: "ok", Alerts: []promrule.Alert{{State: "pending"}}},
	}}}
	page := s.get("/rules?q=hosts", http.StatusOK)
	s.wants(page, `<li class="rule inactive">`, `<li class="rule pending">`)
	s.lacks(page, `<li class="rule firing">`)
}

func TestManyRules(t *testing.T) {
	s := newScene(t)
	g := promrule.Group{File: "f", Name: "g"}
	for i := range 2000 {
		g.Rules = append(g.Rules, promrule.Rule{Type: promrule.Recording, Name: fmt.Sprint("r", i), Health: "ok", Query: strings.Repeat("x ", 100)})
	}
	s.groups = []promrule.Group{g}
	page := s.get("/rules?q=r", http.StatusOK)
	if n := strings.Count(page, `<li class="rule `); n != maxRules {
		t.Errorf("%d rows", n)
	}
	s.wants(page, "more rules are not shown")
}

// TestUnreadTypes has types that no rule reads, a type that never came, and a rule
// that was disarmed.
func TestUnreadTypes(t *testing.T) {
	s := newScene(t)
	s.json(entry.KindBehavior, entry.Behavior{Version: machine.Behavior})
	page := s.get("/rules", http.StatusOK)
	s.wants(page, "no payout.sent has come yet")
	s.lacks(page, "Events that no rule reads", "no longer closes")
	s.block("app1", 1, &report.Event{ID: "x1", Source: "payer", Type: "payout_sent", Data: []byte(`{}`)})
	s.wants(s.get("/rules?state=failing", http.StatusOK), "RequestPaidTwice", "Events of type payout_sent come, and no rule reads them")
	s.load(strings.Replace(sceneRules, "target: withdrawals/btc, mode: enforce", "target: withdrawals/btc, mode: shadow", 1))
	page = s.get("/rules", http.StatusOK)
	s.wants(page, "Events that no rule reads", "<code>payout_sent</code>", "1 event", "Is it payout.sent?", "rule RequestPaidTwice no longer closes gate withdrawals/btc")
}

// TestBuiltInsShown: the rules' page tells of each built-in alert.
func TestBuiltInsShown(t *testing.T) {
	for _, b := range machine.BuiltIns() {
		if !slices.ContainsFunc(builtIns, func(shown struct{ name, text string }) bool { return shown.name == b.Name }) && b.Name != "ApprovalWanted" && b.Name != "OpenedAlone" {
			t.Errorf("%s is not shown", b.Name)
		}
	}
}

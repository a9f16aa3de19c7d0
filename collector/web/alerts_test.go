package web

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/promrule"
)

func TestAlertsPage(t *testing.T) {
	s := newScene(t).busy()
	page := s.get("/alerts", http.StatusOK)
	s.wants(page, "8 alerts", "1 pending",
		"2 payments for withdrawal w-101", "withdrawals/btc: ", "2 events", `href="/incidents/i2"`, // what it did and what it belongs to
		"/var/lib/postgresql of db1 is full", "0.01235",
		"instance=payer2", "silenced", "instance=cache1", "0.04568")
	last := -1
	for _, name := range []string{"<span>HostDiskFull", "<span>HostMemoryLow", "<span>AgentSilent"} { // the gravest first
		at := strings.Index(page, name)
		if at <= last {
			t.Errorf("%s is at %d, after %d", name, at, last)
		}
		last = at
	}
	if n := strings.Count(page, `class="alertrow `); n != 9 {
		t.Errorf("%d rows", n)
	}
}

func TestSortAlerts(t *testing.T) {
	row := func(id, severity string, raised int64) alertRow {
		return alertRow{Alert: machine.Alert{ID: id, Raised: raised}, Severity: severity}
	}
	rows := []alertRow{row("1", "", 9), row("2", "info", 8), row("3", "page", 7), row("4", "critical", 1), row("5", "warning", 3), row("6", "warning", 4), row("7", "critical", 2)}
	sortAlerts(rows)
	var got string
	for _, r := range rows {
		got += r.ID
	}
	if got != "7465213" {
		t.Errorf("got %s", got)
	}
}

func TestAlertFilter(t *testing.T) {
	s := newScene(t).busy()
	for _, c := range []struct {
		query string
		found int
		wants []string
	}{
		{"", 9, nil},
		{"q=w-101", 1, []string{"RequestPaidTwice"}},
		{"q=" + url.QueryEscape("INSTANCE=DB1"), 1, []string{"HostDiskFull"}},
		{"q=memory+payer2", 1, []string{"instance=payer2"}},
		{"q=i2", 2, []string{"RequestPaidTwice", "GateClosed"}},
		{"severity=critical", 3, nil},
		{"severity=warning&state=firing", 5, nil},
		{"state=pending", 1, []string{"instance=cache1"}},
		{"state=silenced", 1, []string{"instance=payer2"}},
		{"state=unheard", 0, []string{"No alert is like this", "9 alerts stand that do not match"}},
		{"rule=HostMemoryLow", 3, []string{"Only alerts of rule HostMemoryLow."}},
		{"rule=HostMemory", 0, nil},
		{"q=" + url.QueryEscape(markup), 1, []string{"&lt;script&gt;"}}, // that is in a label
		{"q=%ff%fe", 9, nil},
		{"severity=none", 0, nil},
	} {
		page := s.get("/alerts?"+c.query, http.StatusOK)
		if n := strings.Count(page, `class="alertrow `); n != c.found {
			t.Errorf("%s: %d rows, want %d", c.query, n, c.found)
		}
		s.wants(page, c.wants...)
	}
}

// TestRestarted has a rule that must wait again after a start for an alert that
// stands: it is listed once.
func TestRestarted(t *testing.T) {
	s := newScene(t).busy()
	s.groups[0].Rules[0].Alerts = []promrule.Alert{{State: "pending", ActiveAt: time.Now(), Labels: map[string]string{
		"alertname": "HostDiskFull", "severity": "critical", "instance": "db1", "mountpoint": "/var/lib/postgresql",
	}}}
	if n := strings.Count(s.get("/alerts?rule=HostDiskFull", http.StatusOK), `class="alertrow `); n != 1 {
		t.Errorf("it is listed %d times", n)
	}
}

// TestWatchdog has the alert that stands while all is well: the list is empty,
// and has it for who asks.
func TestWatchdog(t *testing.T) {
	s := newScene(t)
	s.at(10 * time.Second)
	s.speak(0, "db1")
	s.wants(s.get("/rules?q=watchdog", http.StatusOK), `chip warn`, "inactive")
	s.block("db1", 1, &report.Event{ID: "1", Source: "tomeishi/agent/db1", Type: report.BeatType, Data: []byte("{}")})
	s.wants(s.get("/rules?q=watchdog", http.StatusOK), `chip good`, "firing")
	page := s.get("/alerts", http.StatusOK)
	s.wants(page, "No alerts", "0 alerts")
	s.wants(s.get("/alerts?q=watchdog", http.StatusOK), "Watchdog", "alertrow ")
}

// TestUnheard has an alert that stands only because its agent is silent.
func TestUnheard(t *testing.T) {
	s := newScene(t).busy()
	s.at(30 * time.Second)
	s.fire("HostRebooted", "", []string{"instance", "db9"})
	_, set, _ := s.RulesView()
	s.resolve(set, s.id("HostRebooted"))
	s.wants(s.get("/alerts?state=unheard", http.StatusOK), "instance=db9", "unheard")
	s.wants(s.get("/alerts/"+s.id("HostRebooted"), http.StatusOK), "nobody is heard who could say that it is over")
}

// TestThousandAlerts has far more than anybody reads: the page stays small and
// says what it leaves out.
func TestThousandAlerts(t *testing.T) {
	s := newScene(t)
	s.speak(0, "db1")
	var many [][]string
	for i := range 1000 {
		many = append(many, []string{"instance", fmt.Sprintf("host%d", i), "note", strings.Repeat("x", 200)})
	}
	s.fire("HostMemoryLow", strings.Repeat("memory is low ", 20), many...)
	s.fire("HostDiskFull", "full", []string{"instance", "db1"})
	began := time.Now()
	page := s.get("/alerts", http.StatusOK)
	took := time.Since(began)
	if n := strings.Count(page, `class="alertrow `); n != 51 {
		t.Errorf("%d rows", n)
	}
	s.wants(page, "1,001 alerts", "and 950 more", `href="/alerts?rule=HostMemoryLow&amp;severity=warning"`, "950 more alerts are not shown")
	one := s.get("/alerts?rule=HostMemoryLow", http.StatusOK)
	if n := strings.Count(one, `class="alertrow `); n != maxRows {
		t.Errorf("%d rows of one rule", n)
	}
	s.wants(one, "800 more alerts are not shown")
	if len(page) > 100<<10 || len(one) > 300<<10 {
		t.Errorf("the pages have %d and %d bytes", len(page), len(one))
	}
	t.Logf("%d bytes in %s", len(page), took)
}

func TestAlertPage(t *testing.T) {
	s := newScene(t).busy()
	id := s.id("RequestPaidTwice")
	page := html.UnescapeString(s.get("/alerts/"+id, http.StatusOK))
	s.wants(page, "2 payments for withdrawal w-101", "Look at the wallet before anything is opened.",
		"2 events", "payer@wallet1", // its evidence
		`<span class="mute">request=</span>w-101`,
		`href="https://runbooks.example/payouts"`, "javascript:alert(1)", // as text
		"stop-btc", `href="/gates/withdrawals/btc"`, `href="/incidents/i2"`,
		"raises a critical alert when, among payout.sent events of one data.request within",
		`href="/silences?matchers=alertname%3DRequestPaidTwice+request%3Dw-101+severity%3Dcritical#new"`)
	s.lacks(page, `href="javascript`)
	if n := strings.Count(page, "<li><code>e"); n != 2 {
		t.Errorf("%d pieces of evidence are named", n)
	}
}

func TestGoneAlert(t *testing.T) {
	s := newScene(t).busy()
	s.wants(s.get("/alerts/a99999", http.StatusGone), "Alert a99999 has ended and no incident kept it")
	s.wants(s.get("/alerts/"+url.PathEscape(markup), http.StatusNotFound), "Nothing is here")
	id := s.id("HostDiskFull")
	_, set, _ := s.RulesView()
	for i := range 15 {
		s.at(15*time.Second - time.Duration(i)*time.Second)
		s.speak(0, "db1")
	}
	s.resolve(set, id)
	s.wants(s.get("/alerts/"+id, http.StatusOK), "ended", "It ended ", "no longer true") // its incident keeps it
	s.lacks(s.get("/alerts/"+id, http.StatusOK), "Silence this")
}

func TestLink(t *testing.T) {
	for text, want := range map[string]string{
		"https://a.example/b?c=d#e":       "https://a.example/b?c=d#e",
		" http://a.example ":              "http://a.example",
		"javascript:alert(1)":             "",
		"JavaScript://a.example/%0aalert": "",
		"data:text/html,x":                "",
		"//a.example/b":                   "",
		"/alerts":                         "",
		"https://":                        "",
		"https://me:secret@a.example":     "", // nobody should follow that
		"see https://a.example":           "",
		"http://a\nb.example":             "",
		`https://a.example/"><script>`:    "https://a.example/%22%3E%3Cscript%3E",
	} {
		if got := link(text); got != want {
			t.Errorf("%q leads to %q, want %q", text, got, want)
		}
	}
}

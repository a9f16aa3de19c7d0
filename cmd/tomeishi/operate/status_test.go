package operate

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/clitest"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

const wellStatus = `"version": "0.1.0", "cell": "0123456789", "index": 9, "time": "2026-11-21T07:30:00Z", "chain": "00112233445566", "gates": 2, "rules": 1,
  "metric_rules": 2, "recording_rules": 3, "rules_live": "2026-11-21T07:00:00Z", "data": "data", "disk_free_bytes": 1073741824, "disk_size_bytes": 4294967296,
  "series": {"count": 1234, "samples_per_second": 250.5, "lag_entries": 1}`

func vectorOf(series string) string {
	return `{"status":"success","data":{"resultType":"vector","result":[` + series + `]}}`
}

// statusAnswer answers as a collector whose status is this, and whose hosts are
// well known if hosts is.
func statusAnswer(status string, hosts bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/query" {
			_, _ = io.WriteString(w, status)
			return
		}
		var answer string
		switch expr := r.FormValue("query"); {
		case !hosts:
			w.WriteHeader(http.StatusNotFound)
		case strings.Contains(expr, "cpu"):
			answer = vectorOf(`{"metric":{"instance":"db1"},"value":[1800000000,"93.21"]}`)
		case strings.Contains(expr, "MemAvailable"):
			answer = vectorOf("")
		default:
			answer = vectorOf(`{"metric":{"instance":"web1","mountpoint":"/var"},"value":[1800000000,"12"]}`)
		}
		_, _ = io.WriteString(w, answer)
	}
}

func TestStatus(t *testing.T) {
	clitest.Chdir(t)
	for name, tt := range map[string]struct {
		body string
		exit int
		want []string
	}{
		"well": {`"ready": "yes"`, term.Done, []string{
			"working     yes\ngates       2 gates, none closed\nalerts      0 standing; 0 open incidents\n",
			"agents      none heard yet\n", "hosts       CPU 93.2 %, disk 12 % (web1 /var)\n",
			"rules       1 on events, 2 on metrics, 3 recording; live since 2026-11-21",
			"series      1234 in memory, 250 samples/s\n", "events      0 accepted, 0 repeats\n",
			"ledger      entry 9, chain 00112233, cell 01234567, ledger time 2026-11-21", "data        data, 1 GiB of 4 GiB free; version 0.1.0 at http",
		}},
		"unread":    {`"ready": "yes", "unread_types": 2, "unread": [{"type": "payout_sent", "nearest": "payout.sent"}, {"type": "x\u001b"}]`, term.Done, []string{"0 repeats; 2 types that no rule reads: payout_sent (payout.sent?), x\\x1b\n"}},
		"closed":    {`"ready": "yes", "closed": ["demo/w"]`, term.Done, []string{"working     yes\ngates       1 of 2 gates CLOSED: demo/w\n"}},
		"shadow":    {`"ready": "yes", "shadow": ["a"]`, term.Done, []string{"gates       2 gates, none closed; only in shadow: a\n"}},
		"not ready": {`"ready": "starting"`, term.Failed, []string{"working     NO: not ready: starting\n"}},
		"disk full": {
			`"ready": "yes", "disk_full": true, "built_in": [{"name": "DiskLow", "summary": "full"}]`, term.Failed,
			[]string{"working     NO: the disk is full: events are refused\n", "free (disk FULL); version"},
		},
		"rule error": {
			`"ready": "yes", "rule_error": "a.yml:3:1: no\nline", "built_in": [{"name": "ReloadFailed", "summary": "no"}]`, term.Failed,
			[]string{"NO: the last reload of the rules was refused: a.yml:3:1: no\n"},
		},
		"on purpose": {`"ready": "yes", "built_in": [{"name": "Watchdog"}, {"name": "GateClosed", "labels": "gate=x"}, {"name": "ApprovalWanted"}, {"name": "OpenedAlone"}]`, term.Done, []string{"working     yes\n"}},
		"automatic off": {
			`"ready": "yes", "automatic": "off until 2026-11-21T07:30:00Z", "built_in": [{"name": "AutomaticOff", "summary": "bob: moved."}]`, term.Failed,
			[]string{"working     NO: AutomaticOff: bob: moved\n", "gates       2 gates, none closed; automatic effects OFF until 2026-11-21 "},
		},
		"automatic on": {`"ready": "yes", "automatic": "on"`, term.Done, []string{"gates       2 gates, none closed\n"}},
		"built in": {
			`"ready": "yes", "built_in": [{"name": "AgentSilent", "labels": "agent=b"}, {"name": "LedgerTimeOff", "summary": "it is ahead."},
			 {"name": "AgentSilent", "labels": "agent=c\u001b"}, {"name": "RuleErrors", "summary": "rule X"}, {"name": "RuleErrors", "summary": "rule Y"}]`,
			term.Failed,
			[]string{"working     NO: AgentSilent b, c\\x1b; LedgerTimeOff: it is ahead; RuleErrors: rule X (and 1 more)\n"},
		},
		"many silent": {
			`"ready": "yes", "built_in": [` + strings.Repeat(`{"name": "AgentSilent", "labels": "agent=h"},`, 9) + `{"name": "DiskLow"}]`,
			term.Failed,
			[]string{"NO: AgentSilent h, h, h, h and 5 more; DiskLow\n"},
		},
		"agents": {
			`"ready": "yes", "last_beat": "2026-11-21T07:30:00Z", "agents": [{"agent": "a", "state": "ok", "heard": "2026-11-21T07:30:00Z"},
			 {"agent": "b", "state": "silent", "ills": ["silent", "blind"], "heard": "2026-11-21T07:30:00Z", "blind": [{"from": 2, "to": 3}]},
			 {"agent": "c", "state": "cloned", "ills": ["cloned", "clock off"], "clock_offset_seconds": 2.5}]`, term.Done,
			[]string{"agents      2 of 3 heard; CLONED: c; SILENT: b (heard ", "; BLIND: b (1 range); CLOCK OFF: c (+2.5 s)\n", "hosts       highest: CPU 93.2 % (db1), disk 12 % (web1 /var)\n"},
		},
		"alerts": {
			`"ready": "yes", "alerts": 6, "open_incidents": 1, "standing": [{"name": "HostGone", "severity": "critical", "count": 3}, {"name": "Slow", "severity": "warning", "count": 2}, {"name": "X", "count": 1}]`,
			term.Done,
			[]string{"working     yes\n", "alerts      6 standing: HostGone 3× (critical), Slow 2×, X; 1 open incident\n"},
		},
		"one agent":   {`"ready": "yes", "last_beat": "2026-11-21T07:30:00Z", "agents": [{"agent": "a", "state": "ok", "heard": "x"}]`, term.Done, []string{"agents      1 of 1 heard: a x\n"}},
		"no beat":     {`"ready": "yes", "agents": [{"agent": "a", "state": "ok", "heard": "x"}]`, term.Failed, []string{"NO: no beat of any agent for a minute: nothing shows that events arrive\n"}},
		"behind":      {`"ready": "yes", "series": {"lag_entries": 9000}`, term.Failed, []string{"NO: the metrics are 9000 entries behind the ledger\n", "samples/s; 9000 entries BEHIND the ledger\n"}},
		"paused":      {`"ready": "yes", "series": {"paused": true}`, term.Failed, []string{"NO: the metrics are not kept until the disk has more room\n", "; PAUSED, the disk is nearly full\n"}},
		"catching up": {`"ready": "yes", "series": {"catching_up": true, "lag_entries": 7}`, term.Failed, []string{"NO: the metrics are still read from the tape", "; CATCHING UP, 7 entries behind\n"}},
		"rules": {
			`"ready": "yes", "missed_evaluations": 1, "failing_rules": 2, "rule_failures": [{"rule": "X", "error": "many\nto many"}]`, term.Done,
			[]string{"; 1 evaluation MISSED; 2 FAILING, the first is X: many to many\n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			at := clitest.Serve(t, statusAnswer("{"+wellStatus+", "+tt.body+"}", true))
			exit, out, stderr := runTest(t, "status", "--server", at)
			if exit != tt.exit || stderr != "" {
				t.Errorf("exit %d, said %q, want %d", exit, stderr, tt.exit)
			}
			for _, want := range tt.want {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
			if n := strings.Count(out, "\n"); n != 10 {
				t.Errorf("%d lines, want ten:\n%s", n, out)
			}
			if exit, out, _ := runTest(t, "status", "--json", "--server", at); exit != tt.exit || !strings.Contains(out, `"chain": "00112233445566"`) {
				t.Errorf("--json: exit %d, output %s", exit, out)
			}
		})
	}
}

// What is not known of hosts is left out, and the hash is one line more.
func TestStatusWithoutHosts(t *testing.T) {
	clitest.Chdir(t)
	at := clitest.Serve(t, statusAnswer(`{"ready": "yes", "state": "aabb", `+wellStatus+"}", false))
	exit, out, stderr := runTest(t, "status", "--hash", "--server", at)
	if exit != term.Done || stderr != "" || strings.Contains(out, "hosts") || strings.Count(out, "\n") != 10 || !strings.HasSuffix(out, "state       aabb\n") {
		t.Errorf("exit %d, said %q\n%s", exit, stderr, out)
	}
}

package operate

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/clitest"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
)

const (
	activeID  = "8c1a2f60-5a3c-4d4b-9d5b-0f5f0c6a7e11"
	expiredID = "00000000-0000-0000-0000-000000000002"
)

const twoSilences = `[
  {"id": "` + expiredID + `", "status": {"state": "expired"}, "updatedAt": "2026-11-20T00:00:00Z", "comment": "done", "createdBy": "ben",
   "startsAt": "2026-11-20T00:00:00Z", "endsAt": "2026-11-20T01:00:00Z", "matchers": [{"name": "alertname", "value": "Old", "isRegex": false, "isEqual": true}]},
  {"id": "` + activeID + `", "status": {"state": "active"}, "updatedAt": "2026-11-21T00:00:00Z", "comment": "new\u001bdisks", "createdBy": "ann",
   "startsAt": "2026-11-21T00:00:00Z", "endsAt": "2036-11-21T02:00:00Z",
   "matchers": [{"name": "alertname", "value": "HostDiskFull", "isRegex": false, "isEqual": true}, {"name": "instance", "value": "db.*", "isRegex": true, "isEqual": true},
                {"name": "team", "value": "", "isRegex": false, "isEqual": false}]}]`

const threeAlerts = `{"status": "success", "data": {"alerts": [
  {"labels": {"alertname": "HostDiskFull", "severity": "warning", "instance": "db1", "team": "x"}, "annotations": {"summary": "db1 is full"}, "state": "firing", "activeAt": "2026-11-21T07:00:00Z", "id": "a1", "since": "2026-11-21T07:00:00Z"},
  {"labels": {"alertname": "HostDiskFull", "severity": "info", "instance": "web1", "team": "x"}, "annotations": {}, "state": "pending", "activeAt": "2026-11-21T07:00:00Z"},
  {"labels": {"alertname": "PaidTwice", "severity": "critical", "request": "w\u001b1"}, "annotations": {}, "state": "firing", "unheard": true, "activeAt": "2026-11-21T07:30:00Z", "id": "a2", "since": "2026-11-21T07:30:00Z", "incident": "i4"}]}}`

// alertmanager answers as the collector does under Alertmanager's paths, and
// beside them.
func alertmanager(asked *[]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		if asked != nil {
			*asked = append(*asked, strings.TrimSpace(r.Method+" "+r.URL.EscapedPath()+" "+string(text)))
		}
		switch r.Method + " " + r.URL.Path {
		case "POST /alertmanager/api/v2/silences":
			clitest.Says(200, `{"silenceID": "`+activeID+`"}`)(w, r)
		case "GET /alertmanager/api/v2/silences":
			clitest.Says(200, twoSilences)(w, r)
		case "GET /api/v1/alerts":
			clitest.Says(200, threeAlerts)(w, r)
		case "DELETE /alertmanager/api/v2/silence/" + activeID:
			w.WriteHeader(200)
		default:
			clitest.Says(404, `"silence not found"`)(w, r)
		}
	}
}

// TestSilenceAdd sends what Alertmanager's API wants, and says what it matches.
func TestSilenceAdd(t *testing.T) {
	clitest.Chdir(t)
	var asked []string
	at := clitest.Serve(t, alertmanager(&asked))
	exit, out, stderr := runTest(t, "silence", "add", "alertname=HostDiskFull", `instance=~"db.*"`, "team!=", "--for", "2h", "--start", "2036-11-21T00:00:00Z", "--comment", "new disks", "--server", at)
	if exit != term.Done {
		t.Fatalf("exit %d, said %q", exit, stderr)
	}
	var got map[string]any
	body, ok := strings.CutPrefix(asked[0], "POST /alertmanager/api/v2/silences ")
	if err := json.Unmarshal([]byte(body), &got); err != nil || !ok {
		t.Fatalf("%s: %v", asked[0], err)
	}
	matcher := func(name, value string, regex, equal bool) any {
		return map[string]any{"name": name, "value": value, "isRegex": regex, "isEqual": equal}
	}
	want := map[string]any{
		"matchers": []any{matcher("alertname", "HostDiskFull", false, true), matcher("instance", "db.*", true, true), matcher("team", "", false, false)},
		"startsAt": "2036-11-21T00:00:00Z", "endsAt": "2036-11-21T02:00:00Z", "createdBy": "", "comment": "new disks",
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{
		"silence " + activeID + ` of alertname=HostDiskFull instance=~"db.*" team!="" ends 2036-11-21 `,
		"\nit matches 1 standing alert now:\n  a1  HostDiskFull: db1 is full\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	_, out, _ = runTest(t, "silence", "add", "alertname=Other", "--for", "5m", "--comment", "c", "--server", at)
	if !strings.Contains(out, "\nno standing alert matches it now\n") {
		t.Errorf("matches nothing: %s", out)
	}
}

// TestSilenceAddWrong refuses what cannot be meant, before anything is sent.
func TestSilenceAddWrong(t *testing.T) {
	clitest.Chdir(t)
	var asked []string
	at := clitest.Serve(t, alertmanager(&asked))
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "MATCHER is missing"},
		{[]string{"a=b", "--comment", "c"}, "--for is missing"},
		{[]string{"a=b", "--for", "2h"}, "--comment is missing"},
		{[]string{"a=b", "--for", "2h", "--comment", " "}, "--comment is missing"},
		{[]string{"a=b", "--for", "-2h", "--comment", "c"}, "--for takes a duration"},
		{[]string{"a=b", "--for", "2", "--comment", "c"}, "--for takes a duration"},
		{[]string{"a=b", "--for", "2h", "--start", "tomorrow", "--comment", "c"}, "--start takes a time"},
		{[]string{"a=b", "--for", "2h", "--start=-3h", "--comment", "c"}, "it would have ended 1h0m ago"},
		{[]string{"HostDiskFull", "--for", "2h", "--comment", "c"}, `"HostDiskFull" is not a matcher such as alertname=HostDiskFull`},
		{[]string{"alertname", "--for", "2h", "--comment", "c"}, `"alertname" is not a matcher: NAME=VALUE, NAME!=VALUE`},
		{[]string{"a b", "--for", "2h", "--comment", "c"}, "NAME=~REGEXP"},
		{[]string{"1a=b", "--for", "2h", "--comment", "c"}, "NAME=~REGEXP"},
		{[]string{"a=~(", "--for", "2h", "--comment", "c"}, "missing closing )"},
		{[]string{`a="b`, "--for", "2h", "--comment", "c"}, "do not close"},
		{[]string{"a=~.*", "b!=c", "--for", "2h", "--comment", "c"}, "would silence every alert"},
		{[]string{"a=", "--for", "2h", "--comment", "c"}, "would silence every alert"},
	} {
		exit, out, stderr := runTest(t, append([]string{"silence", "add", "--server", at}, tt.args...)...)
		if exit != term.Usage || out != "" || !strings.Contains(stderr, tt.want) {
			t.Errorf("%q: exit %d, output %q, said %q, want %q", tt.args, exit, out, stderr, tt.want)
		}
	}
	if len(asked) != 0 {
		t.Errorf("asked %q", asked)
	}
}

// TestSilenceUnknown never says that a silence was not made, or not ended, when
// nothing says so.
func TestSilenceUnknown(t *testing.T) {
	clitest.Chdir(t)
	add := []string{"silence", "add", "a=b", "--for", "2h", "--comment", "c"}
	expire := []string{"silence", "expire", activeID}
	for name, tt := range map[string]struct {
		args    []string
		server  http.HandlerFunc
		unknown bool
		want    string
	}{
		"add, reset":          {add, clitest.Resets, true, "whether the silence was made: the connection was reset"},
		"add, unavailable":    {add, clitest.Says(503, `{"error": "the ledger may have it"}`), true, "the ledger may have it"},
		"add, no collector":   {add, clitest.Says(200, "<html>"), true, "not a collector's"},
		"add, refused":        {add, clitest.Says(400, `"bad matcher"`), false, "bad matcher"},
		"add, refused, other": {add, clitest.Says(422, `{"code": 602, "message": "comment in body is required"}`), false, "comment in body is required"},
		"add, forbidden":      {add, clitest.Says(403, `{"error": "this token does not have the right \"operate\""}`), false, "the right"},
		"end, reset":          {expire, clitest.Resets, true, "whether silence " + activeID + " was ended: the connection was reset"},
		"end, unavailable":    {expire, clitest.Says(503, ``), true, "answered 503"},
		"end, no collector":   {expire, clitest.Says(200, "<html>"), true, "not a collector's"},
		"end, not there":      {expire, clitest.Says(404, `"silence not found"`), false, "silence not found"},
		"end, no text":        {expire, clitest.Says(404, ``), false, "there is no silence " + activeID + ": tomeishi silence list names them"},
	} {
		at := clitest.Serve(t, tt.server)
		exit, out, stderr := runTest(t, append(tt.args, "--server", at, "--timeout", "300ms")...)
		if exit != term.Failed || out != "" || !strings.Contains(stderr, tt.want) || strings.Contains(stderr, "NOT KNOWN") != tt.unknown {
			t.Errorf("%s: exit %d, output %q, said %q, want %q", name, exit, out, stderr, tt.want)
		}
		if strings.Contains(stderr, "\n  tomeishi silence list") != tt.unknown {
			t.Errorf("%s: said %q", name, stderr)
		}
	}
	// It was made; only what it matches is not known.
	at := clitest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			clitest.Resets(w, r)
			return
		}
		alertmanager(nil)(w, r)
	})
	exit, out, _ := runTest(t, append(add, "--server", at)...)
	if exit != term.Done || !strings.Contains(out, "silence "+activeID) || !strings.Contains(out, "which standing alerts it matches is not known: no answer") {
		t.Errorf("exit %d, output %q", exit, out)
	}
}

func TestSilenceList(t *testing.T) {
	clitest.Chdir(t)
	at := clitest.Serve(t, alertmanager(nil))
	exit, out, stderr := runTest(t, "silence", "list", "--server", at)
	want := activeID + `  active  alertname=HostDiskFull instance=~"db.*" team!=""  2026-11-21 `
	if exit != term.Done || !strings.Contains(out, want) || !strings.HasSuffix(out, "  ann  new\\x1bdisks\n") || strings.Contains(out, expiredID) {
		t.Errorf("exit %d, said %q, output\n%s", exit, stderr, out)
	}
	if _, out, _ := runTest(t, "silence", "list", "--all", "--server", at); !strings.Contains(out, expiredID) || strings.Index(out, expiredID) > strings.Index(out, activeID) {
		t.Errorf("--all:\n%s", out)
	}
	if _, out, _ := runTest(t, "silence", "list", "--json", "--server", at); !strings.Contains(out, `"state": "expired"`) {
		t.Errorf("--json:\n%s", out)
	}
	if _, out, _ := runTest(t, "silence", "list", "--server", clitest.Serve(t, clitest.Says(200, "[]"))); out != "nothing is silenced (0 silences in all)\n" {
		t.Errorf("nothing: %q", out)
	}
}

// TestSilenceExpire ends each that can be ended, and says what came of each.
func TestSilenceExpire(t *testing.T) {
	clitest.Chdir(t)
	var asked []string
	at := clitest.Serve(t, alertmanager(&asked))
	exit, out, stderr := runTest(t, "silence", "expire", "x/../y", activeID, "--server", at)
	if exit != term.Done || out != "silence "+activeID+" has ended\n" || !strings.Contains(stderr, "silence not found") {
		t.Errorf("exit %d, output %q, said %q", exit, out, stderr)
	}
	want := []string{"DELETE /alertmanager/api/v2/silence/x%2F..%2Fy", "DELETE /alertmanager/api/v2/silence/" + activeID}
	if diff := cmp.Diff(asked, want); diff != "" {
		t.Error(diff)
	}
	for _, args := range [][]string{{"silence", "expire"}, {"silence", "expire", activeID, ""}} {
		if exit, _, stderr := runTest(t, args...); exit != term.Usage || !strings.Contains(stderr, "ID") {
			t.Errorf("%q: exit %d, said %q", args, exit, stderr)
		}
	}
}

// TestMatches agrees with Alertmanager: a whole value, and an absent label is
// an empty one.
func TestMatches(t *testing.T) {
	alert := api.Alert{Labels: map[string]string{"a": "x1", "quoted": `"`}}
	for text, want := range map[string]bool{
		"a=x1": true, "a=x": false, "a!=x1": false, "a!=x": true, "a=~x": false, "a=~x.": true, "a=~y|x1": true, "a!~x": true, "a!~x.": false,
		"b=": true, "b!=": false, "b=~.+": false, "b!~.+": true, `a = "x1"`: true, `a="\x78\u0031"`: true, `quoted="\""`: true, `a=~"x(1|2)"`: true,
	} {
		m, err := parseMatcher(text)
		if err != nil {
			t.Fatal(err)
		}
		naming, err := namingOf([]matcher{m})
		if err != nil || naming.Names(labelOf(alert)) != want {
			t.Errorf("%s: %+v %v, want %t", text, m, err, want)
		}
		again, err := parseMatcher(matchersText([]matcher{m}))
		if diff := cmp.Diff(again, m); err != nil || diff != "" {
			t.Errorf("%s, written and read again: %v\n%s", text, err, diff)
		}
	}
}

func FuzzMatcher(f *testing.F) {
	for _, s := range []string{"a=b", `a=~"b.*"`, "a!~(", `a="\`, "a==b", "=", "a!=\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseMatcher(text)
		if err != nil {
			return
		}
		if again, err := parseMatcher(matchersText([]matcher{m})); err != nil || cmp.Diff(again, m) != "" {
			t.Errorf("%q is %+v; written and read again %+v, %v", text, m, again, err)
		}
	})
}

// TestSilenceOrder has a silence begin now unless it says otherwise.
func TestSilenceOrder(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.FixedZone("", 9*3600))
	for start, want := range map[string][2]string{
		"":                     {"2026-11-21T03:00:00Z", "2026-11-22T03:00:00Z"},
		"now":                  {"2026-11-21T03:00:00Z", "2026-11-22T03:00:00Z"},
		"2026-11-23T00:00:00Z": {"2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"},
	} {
		s, err := newSilenceOrder([]string{"a=b"}, "1d", start, "c", now)
		if got := [2]string{s.StartsAt, s.EndsAt}; err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", start, got, err, want)
		}
	}
}

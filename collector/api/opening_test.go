package api

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tomeishi/tomeishi/collector/access"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

const twoRules = `groups:
- name: g
  rules:
  - alert: Twice
    event: payout.sent
    by: [data.request]
    within: 1h
    when: count() >= 2
    mitigate: [stop]
gates: [{name: g, mode: enforce, open: {approvals: 2, alone: {after: 2m}}}, {name: one, mode: enforce}]
mitigations: [{name: stop, action: gate.close, target: g, mode: enforce}]
`

// asking is who asks next, and what they may.
type asking struct {
	name string
	may  []string
}

// people lets whoever is set ask the server.
func (c *cell) people() (*httptest.Server, func(name string, may ...string)) {
	now := asking{}
	a := c.apiFor(nil, func(right string) (string, error) {
		if !slices.Contains(now.may, right) {
			return "", errors.New("lacks " + right)
		}
		return now.name, nil
	})
	return c.serve(a), func(name string, may ...string) { now = asking{name, may} }
}

// TestTwoPeopleOpen answers the first of two with 202.
func TestTwoPeopleOpen(t *testing.T) {
	c := newCellOf(t, twoRules)
	s, as := c.people()
	c.pays("w1", "w1")
	var first Pending
	var before gateList
	ask(t, http.MethodGet, s.URL+"/v1/gates", "", &before) // agreements are news at once
	as("alice", access.MayOperate)
	const open = `{"reason":"mine","verdict":"real"}`
	if code := ask(t, http.MethodPost, s.URL+"/v1/gates/g/open", open, &first); code != http.StatusAccepted || first.Approvals != 1 || first.Needed != 2 || first.Gate.State != "closed" {
		t.Fatalf("%d %+v", code, first)
	}
	want := Gate{
		Open:   Opening{2, "2m0s"},
		Agreed: []Agreement{{By: "alice", Reason: "mine", Verdict: "real"}},
	}
	var lone, listed Gate
	ask(t, http.MethodGet, s.URL+"/v1/gates/g", "", &lone)
	var list gateList
	ask(t, http.MethodGet, s.URL+"/v1/gates", "", &list)
	listed = list.Gates[0]
	for _, g := range []Gate{first.Gate, lone, listed} {
		if d := cmp.Diff(want, Gate{Open: g.Open, Agreed: g.Agreed}, cmpopts.IgnoreFields(Agreement{}, "At")); d != "" {
			t.Error(d)
		}
		if _, err := time.Parse(time.RFC3339Nano, g.Agreed[0].At); err != nil {
			t.Error(err)
		}
	}
	if g := list.Gates[1]; g.Open != (Opening{Approvals: 1}) || g.Agreed != nil || g.Held != nil {
		t.Errorf("%+v", g)
	}
	var p struct{ Error, Field string }
	if code := ask(t, http.MethodPost, s.URL+"/v1/gates/g/open", `{"reason":"mine","alerts":1}`, &p); code != http.StatusBadRequest || p.Field != "verdict" {
		t.Errorf("%d %+v", code, p)
	}
	as("bob", access.MayApprove)
	var opened Gate
	if code := ask(t, http.MethodPost, s.URL+"/v1/gates/g/open", open, &opened); code != http.StatusOK || opened.State != "open" || opened.Agreed != nil {
		t.Errorf("%d %+v", code, opened)
	}
}

// TestShadowOrder opens a gate and keeps the rule that closed it in shadow, once two
// people said so.
func TestShadowOrder(t *testing.T) {
	c := newCellOf(t, twoRules)
	c.apply(entry.KindBehavior, entry.Behavior{Version: machine.Behavior})
	s, as := c.people()
	c.pays("w1", "w1")
	as("alice", access.MayOperate)
	open := func(shadow string, out any) int {
		return ask(t, http.MethodPost, s.URL+"/v1/gates/g/open", `{"reason":"mine","verdict":"false","shadow":`+shadow+`}`, out)
	}
	for shadow, field := range map[string]string{
		`{"for":"soon"}`:       "shadow.for",
		`{"for":"25h"}`:        "shadow.for",
		`{"rules":["Thrice"]}`: "shadow.rules",
		`{"rule":"Twice"}`:     "",
	} {
		var p struct{ Error, Field string }
		if code := open(shadow, &p); code != http.StatusBadRequest || p.Field != field {
			t.Errorf("%s: %d %+v, want field %s", shadow, code, p, field)
		}
	}
	var first Pending
	if code := open(`{}`, &first); code != http.StatusAccepted || !slices.Equal(first.Gate.Agreed[0].Shadow, []string{"g/Twice"}) || first.Gate.Agreed[0].ShadowFor != "2h0m0s" {
		t.Fatalf("%d %+v", code, first)
	}
	as("bob", access.MayOperate)
	var g Gate
	if code := open(`{"rules":["Twice"],"for":"30m"}`, &g); code != http.StatusOK || len(g.InShadow) != 1 || g.InShadow[0].Rule != "Twice" || g.InShadow[0].By != "bob" {
		t.Fatalf("%d %+v", code, g)
	}
	var st Status
	ask(t, http.MethodGet, s.URL+"/v1/status", "", &st)
	if !slices.ContainsFunc(st.BuiltIn, func(b BuiltIn) bool { return b.Name == "RuleInShadow" }) {
		t.Errorf("%+v", st.BuiltIn)
	}
	var list gateList
	ask(t, http.MethodGet, s.URL+"/v1/gates", "", &list)
	if len(list.Gates[0].InShadow) != 1 {
		t.Errorf("%+v", list.Gates[0])
	}
}

// TestApproverAgreesToTheSame refuses an approver who wants more than the first
// of the two people did.
func TestApproverAgreesToTheSame(t *testing.T) {
	c := newCellOf(t, twoRules)
	s, as := c.people()
	c.pays("w1", "w1")
	c.close(nil)
	post := func(body string) int {
		var out map[string]any
		return ask(t, http.MethodPost, s.URL+"/v1/gates/g/open", body, &out)
	}
	as("alice", access.MayOperate)
	if code := post(`{"reason":"mine","verdict":"real","hold":"h2"}`); code != http.StatusAccepted {
		t.Fatalf("alice: %d", code)
	}
	as("bob", access.MayApprove)
	if code := post(`{"reason":"mine","verdict":"real"}`); code != http.StatusConflict {
		t.Errorf("all holds: %d", code)
	}
	if code := post(`{"reason":"mine","verdict":"real","hold":"h2"}`); code != http.StatusOK {
		t.Errorf("the same hold: %d", code)
	}
	if g, _ := c.GateView("g"); len(g.Holds) != 1 || len(g.Approvals) != 0 {
		t.Errorf("%+v", g)
	}
}

// TestApproverIsOnlySecond lets whoever may only approve be the second person,
// and never the first.
func TestApproverIsOnlySecond(t *testing.T) {
	c := newCellOf(t, twoRules)
	s, as := c.people()
	c.pays("w1", "w1")
	const open = `{"reason":"mine","verdict":"real"}`
	post := func(path string) int {
		var out map[string]any
		return ask(t, http.MethodPost, s.URL+path, open, &out)
	}
	as("bob", access.MayApprove)
	if code := post("/v1/gates/g/open"); code != http.StatusForbidden {
		t.Errorf("the first: %d", code)
	}
	if code := post("/v1/effects/e1/undo"); code != http.StatusForbidden {
		t.Errorf("the first, by undo: %d", code)
	}
	as("local", access.MayOperate, access.MayApprove)
	if code := post("/v1/gates/g/open"); code != http.StatusAccepted {
		t.Fatalf("local: %d", code)
	}
	as("bob", access.MayApprove)
	if code := post("/v1/gates/g/open"); code != http.StatusForbidden {
		t.Errorf("after somebody without a name: %d", code)
	}
	as("alice", access.MayOperate)
	if code := post("/v1/effects/e1/undo"); code != http.StatusAccepted {
		t.Fatalf("alice undoes: %d", code)
	}
	as("uid:7", access.MayApprove)
	if code := post("/v1/gates/g/open"); code != http.StatusForbidden {
		t.Errorf("a second without a name: %d", code)
	}
	as("carol", access.MayView)
	if code := post("/v1/effects/e1/undo"); code != http.StatusForbidden {
		t.Errorf("whoever may only look: %d", code)
	}
	as("alice", access.MayApprove)
	if code := post("/v1/gates/g/open"); code != http.StatusForbidden {
		t.Errorf("second to herself: %d", code)
	}
	as("bob", access.MayApprove)
	var e Effect
	if code := ask(t, http.MethodPost, s.URL+"/v1/effects/e1/undo", open, &e); code != http.StatusOK || e.State != string(machine.Undone) {
		t.Errorf("%d %+v", code, e)
	}
	// Effects that wait are for those who approve.
	const approve = "/v1/effects/e1/approve"
	var p struct{ Error string }
	if code := ask(t, http.MethodPost, s.URL+approve, "", &p); code != http.StatusConflict {
		t.Errorf("approve what was undone: %d", code)
	}
	as("alice", access.MayOperate)
	if code := ask(t, http.MethodPost, s.URL+approve, "", &p); code != http.StatusForbidden {
		t.Errorf("approve without the right: %d", code)
	}
	as("bob", access.MayApprove)
	// What one person opens, a second does not.
	c.apply(entry.KindDecision, entry.Decision{Do: entry.DoClose, Actor: "me", Gate: "one", Reason: "r"})
	if code := post("/v1/gates/one/open"); code != http.StatusForbidden {
		t.Errorf("a gate of one person: %d", code)
	}
}

// TestGateHeld shows what agents refused.
func TestGateHeld(t *testing.T) {
	var g Gate
	g.opening(machine.GateView{Gate: machine.Gate{Refused: &machine.RefusedPayments{
		Requests: 3, Unnamed: 2, Unpriced: 1, More: true, Sums: []machine.Sum{{Asset: "BTC", Amount: "1.5"}},
	}}})
	if d := cmp.Diff(&Held{3, 2, 1, true, []Sum{{"BTC", "1.5"}}}, g.Held); d != "" {
		t.Error(d)
	}
}

// TestAutomatic turns the switch.
func TestAutomatic(t *testing.T) {
	c := newCellOf(t, twoRules)
	s, as := c.people()
	as("alice", access.MayOperate)
	var got Automatic
	if code := ask(t, http.MethodGet, s.URL+"/v1/automatic", "", &got); code != http.StatusOK || got != (Automatic{On: true}) {
		t.Errorf("%d %+v", code, got)
	}
	for body, field := range map[string]string{
		`{}`:                                      "on",
		`{"reason":"r"}`:                          "on",
		`{"on":"yes","reason":"r"}`:               "on",
		`{"on":false}`:                            "reason",
		`{"on":false,"reason":"r","for":"soon"}`:  "for",
		`{"on":false,"reason":"r","for":"-1h"}`:   "for",
		`{"on":false,"reason":"r","for":"0"}`:     "for",
		`{"on":false,"reason":"r","for":"25h"}`:   "for",
		`{"on":true,"for":"1h"}`:                  "for",
		`{"on":false,"reason":"r","until":"1h"}`:  "until",
		`{"on":false,"on":true,"reason":"twice"}`: "on",
	} {
		var p struct{ Error, Field string }
		if code := ask(t, http.MethodPost, s.URL+"/v1/automatic", body, &p); code != http.StatusBadRequest || p.Field != field || p.Error == "" {
			t.Errorf("%s: %d %+v, want field %s", body, code, p, field)
		}
	}
	as("bob", access.MayView, access.MayApprove)
	var p struct{ Error string }
	if code := ask(t, http.MethodPost, s.URL+"/v1/automatic", `{"on":false,"reason":"r"}`, &p); code != http.StatusForbidden {
		t.Errorf("without the right: %d %+v", code, p)
	}
	as("alice", access.MayOperate)
	for body, length := range map[string]time.Duration{`{"on":false,"reason":"moved"}`: 2 * time.Hour, `{"on":false,"reason":"moved","for":"90m"}`: 90 * time.Minute} {
		code := ask(t, http.MethodPost, s.URL+"/v1/automatic", body, &got)
		until, err := time.Parse(time.RFC3339Nano, got.Until)
		if left := time.Until(until); code != http.StatusOK || err != nil || left > length || left < length-time.Minute {
			t.Errorf("%s: %d %+v, %s left", body, code, got, left)
		}
		if got.On || got.By != "alice" || got.Reason != "moved" || got.Since == "" {
			t.Errorf("%+v", got)
		}
	}
	var st Status
	ask(t, http.MethodGet, s.URL+"/v1/status", "", &st)
	if st.Automatic != "off until "+got.Until || len(st.BuiltIn) != 1 || st.BuiltIn[0].Name != "AutomaticOff" {
		t.Errorf("%q %+v", st.Automatic, st.BuiltIn)
	}
	got = Automatic{}
	if code := ask(t, http.MethodPost, s.URL+"/v1/automatic", `{"on":true,"reason":"done"}`, &got); code != http.StatusOK || !got.On || got.Until != "" || got.By != "alice" || got.Reason != "done" {
		t.Errorf("%d %+v", code, got)
	}
	ask(t, http.MethodGet, s.URL+"/v1/status", "", &st)
	if st.Automatic != "on" {
		t.Errorf("%q", st.Automatic)
	}
}

// TestBuiltInDecisions lists the alerts about closed gates and openings with
// their severity.
func TestBuiltInDecisions(t *testing.T) {
	c := newCellOf(t, twoRules)
	s, as := c.people()
	c.pays("w1", "w1")
	as("local", access.MayOperate)
	var out Pending
	ask(t, http.MethodPost, s.URL+"/v1/gates/g/open", `{"reason":"mine","verdict":"real"}`, &out)
	var got rulesAnswer
	ask(t, http.MethodGet, s.URL+"/api/v1/rules?file[]=built+in", "", &got)
	if d := cmp.Diff([]string{"tomeishi/ApprovalWanted", "tomeishi/GateClosed"}, got.names()); d != "" {
		t.Fatal(d)
	}
	for _, r := range got.Data.Groups[0].Rules {
		a := r.Alerts[0]
		if a.Labels["severity"] != "critical" || a.Labels["gate"] != "g" || a.Incident != "i1" || !strings.Contains(a.Annotations["summary"], "gate g") && !strings.Contains(a.Annotations["summary"], "Gate g") {
			t.Errorf("%+v", a)
		}
	}
	var st Status
	ask(t, http.MethodGet, s.URL+"/v1/status", "", &st)
	if !slices.Contains(st.Standing, AlertCount{"GateClosed", "critical", 1}) {
		t.Errorf("%+v", st.Standing)
	}
}

// TestLargest answers what a person reads who calls several alerts false, where one
// gate is asked for.
func TestLargest(t *testing.T) {
	c := newCellOf(t, twoRules)
	s, as := c.people()
	as("alice", access.MayOperate)
	c.pays("w1", "w1", "w2", "w2")
	var lone, watched Gate
	var list gateList
	ask(t, http.MethodGet, s.URL+"/v1/gates/g", "", &lone)
	ask(t, http.MethodGet, s.URL+"/v1/gates/g?watch=0", "", &watched)
	ask(t, http.MethodGet, s.URL+"/v1/gates", "", &list)
	if lone.Alerts != 2 || len(lone.Largest) != 2 || lone.Largest[0].Total == 0 {
		t.Errorf("%d alerts, largest %+v", lone.Alerts, lone.Largest)
	}
	if watched.Largest != nil || list.Gates[0].Largest != nil {
		t.Errorf("told to those who only watch: %+v, %+v", watched.Largest, list.Gates[0].Largest)
	}
}

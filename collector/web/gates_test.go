package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tomeishi/tomeishi/collector/access"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
)

// btc is the gate that a double payment closes.
const btc = "/gates/withdrawals/btc"

// TestFourTaps walks from the link of a notification to an open gate: the page
// of the incident has the evidence and the buttons, and one form does the rest.
func TestFourTaps(t *testing.T) {
	s := newScreen(t, message.English)
	s.paysTwice("w1")
	page := s.get("/incidents/i1") // the first tap: the link
	says(t, page, http.StatusOK, "withdrawals/btc", "closed", "2 payments for withdrawal w1", "by rule RequestPaidTwice", "event/4 payer@wallet", "Held not known yet")
	var form node
	for _, d := range read(t, page).all("details") { // the second: a button
		if strings.HasPrefix(d.text(), "Open, it was false") {
			form = d.all("form")[0]
		}
	}
	if form.Node == nil {
		t.Fatal("the page has no button to open the gate")
	}
	var fields []string
	for _, in := range form.all("input", "textarea") {
		value := in.attr("value")
		if in.attr("type") == "checkbox" {
			continue // none is ticked
		}
		if in.Data == "textarea" {
			value = in.text()
		}
		fields = append(fields, in.attr("name"), value)
	}
	done := s.send(form.attr("action"), fields...) // the third: it is done
	if done.Code != http.StatusSeeOther || done.Header().Get("Location") != "/incidents/i1" {
		t.Fatalf("%d to %q", done.Code, done.Header().Get("Location"))
	}
	if v, _ := s.GateView("withdrawals/btc"); v.Closed {
		t.Error("the gate is still closed")
	}
	says(t, s.get("/incidents/i1"), http.StatusOK, "gate withdrawals/btc open", "Gate withdrawals/btc opened (false): False alarm", "false", "hanako")
}

// TestOpenAndShadow opens a gate and keeps the rule that closed it from doing so
// again, by one form.
func TestOpenAndShadow(t *testing.T) {
	s := newScreen(t, message.English)
	s.paysTwice("w1")
	v, _ := s.GateView("withdrawals/btc")
	rule := ""
	for _, in := range read(t, s.get(btc)).all("input") {
		if in.attr("name") == "shadow" {
			rule = in.attr("value")
		}
	}
	if !strings.HasSuffix(rule, "/RequestPaidTwice") {
		t.Fatalf("the form offers %q", rule)
	}
	w := s.send(btc, "do", "false", "verdict", "false", "reason", "it counts fees", "shadow", rule,
		"epoch", strconv.FormatUint(v.Epoch, 10), "as_of", strconv.FormatUint(v.AsOf, 10), "alerts", strconv.Itoa(v.Alerts), "next", btc)
	if w.Code != http.StatusSeeOther {
		t.Fatal(w.Code, read(t, w).text())
	}
	s.paysTwice("w2")
	says(t, s.get(btc), http.StatusOK, "withdrawals/btc open", "hanako keeps rule RequestPaidTwice in shadow here for", "It would be closed if everything in shadow were enforced.", "stop-btc · shadow")
	says(t, s.get("/"), http.StatusOK, "hanako keeps rule RequestPaidTwice in shadow at gate withdrawals/btc until")
}

// TestLargestAlerts shows what a person reads who calls several alerts false.
func TestLargestAlerts(t *testing.T) {
	s := newScreen(t, message.English)
	s.paysTwice("w1")
	if text := read(t, s.get(btc)).text(); strings.Contains(text, "The largest of") {
		t.Errorf("of one alert: %s", text)
	}
	s.paysTwice("w2")
	says(t, s.get(btc), http.StatusOK, "The largest of 2 alerts", "2 payments for withdrawal w2")
}

// TestKeepClosed records that it was real, and leaves the gate closed.
func TestKeepClosed(t *testing.T) {
	s := newScreen(t, message.English)
	s.paysTwice("w1")
	done := s.send(btc, "do", "keep", "incident", "i1", "reason", "I called the wallet team", "next", btc)
	if done.Code != http.StatusSeeOther || done.Header().Get("Location") != btc {
		t.Fatalf("%d to %q", done.Code, done.Header().Get("Location"))
	}
	in, _ := s.IncidentView("i1")
	if v, _ := s.GateView("withdrawals/btc"); !v.Closed || in.Verdict != machine.VerdictReal {
		t.Errorf("closed %t, verdict %q", v.Closed, in.Verdict)
	}
	says(t, s.get(btc), http.StatusOK, "hanako said that it is real: it stays closed.", "Verdict: real, I called the wallet team")
}

// TestKeepInPart has two incidents of which one is gone: what was done is not
// said to be undone.
func TestKeepInPart(t *testing.T) {
	s := newScreen(t, message.English)
	s.paysTwice("w1")
	w := s.send(btc, "do", "keep", "incident", "i1", "incident", "i99", "reason", "r", "next", btc)
	says(t, w, http.StatusNotFound, "no incident i99", "Check on this page whether it took effect")
	if in, _ := s.IncidentView("i1"); in.Verdict != machine.VerdictReal || strings.Contains(read(t, w).text(), "Nothing was changed") {
		t.Errorf("verdict %q: %s", in.Verdict, read(t, w).text())
	}
}

// TestRefused comes back with a sentence, what to do, and what was written.
func TestRefused(t *testing.T) {
	open := []string{"do", "false", "verdict", "false", "epoch", "1", "reason", "I typed <b>this</b>"}
	for _, c := range []struct {
		name   string
		before func(*screen)
		fields []string
		status int
		says   []string
	}{
		{"a newer hold", func(s *screen) { s.close("withdrawals/btc") }, open, http.StatusConflict, []string{"came after epoch 1", "read it, then decide again"}},
		{"no right", func(s *screen) { s.asker.May = []string{access.MayView} }, open, http.StatusForbidden, []string{`the right "operate"`, "Ask somebody who may"}},
		{"unknown", fails(entry.ErrUnknown), open, http.StatusServiceUnavailable, []string{"It is not known whether this was stored.", "whether it took effect before you decide again"}},
		{"not stored", fails(entry.ErrNotStored), open, http.StatusServiceUnavailable, []string{"nothing was changed", "Try again."}},
		{"full", fails(entry.ErrFull), open, http.StatusTooManyRequests, []string{"disk is full"}},
		{"not said by whom", fails(errors.New("something else")), open, http.StatusServiceUnavailable, []string{"It is not known whether this was stored."}},
		{"an epoch that never was", nil, []string{"do", "open", "epoch", "9", "reason", "r"}, http.StatusConflict, []string{"look again"}},
		{"no reason", nil, []string{"do", "open", "verdict", "test", "epoch", "2", "reason", ""}, http.StatusBadRequest, []string{"say why it is safe"}},
		{"no verdict", nil, []string{"do", "open", "epoch", "2", "reason", "kept"}, http.StatusBadRequest, []string{"say what it was", "Complete the form"}},
		{"no epoch", nil, []string{"do", "false", "verdict", "false", "reason", "kept"}, http.StatusBadRequest, []string{"The form does not say what it is about."}},
		{"nothing", nil, nil, http.StatusBadRequest, []string{"The form does not say what it is about."}},
		{"no such incident", nil, []string{"do", "keep", "incident", "i99"}, http.StatusNotFound, []string{"no incident i99"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScreen(t, message.English)
			s.paysTwice("w1")
			if c.before != nil {
				c.before(s)
			}
			w := s.send(btc, c.fields...)
			says(t, w, c.status, c.says...)
			if v, _ := s.GateView("withdrawals/btc"); !v.Closed {
				t.Error("the gate was opened")
			}
			if slices.Equal(c.fields, open) && c.status != http.StatusForbidden {
				says(t, w, c.status, "I typed <b>this</b>") // kept, and as text
			}
		})
	}
}

func fails(err error) func(*screen) {
	return func(s *screen) {
		s.decide = func(entry.Decision) (any, error) { return nil, err }
	}
}

func (s *screen) close(gate string) {
	s.t.Helper()
	s.apply(entry.KindDecision, entry.Decision{Do: entry.DoClose, Gate: gate, Actor: "yuki", Reason: "by hand"})
}

// TestCloseByHand closes a gate, and says what is wrong if there is no reason.
func TestCloseByHand(t *testing.T) {
	s := newScreen(t, message.English)
	says(t, s.get(btc), http.StatusOK, "withdrawals/btc open", "Close this gate", "RequestPaidTwice")
	says(t, s.send(btc, "do", "close", "reason", " "), http.StatusBadRequest, "say why the gate is closed")
	if w := s.send(btc, "do", "close", "reason", "the bank calls", "next", btc); w.Code != http.StatusSeeOther {
		t.Fatal(w.Code)
	}
	says(t, s.get(btc), http.StatusOK, "the bank calls", "by hanako")
}

// TestParent leads from a gate that its parent closes to the parent.
func TestParent(t *testing.T) {
	s := newScreen(t, message.English)
	s.close("withdrawals")
	says(t, s.get(btc), http.StatusOK, "closed", "by its parent gate withdrawals", "Go to gate withdrawals, which closes this one")
	for _, d := range read(t, s.get(btc)).all("summary") {
		if strings.HasPrefix(d.text(), "Open") {
			t.Errorf("a gate that its parent closes offers %q", d.text())
		}
	}
}

// TestOneHold opens one hold of several.
func TestOneHold(t *testing.T) {
	s := newScreen(t, message.English)
	s.close("withdrawals/eth")
	s.apply(entry.KindDecision, entry.Decision{Do: entry.DoClose, Gate: "withdrawals/eth", Actor: "yuki", Reason: "one customer", Match: map[string]string{"customer": "c<1>"}})
	says(t, s.get("/gates/withdrawals/eth"), http.StatusOK, "customer=c<1>", "Which hold")
	v, _ := s.GateView("withdrawals/eth")
	if w := s.send("/gates/withdrawals/eth", "do", "open", "epoch", "9", "hold", v.Holds[0].ID, "reason", "r"); w.Code != http.StatusConflict {
		t.Errorf("an epoch that never was: %d", w.Code)
	}
	if w := s.send("/gates/withdrawals/eth", "do", "open", "epoch", "3", "hold", v.Holds[0].ID, "reason", "r"); w.Code != http.StatusSeeOther {
		t.Errorf("%d %s", w.Code, read(t, w).text())
	}
	if v, _ = s.GateView("withdrawals/eth"); v.Closed || len(v.Holds) != 1 {
		t.Errorf("closed %t, holds %v", v.Closed, v.Holds)
	}
	says(t, s.get("/"), http.StatusOK, "holds some payments", "one customer")
}

// TestLooksOnly offers nothing to those who may only look.
func TestLooksOnly(t *testing.T) {
	s := newScreen(t, message.English)
	s.asker.May = []string{access.MayView}
	s.paysTwice("w1")
	s.fires()
	for _, path := range []string{"/", btc, "/incidents/i1"} {
		for _, f := range read(t, s.get(path)).all("form") {
			if f.attr("action") != "/language" && f.attr("action") != "/logout" {
				t.Errorf("%s offers the form %s", path, f.attr("action"))
			}
		}
	}
	says(t, s.get(btc), http.StatusOK, "To decide, sign in with the right to operate.")
}

// TestAlone says beforehand that one person opens the gate, once one may.
func TestAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScreen(t, message.English)
		s.close("deposits")
		says(t, s.get("/gates/deposits"), http.StatusOK, "It opens when 2 different people agree.")
		time.Sleep(11 * time.Minute)
		says(t, s.get("/gates/deposits"), http.StatusOK, "It opens at once, and others are told that one person did it. What you read here will not close it again; what came later may. Open deposits now")
		if w := s.send("/gates/deposits", "do", "false", "verdict", "false", "epoch", "2", "reason", "r", "next", "/"); w.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", w.Code, read(t, w).text())
		}
		if v, _ := s.GateView("deposits"); v.Closed {
			t.Error("it did not open")
		}
	})
}

// TestTwoPeople opens a gate that takes two: the first is told that another is
// needed, and who looks is told who has agreed.
func TestTwoPeople(t *testing.T) {
	s := newScreen(t, message.English)
	s.close("deposits")
	open := []string{"do", "open", "epoch", "2", "verdict", "real", "reason", "the bank has answered", "next", "/gates/deposits"}
	says(t, s.get("/gates/deposits"), http.StatusOK, "To open 2 people", "one person may open it as false in 9 min", "Agree to open deposits")
	for range 2 { // the same person twice is one
		if w := s.send("/gates/deposits", open...); w.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", w.Code, read(t, w).text())
		}
	}
	if v, _ := s.GateView("deposits"); !v.Closed {
		t.Fatal("one person opened a gate that takes two")
	}
	says(t, s.get("/gates/deposits"), http.StatusOK, "hanako agreed at", "the bank has answered", "You have agreed. Another person must agree too.")
	says(t, s.get("/"), http.StatusOK, "hanako wants to open it")
	// The second needs only to approve.
	s.asker = Asker{Name: "ken", May: []string{access.MayView, access.MayApprove}}
	says(t, s.get("/gates/deposits"), http.StatusOK, "Agree to open deposits")
	says(t, s.send("/gates/deposits", "do", "close", "reason", "r"), http.StatusForbidden, `the right "operate"`)
	if w := s.send("/gates/deposits", open...); w.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", w.Code, read(t, w).text())
	}
	if v, _ := s.GateView("deposits"); v.Closed {
		t.Error("two people agreed, and the gate is closed")
	}
	says(t, s.get("/gates/deposits"), http.StatusOK, "Agrees to open gate deposits (real): the bank has answered hanako", "Gate deposits opened, as hanako agreed (real): the bank has answered ken")
}

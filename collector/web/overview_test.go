package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/access"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
	"github.com/tomeishi/tomeishi/collector/record"
)

func (s *screen) getSqueezed(path string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, path, nil)
	r.Header.Set("Accept-Encoding", "br, gzip")
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	return w
}

// beats lets an agent say that it lives, which keeps the Watchdog up.
func (s *screen) beats() {
	s.t.Helper()
	var b report.Builder
	b.Add(&report.Event{ID: "beat", Source: "tomeishi/agent/web-000", Type: report.BeatType, Seen: time.Now().UnixNano(), Data: []byte("{}")})
	own := report.Block{Head: report.Head{Agent: "web-000", Seq: 1, Spool: report.SpoolID{1}}, Batch: b.Batch()}
	if err, ok := s.try(entry.KindBlocks, own.Append(nil)).(error); ok {
		s.t.Fatal(err)
	}
}

// TestCalm says that all is well only with the proof.
func TestCalm(t *testing.T) {
	s := newScreen(t, message.English)
	s.hears(3, time.Now())
	says(t, s.get("/"), http.StatusOK, "Nothing is known to be wrong", "no Watchdog was heard", "3 of 3 hosts heard", "3 rules live since", "automatic effects are on")
	s.beats()
	says(t, s.get("/"), http.StatusOK, "All is well", "age of the last Watchdog: 0 s")
	s.web.o.Views = around{trouble: []string{"the disk is <i>nearly</i> full"}}
	page := s.get("/")
	says(t, page, http.StatusOK, "All gates are open", "the disk is <i>nearly</i> full")
	if strings.Contains(read(t, page).text(), "All is well") {
		t.Error("all is said to be well while something is not")
	}
}

// TestApprove shows an effect that waits, and approves it.
func TestApprove(t *testing.T) {
	s := newScreen(t, message.English)
	s.fires()
	says(t, s.get("/"), http.StatusOK, "Waiting for your approval", "Close gate withdrawals/jpy", "slow at db-1", "by rule Latency")
	says(t, s.get("/gates/withdrawals/jpy"), http.StatusOK, "1 effect here waits for approval.")
	if page := read(t, s.get("/gates/deposits")).text(); strings.Contains(page, "waits for approval") {
		t.Error("an effect waits at another gate")
	}
	s.asker.May = []string{access.MayView, access.MayOperate}
	says(t, s.send("/effects/e1", "next", "/"), http.StatusForbidden, `the right "approve"`)
	s.asker.May = []string{access.MayView, access.MayApprove}
	if w := s.send("/effects/e1", "next", "/"); w.Code != http.StatusSeeOther {
		t.Fatal(w.Code)
	}
	if v, _ := s.GateView("withdrawals/jpy"); !v.Closed {
		t.Error("the gate is not closed")
	}
	says(t, s.send("/effects/e1", "next", "/"), http.StatusConflict, "Not done", "only a planned one")
}

// TestDecline refuses an effect that waits, with a reason.
func TestDecline(t *testing.T) {
	s := newScreen(t, message.English)
	s.fires()
	s.asker.May = []string{access.MayView, access.MayApprove}
	says(t, s.get("/"), http.StatusOK, "Decline")
	says(t, s.send("/effects/e1", "next", "/", "do", "decline", "reason", " "), http.StatusBadRequest, "say why the effect is declined")
	if w := s.send("/effects/e1", "next", "/", "do", "decline", "reason", "known to the bank"); w.Code != http.StatusSeeOther {
		t.Fatal(w.Code)
	}
	if e, _ := s.EffectView("e1"); e.State != machine.Declined || e.Result.Arg("reason") != "known to the bank" {
		t.Errorf("%+v", e)
	}
	if page := read(t, s.get("/")).text(); strings.Contains(page, "Waiting for your approval") {
		t.Error("what was declined still waits")
	}
}

// TestSwitch turns automatic effects off and on, with a reason and for a time.
func TestSwitch(t *testing.T) {
	s := newScreen(t, message.English)
	for _, fields := range [][]string{
		{"on", "false", "for", "", "reason", "kept"},
		{"on", "false", "for", "-1h", "reason", "kept"},
		{"on", "false", "for", "9000h", "reason", "kept"},
	} {
		says(t, s.send("/automatic", fields...), http.StatusBadRequest, "Say how long automatic effects stay off.", "kept")
	}
	s.paysTwice("w1") // while they are on
	if w := s.send("/automatic", "on", "false", "for", "1h", "reason", "we move the wallet"); w.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", w.Code, read(t, w).text())
	}
	if sw := s.AutomaticView(); !sw.Off || sw.Actor != "hanako" || sw.Until == 0 {
		t.Errorf("%+v", sw)
	}
	if text := read(t, s.get("/")).text(); strings.Contains(text, "enforce") {
		t.Error("a gate is said to enforce while automatic effects are off")
	}
	says(t, s.get("/"), http.StatusOK, "No gate closes by itself.", "we move the wallet", "hanako", "on again in 59 min", "Let automatic effects go on")
	if w := s.send("/automatic", "on", "true", "reason", "done"); w.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", w.Code, read(t, w).text())
	}
	if s.AutomaticView().Off {
		t.Error("the switch is still off")
	}
}

// TestSilentHosts names those that are not heard before the rest.
func TestSilentHosts(t *testing.T) {
	s := newScreen(t, message.English)
	s.hears(5, time.Now())
	later := time.Now().Add(40 * time.Second) // silent after 30 s, without events after a minute
	s.hears(3, later)
	s.entry(entry.KindTick, entry.Marshal(struct{}{}), later)
	page := s.get("/")
	says(t, page, http.StatusOK, "3 of 5 hosts heard", "web-003 AgentSilent", "web-004 AgentSilent")
	if text := read(t, page).text(); strings.Index(text, "web-004") > strings.Index(text, "web-000") {
		t.Error("a silent host comes after one that is heard")
	}
}

// TestSeverities puts the gravest first.
func TestSeverities(t *testing.T) {
	s := newScreen(t, message.English)
	s.reports("payout.paid", `{"request":"w1"}`, `{"request":"w2"}`)
	s.fires()
	page := s.get("/")
	says(t, page, http.StatusOK, "critical 1", "warning 2", "info 0", "PaidAtAll 2 alerts", "one payment for w2")
	var rules []string
	for _, e := range read(t, page).all("li") {
		if strings.HasPrefix(e.attr("class"), "group") {
			rules = append(rules, e.all("b")[0].text())
		}
	}
	if got := strings.Join(rules, " "); got != "Latency PaidAtAll" {
		t.Errorf("in the order %s", got)
	}
}

// TestGates lists all gates, those that are closed first.
func TestGates(t *testing.T) {
	s := newScreen(t, message.English)
	s.paysTwice("w1")
	page := s.get("/gates")
	says(t, page, http.StatusOK, "withdrawals/btc closed for 0 s enforce RequestPaidTwice", "withdrawals/eth open shadow")
	if rows := read(t, page).all("tr"); len(rows) != 6 || !strings.HasPrefix(rows[1].text(), "withdrawals/btc") {
		t.Errorf("%d rows, the first is %s", len(rows), rows[1].text())
	}
}

// TestNotWell: the head of each page says that Tomeishi is not well, beside gates
// that are open.
func TestNotWell(t *testing.T) {
	s := newScreen(t, message.English)
	if w := s.get("/rules"); strings.Contains(w.Body.String(), "not well") {
		t.Errorf("all is well: %s", w.Body)
	}
	s.apply(entry.KindCondition, entry.Condition{Name: "DiskLow", Firing: true, About: record.New(record.AboutDiskLow, "10")})
	says(t, s.get("/rules"), http.StatusOK, "Gates open", "not well")
	s.apply(entry.KindCondition, entry.Condition{Name: "DiskLow"})
	if w := s.get("/rules"); strings.Contains(w.Body.String(), "not well") {
		t.Errorf("all is well again: %s", w.Body)
	}
}

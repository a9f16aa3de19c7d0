package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
)

// TestIncident shows what belongs to an incident, who was told of it, and who
// decided what.
func TestIncident(t *testing.T) {
	s := newScreen(t, message.English)
	s.paysTwice("w1")
	in, _ := s.IncidentView("i1")
	s.apply(entry.KindNotifyState, entry.NotifyState{Told: []entry.Notification{
		{At: in.Opened + 1, Receiver: "on-call", Integration: "pagerduty", Firing: 1, Alerts: []string{"a1"}, Incidents: []string{"i1"}},
		{At: in.Opened + 2, Receiver: "other", Integration: "slack", Firing: 1, Incidents: []string{"i7"}},
	}})
	page := s.get("/incidents/i1")
	says(t, page, http.StatusOK, "Incident i1", "not known yet", "RequestPaidTwice", "stop-btc → withdrawals/btc enforce applied · gate closed", "Told on-call (pagerduty) of RequestPaidTwice: 1 firing, 0 resolved")
	if strings.Contains(read(t, page).text(), "slack") {
		t.Error("what was told of another incident is shown")
	}
	says(t, s.send("/incidents/i1", "verdict", "perhaps", "reason", "<kept>"), http.StatusBadRequest, "want real, false or test", "<kept>")
	if w := s.send("/incidents/i1", "verdict", "test", "reason", "a drill"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/incidents/i1" {
		t.Fatalf("%d %s", w.Code, read(t, w).text())
	}
	says(t, s.get("/incidents/i1"), http.StatusOK, "Verdict: test, a drill hanako")
	says(t, s.send("/incidents/i9", "verdict", "test"), http.StatusNotFound, "no incident i9")
	japanese := s.get("/incidents/i1", &http.Cookie{Name: languageCookie, Value: "ja"})
	says(t, japanese, http.StatusOK, "on-call (pagerduty) に RequestPaidTwice を通知: 発報1件、解消0件", "判定: テスト")
}

// TestIncidents lists the open ones, and the rest by pages.
func TestIncidents(t *testing.T) {
	s := newScreen(t, message.English)
	says(t, s.get("/incidents"), http.StatusOK, "No incident is open.")
	for range perPage + 3 {
		s.close("withdrawals/eth")
		v, _ := s.GateView("withdrawals/eth")
		s.apply(entry.KindDecision, entry.Decision{Do: entry.DoOpen, Gate: v.Name, Actor: "yuki", Reason: "r", Verdict: machine.VerdictTest})
	}
	s.paysTwice("w1")
	page := s.get("/incidents")
	says(t, page, http.StatusOK, fmt.Sprintf("ended %d", perPage+3), "i54", "i53", "older ones")
	if strings.Contains(read(t, page).text(), "i3 ") {
		t.Error("the first page lists them all")
	}
	older := s.get(fmt.Sprintf("/incidents?from=%d", perPage))
	says(t, older, http.StatusOK, "i3 ", "the newest")
	for _, from := range []string{"-1", "x", "99999999999999999999", "5000"} {
		says(t, s.get("/incidents?from="+from), http.StatusOK, "i53")
	}
}

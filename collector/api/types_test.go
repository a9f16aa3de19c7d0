package api

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// TestTypes lists types that no rule reads before those that some do.
func TestTypes(t *testing.T) {
	c := newCellOf(t, "groups: [{name: g, rules: [{alert: A, event: payout.sent, by: [data.request], within: 1h, when: count() > 9}]}]\n")
	c.apply(entry.KindBehavior, entry.Behavior{Version: machine.Behavior})
	var b report.Builder
	for i, name := range []string{"payout.sent", "payout.sent", "payout_sent", "invoice"} {
		b.Add(&report.Event{ID: fmt.Sprint(i), Source: "pay", Type: name, Data: []byte(`{"request":"w","payment":"p"}`)})
	}
	c.entry(entry.KindBatch, b.Bytes(), time.Now())
	s := c.server(nil)
	var got eventTypes
	if code := ask(t, http.MethodGet, s.URL+"/v1/events/types", "", &got); code != http.StatusOK || len(got.Types) != 3 || got.Others != 0 {
		t.Fatalf("%d %+v", code, got)
	}
	for i, want := range []EventType{{Type: "invoice", Events: 1}, {Type: "payout_sent", Events: 1, Nearest: "payout.sent"}, {Type: "payout.sent", Events: 2, Rules: 1}} {
		is := got.Types[i]
		if is.Type != want.Type || is.Events != want.Events || is.Nearest != want.Nearest || min(is.Rules, 1) != want.Rules || is.Last == "" || is.Source != "pay" {
			t.Errorf("type %d is %+v, want %+v", i, is, want)
		}
	}
	var st Status
	ask(t, http.MethodGet, s.URL+"/v1/status", "", &st)
	if st.UnreadTypes != 2 || len(st.Unread) != 2 || st.Unread[1].Nearest != "payout.sent" {
		t.Errorf("status has %d types, %+v", st.UnreadTypes, st.Unread)
	}
}

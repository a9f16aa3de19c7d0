package api

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/access"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/rules"
)

// TestCheckGate asks for payments of which not everything is said.
func TestCheckGate(t *testing.T) {
	c := newCellOf(t, "gates: [{name: g, mode: enforce}, {name: g/a}]\n")
	c.apply(entry.KindBehavior, entry.Behavior{Version: machine.Behavior})
	text := "gates: [{name: g, mode: enforce, closed_by: people}, {name: g/a, asks: [request]}]\n"
	c.apply(entry.KindPrepare, entry.Prepare{Set: "t", Files: []rules.File{{Name: "r.yml", Text: []byte(text)}}})
	c.apply(entry.KindLive, entry.Live{Set: "t"})
	c.close(map[string]string{"customer": "mallory"})
	a := c.api(nil)
	s := c.serve(a)
	for _, tt := range []struct {
		path string
		want int
	}{
		{"g/check?customer=alice", http.StatusNoContent},
		{"g/check?customer=mallory", http.StatusLocked},
		{"g/check?request=w1", http.StatusLocked}, // whose it is, is not said
		{"g/check", http.StatusLocked},
		{"g/a/check?customer=alice", http.StatusBadRequest}, // in shadow too
		{"g/a/check?customer=alice&request=w1", http.StatusNoContent},
		{"g/a/check?customer=mallory&request=w1", http.StatusLocked},
		{"g/a/check?request=w1", http.StatusLocked},
	} {
		got := httptest.NewRecorder()
		s.Config.Handler.ServeHTTP(got, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/gates/"+tt.path, nil))
		if got.Code != tt.want {
			t.Errorf("%s: %d %s, want %d", tt.path, got.Code, got.Body, tt.want)
		}
	}
	// Who only reads the gate has asked for no payment.
	var g, below Gate
	ask(t, http.MethodGet, s.URL+"/v1/gates/g", "", &g)
	if g.State != "open" || len(g.Holds) != 1 {
		t.Errorf("%+v", g)
	}
	ask(t, http.MethodGet, s.URL+"/v1/gates/g/a", "", &below)
	if below.State != "open" || len(below.Holds) != 1 || len(below.Asks) != 1 {
		t.Errorf("%+v", below)
	}
}

// TestWatchOfAnotherCell: an epoch of another ledger is no reason to wait.
func TestWatchOfAnotherCell(t *testing.T) {
	c := newCell(t)
	s := c.serve(c.api(nil))
	var list gateList
	began := time.Now()
	ask(t, http.MethodGet, s.URL+"/v1/gates?wait=10m&cell=another&watch="+strconv.FormatUint(c.GateEpoch(), 10), "", &list)
	if took := time.Since(began); list.Cell != "c1" || took > 10*time.Second {
		t.Errorf("%+v after %s", list, took)
	}
}

// TestHoldTellsWhomItStops: whoever holds one customer is told which agents' asks
// name none, before, if they ask, and after.
func TestHoldTellsWhomItStops(t *testing.T) {
	c := newCellOf(t, "gates: [{name: g, mode: enforce, closed_by: people}]\n")
	c.apply(entry.KindBehavior, entry.Behavior{Version: machine.Behavior})
	s, as := c.people()
	as("alice", access.MayOperate)
	var before, after, plain Gate
	ask(t, http.MethodGet, s.URL+"/v1/gates/g?customer=c7&stops=1", "", &before)
	ask(t, http.MethodGet, s.URL+"/v1/gates/g?customer=c7", "", &plain)
	if before.Stops == nil || before.Stops.Names == nil || plain.Stops != nil || before.State != "open" {
		t.Errorf("%+v %+v", before, plain)
	}
	code := ask(t, http.MethodPost, s.URL+"/v1/gates/g/close", `{"reason":"thief","match":{"customer":"c7"}}`, &after)
	if code != http.StatusOK || after.Stops == nil || len(after.Holds) != 1 {
		t.Errorf("%d %+v", code, after)
	}
}

package auth

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestClaims: whoever asks again and again as an agent without its token is
// named; what outsiders send is few and short.
func TestClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &Door{}
		ask := func(agent, from string) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/gates", nil)
			r.RemoteAddr = from
			d.Claimed(r, agent)
		}
		for range 30 {
			ask("h1", "10.0.0.1:1234")
			time.Sleep(time.Second)
		}
		ask("once", "10.0.0.2:1")
		ask("", "10.0.0.2:1")
		if got := d.Claims(); !slices.Equal(got, []Claim{{"h1", "10.0.0.1"}}) {
			t.Errorf("named: %v", got)
		}
		for i := range 1000 {
			ask(fmt.Sprint("guess", i), "10.0.0.3:1")
		}
		long := strings.Repeat("\x1b留", 1000)
		time.Sleep(2 * claimStays)
		if got := d.Claims(); len(got) != 0 {
			t.Errorf("still named: %v", got)
		}
		for range 30 {
			ask(long, "10.0.0.1:1234")
			time.Sleep(time.Second)
		}
		if got := d.Claims(); len(got) != 1 || len(got[0].Agent) > maxClaimed || strings.Contains(got[0].Agent, "\x1b") {
			t.Errorf("named: %q", got)
		}
	})
}

// TestClaimAtTheDoor: an agent whose token is nobody's is named by the id with
// which it asks for the gates; one that is let in is not.
func TestClaimAtTheDoor(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Options{Config: testConfig(), Folder: dir})
		for range 30 {
			h.ask(asking{path: "/v1/gates?agent=web1&watch=3", token: "old", from: "10.0.0.7:1"})
			h.ask(asking{path: "/v1/gates?agent=web1", token: "web1's", from: "10.0.0.8:1"})
			h.ask(asking{path: "/v1/gates?agent=web2", from: "10.0.0.9:1"})
			h.ask(asking{path: "/v1/status", token: "old", from: "10.0.0.10:1"})
			time.Sleep(time.Second)
		}
		if got := h.Claims(); !slices.Equal(got, []Claim{{"web1", "10.0.0.7"}, {"web2", "10.0.0.9"}}) {
			t.Errorf("named: %v", got)
		}
	})
}

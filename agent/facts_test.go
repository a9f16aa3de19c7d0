package agent

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// says waits until the collector has an event of the agent itself.
func (c *collector) says(want string) {
	for {
		c.mu.Lock()
		has := slices.Contains(c.own, want)
		c.mu.Unlock()
		if has {
			return
		}
		<-c.more
	}
}

// TestOwnFacts: a beat at the start, and what a gate refused, reach the
// collector.
func TestOwnFacts(t *testing.T) {
	srv := newCollector(t)
	hold := map[string]any{"id": "h1", "reason": "asked by police", "match": map[string]string{"customer": "c1"}}
	srv.set("cell1", gate("w/btc", "open", 1, hold), gate("w/eth", "closed", 1, map[string]any{"id": "h2", "reason": "r"}))
	r := run(t, configOf(t.TempDir(), srv.URL), true)
	r.until("/-/ready", 200)
	srv.says("tomeishi.beat ")
	check := func(path string, code int, header ...string) {
		t.Helper()
		if a := r.do(nil, "GET", "/v1/gates/"+path, "", header...); a.code != code {
			t.Errorf("%s: %d %s", path, a.code, a.body)
		}
	}
	check("w/btc/check?request=w1&customer=c2", 204)
	check("w/nowhere/check?request=w2", 404)
	check("w/eth?request=w3", 200)
	check("w/eth/check?request=w4", 423, "Sec-Fetch-Site", "none")
	check("w/eth/check?request=w4", 423, "Origin", "http://"+r.Addr())
	check("w/eth/check?request=w5&amount=lots", 400)
	check("w/btc/check?request=w6&customer=c1&asset=BTC&amount=0.5&address=a", 423)
	check("w/btc/check?request=w8", 423)
	check("w/eth/check?request="+url.QueryEscape(`w"7`), 423)
	check("w/eth/check?request=w6", 423)
	check("w/eth/check?request=w6", 423)
	check("w/eth/check", 423)
	srv.says(`tomeishi.refused {"gate":"w/btc","epoch":1,"request":"w6","customer":"c1","address":"a","asset":"BTC","amount":"0.5"}`)
	srv.says(`tomeishi.refused {"gate":"w/btc","epoch":1,"request":"w8","lacks":"customer"}`)
	srv.says(`tomeishi.refused {"gate":"w/eth","epoch":1,"request":"w\"7"}`)
	srv.says(`tomeishi.refused {"gate":"w/eth","epoch":1,"request":"w6"}`)
	srv.says(`tomeishi.refused {"gate":"w/eth","epoch":1,"unnamed":1}`)
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if len(srv.own) != 6 {
		t.Errorf("the agent says\n%s", strings.Join(srv.own, "\n"))
	}
}

// TestWithoutCollectorsNothingIsSaid: nobody would ever read it.
func TestWithoutCollectorsNothingIsSaid(t *testing.T) {
	dir := t.TempDir()
	r := run(t, configOf(dir), false)
	if a := r.do(nil, "GET", "/v1/gates/w/eth/check?request=w1", ""); a.code != 404 {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := r.do(nil, "GET", "/metrics", ""); !strings.Contains(a.body, "tomeishi_agent_spool_events_total 0\n") || strings.Contains(a.body, "tomeishi_agent_refused") {
		t.Errorf("%s", a.body)
	}
}

package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestLimit slows down whoever tries many tokens, and nobody else.
func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Options{Config: testConfig()})
		const here, there = "192.0.2.1:1", "192.0.2.2:1"
		wrong := func(from string) asking { return asking{path: "/v1/gates", token: "x", from: from} }
		code := func(want int, resp *http.Response) {
			t.Helper()
			if resp.StatusCode != want {
				t.Errorf("after %s: %d, want %d", time.Since(begun()), resp.StatusCode, want)
			}
		}
		for range 10 {
			code(401, h.login("x", here))
			time.Sleep(time.Second)
		}
		resp := h.login("ann's", here)
		code(429, resp) // right, and not looked at
		if wait := resp.Header.Get("Retry-After"); wait != "50" || len(resp.Cookies()) != 0 || !strings.Contains(text(t, resp), ProblemTooMany) {
			t.Errorf("wait %s, cookies %v", wait, resp.Cookies())
		}
		code(303, h.login("ann's", there))
		// An agent with an old token beside a person does not lock them out, nor
		// they it.
		code(401, h.ask(wrong(here)))
		time.Sleep(50 * time.Second) // the first failure is a minute ago
		code(401, h.login("x", here))
		code(429, h.login("ann's", here))
		time.Sleep(time.Second)
		code(303, h.login("ann's", here)) // a right one does not count
		code(401, h.login("x", here))

		for range 10 {
			code(401, h.ask(wrong(there)))
		}
		resp = h.ask(wrong(there))
		code(429, resp)
		if resp.Header.Get("Retry-After") != "60" || !json.Valid([]byte(text(t, resp))) {
			t.Errorf("%v", resp.Header)
		}
		code(200, h.ask(asking{path: "/v1/gates", token: "ann's", from: there}))
		code(200, h.ask(asking{path: "/v1/gates", token: "web1's", from: there}))
		code(401, h.ask(asking{path: "/v1/gates", from: there})) // without a token nothing is tried
		// Trying on does not make it longer.
		for range 59 {
			time.Sleep(time.Second)
			code(429, h.ask(wrong(there)))
		}
		time.Sleep(time.Second)
		code(401, h.ask(wrong(there)))
	})
}

// begun is when a bubble of synctest began.
func begun() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

// TestLimitTotal bounds what all try together, and what is remembered of them.
func TestLimitTotal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter()
		at := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
		for i := range maxTotal {
			if wait := l.failed(at(i)); wait != 0 {
				t.Fatalf("address %d waits %s", i, wait)
			}
		}
		for i := range 2 * maxTotal {
			if wait := l.failed(at(maxTotal + i)); wait <= 0 || wait > period {
				t.Fatalf("address %d waits %s", maxTotal+i, wait)
			}
		}
		if len(l.of) > maxTotal || len(l.total) > maxTotal || l.tried != 3*maxTotal {
			t.Errorf("%d addresses, %d failures, %d tried", len(l.of), len(l.total), l.tried)
		}
		time.Sleep(period)
		ok, wait := l.try(at(2*maxTotal), func() bool { return true })
		if !ok || wait != 0 {
			t.Errorf("after a minute: %t, %s", ok, wait)
		}
		l.report(slog.New(slog.DiscardHandler))
		if len(l.of) != 0 {
			t.Errorf("%d addresses are remembered", len(l.of))
		}
	})
}

// TestSender counts the hosts of one IPv6 network as one.
func TestSender(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.1:99": "192.0.2.1", "[::ffff:192.0.2.1]:99": "192.0.2.1", "[2001:db8:1:2:3:4:5:6]:1": "2001:db8:1:2::",
		"[2001:db8:1:2::1]:1": "2001:db8:1:2::", "[2001:db8:1:3::1]:1": "2001:db8:1:3::", "[fe80::1%eth0]:1": "fe80::", "@": "invalid IP",
	} {
		if got := sender(&http.Request{RemoteAddr: remote}).String(); got != want {
			t.Errorf("%s is %s, want %s", remote, got, want)
		}
	}
}

// TestReport writes one line a minute, with who tried and how often, and no
// token.
func TestReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		h := newHouse(t, Options{Config: testConfig(), Log: slog.New(slog.NewTextHandler(&log, nil))})
		log.Reset() // what New says of people
		var wg sync.WaitGroup
		ctx, stop := context.WithCancel(t.Context())
		wg.Go(func() { h.Run(ctx) })
		time.Sleep(50 * time.Millisecond) // a report never comes with a token
		for i := range 1000 {
			h.login(fmt.Sprintf("hunter2-%d", i), "192.0.2.1:1")
			time.Sleep(time.Second / 10) // 100 s in all
		}
		h.login("hunter2", "192.0.2.9:1")
		h.ask(asking{path: "/v1/gates", token: "hunter2", from: "192.0.2.3:1"})
		stop()
		wg.Wait()
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(lines) != 3 || strings.Contains(log.String(), "hunter") {
			t.Fatalf("%d lines:\n%s", len(lines), log.String())
		}
		for i, want := range []string{
			`way=login tried=600 addresses=1 most_from=192.0.2.1 tried_there=600`,
			`way=login tried=401 addresses=2 most_from=192.0.2.1 tried_there=400`,
			`way=authorization tried=1 addresses=1 most_from=192.0.2.3 tried_there=1`,
		} {
			if !strings.Contains(lines[i], want) || !strings.Contains(lines[i], `level=WARN msg="wrong tokens were tried"`) {
				t.Errorf("line %d: %s, want %s", i, lines[i], want)
			}
		}
	})
}

// TestThousandWrong pastes a wrong token a thousand times over real connections.
// It costs little, and others log in meanwhile.
func TestThousandWrong(t *testing.T) {
	h := newHouse(t, Options{Config: testConfig()})
	s := httptest.NewServer(h.mux)
	defer s.Close()
	from := func(host string) *http.Client {
		d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(host)}}
		tr := &http.Transport{DialContext: d.DialContext, MaxIdleConnsPerHost: 8}
		t.Cleanup(tr.CloseIdleConnections)
		return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	paste := func(c *http.Client, token string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/login", strings.NewReader(url.Values{"token": {token}}.Encode()))
		if err != nil {
			t.Error(err)
			return 0
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := c.Do(req)
		if err != nil {
			t.Error(err)
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	attacker, person := from("127.0.0.1"), from("127.0.0.2")
	heap := inUse()
	start := time.Now()
	var mu sync.Mutex
	codes := map[int]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 125 {
				code := paste(attacker, strings.Repeat("wrong", 100))
				mu.Lock()
				codes[code]++
				mu.Unlock()
			}
		})
	}
	if code := paste(person, "ann's"); code != http.StatusSeeOther {
		t.Errorf("meanwhile somebody else logs in: %d", code)
	}
	wg.Wait()
	took := time.Since(start)
	grown := int64(inUse()) - int64(heap)
	t.Logf("1,000 wrong tokens: %s, heap %+d bytes, codes %v", took, grown, codes)
	if codes[http.StatusUnauthorized] != 10 || codes[http.StatusTooManyRequests] != 990 {
		t.Errorf("answered %v, want 10 times 401 and 990 times 429", codes)
	}
	if took > 20*time.Second || grown > 4<<20 || len(h.logins.of) != 1 {
		t.Errorf("it took %s and %d bytes; %d addresses are remembered", took, grown, len(h.logins.of))
	}
	if code := paste(person, "ben's"); code != http.StatusSeeOther {
		t.Errorf("after it somebody else logs in: %d", code)
	}
	if code := paste(attacker, "ann's"); code != http.StatusTooManyRequests {
		t.Errorf("from there a right token is looked at: %d", code)
	}
}

func inUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

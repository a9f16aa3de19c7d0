package gates

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/agent/report"
)

// notOpenFor looks at the gate every 10 ms for d, and returns how long it was not
// open.
func notOpenFor(c *Copy, name string, d time.Duration) (closed time.Duration) {
	const step = 10 * time.Millisecond
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(step) {
		if _, answer, _ := c.Check(name, nil); answer != Open {
			closed += step
		}
	}
	return closed
}

// TestDeadConnection: one connection over which nothing comes any more does not
// close a gate, whatever its lease.
func TestDeadConnection(t *testing.T) {
	for _, lease := range []time.Duration{3 * time.Second, 9 * time.Second, 30 * time.Second, 2 * time.Minute} {
		t.Run(lease.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := newCollector()
				srv.set(gate("w/btc", func(g *Gate) { g.Lease = report.Duration(lease) }))
				c, stop := start(t, t.TempDir(), srv)
				defer stop()
				synctest.Wait()
				for n := range 5 {
					dead := true
					srv.do(func() {
						srv.instead = func(r *http.Request) (*http.Response, error) {
							time.Sleep(30 * time.Millisecond) // the way there
							if dead {
								dead = false
								<-r.Context().Done()
								return nil, r.Context().Err()
							}
							return nil, nil
						}
					})
					if d := notOpenFor(c, "w/btc", 2*lease+time.Duration(n)*time.Second); d > 0 || dead {
						t.Errorf("not open for %v", d)
					}
				}
			})
		})
	}
}

func answer(status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

// TestNotACollector: whatever stands in a collector's place, another that is
// configured is asked in time. Where there is none, the gate is asked for often
// enough to be open again soon.
func TestNotACollector(t *testing.T) {
	answers := []func() *http.Response{
		func() *http.Response { return answer(200, "<html>log in</html>") },
		func() *http.Response { return answer(200, `{"cell": ""}`) },
		func() *http.Response { return answer(302, "", "Location", "http://login") },
		func() *http.Response { return answer(401, `{"error": "who?"}`) },
		func() *http.Response { return answer(403, `{"error": "no"}`) },
		func() *http.Response { return answer(404, "") },
		func() *http.Response { return answer(429, "", "Retry-After", "60") },
		func() *http.Response { return answer(503, "maintenance", "Retry-After", "20") },
	}
	for i, said := range answers {
		for _, urls := range [][]string{{"http://c1"}, {"http://c1", "http://c2"}} {
			t.Run(fmt.Sprint(i, urls), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := newCollector()
					c, stop := start(t, t.TempDir(), srv, urls...)
					defer stop()
					synctest.Wait()
					begin := time.Now()
					srv.do(func() {
						srv.instead = func(r *http.Request) (*http.Response, error) {
							if r.URL.Host == "c1" && time.Since(begin) < 15*time.Second {
								return said(), nil
							}
							return nil, nil
						}
					})
					if d := notOpenFor(c, "w/btc", time.Minute); d > 0 {
						t.Errorf("not open for %v", d)
					}
				})
			})
		}
	}
}

// TestBackAfterAnOutage: when the collector is back, so are the gates.
func TestBackAfterAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newCollector()
		c, stop := start(t, t.TempDir(), srv)
		defer stop()
		synctest.Wait()
		srv.do(func() { srv.down = true })
		time.Sleep(2 * time.Minute)
		wantAnswer(t, c, "w/btc", Closed)
		srv.do(func() { srv.down = false })
		time.Sleep(longestPause)
		synctest.Wait()
		wantAnswer(t, c, "w/btc", Open)
	})
}

// TestRefused: an agent that the collectors do not know says so until they do.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newCollector()
		refuse := true
		srv.instead = func(*http.Request) (*http.Response, error) {
			if refuse {
				return answer(401, `{"error": "this token is nobody's"}`), nil
			}
			return nil, nil
		}
		c, stop := start(t, t.TempDir(), srv)
		defer stop()
		synctest.Wait()
		if why := c.Refused(); !strings.Contains(why, "http://c1") || !strings.Contains(why, "nobody's") {
			t.Errorf("says %q", why)
		}
		srv.do(func() { refuse = false })
		time.Sleep(longestPause)
		synctest.Wait()
		if why := c.Refused(); why != "" {
			t.Errorf("still says %q", why)
		}
	})
}

// TestCloseWhileNothingIsKept: a close is followed soon though the disk keeps
// nothing.
func TestCloseWhileNothingIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "data")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		srv := newCollector()
		c, stop := start(t, dir, srv)
		defer stop()
		synctest.Wait()
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			srv.set(gate("other"))
			time.Sleep(777 * time.Millisecond)
			srv.set(gate("w/btc", closed))
			time.Sleep(unkeptWait)
			synctest.Wait()
			wantAnswer(t, c, "w/btc", Closed)
			srv.set(gate("w/btc"))
		}
	})
}

// TestDoubtfulClose: what a person closes is closed, whichever ledger has it:
// in doubt a gate is as open as the stricter of the two says.
func TestDoubtfulClose(t *testing.T) {
	shadow := func(g *Gate) { g.Mode = report.ModeShadow }
	hold := func(id, customer string) func(*Gate) {
		return func(g *Gate) {
			h := report.Hold{ID: id, By: "person", Reason: "stop"}
			if customer != "" {
				h.Match = map[string]string{"customer": customer}
			} else {
				g.State = report.GateClosed
			}
			g.Holds = append(g.Holds, h)
		}
	}
	doubts := map[string]func(c *collector){
		"another cell": func(c *collector) { c.cell = "cell2" },
		"older ledger": func(c *collector) { c.epoch = 1 },
		"older gate": func(c *collector) {
			g := c.gates["w/btc"]
			g.Epoch = 0
			c.gates["w/btc"] = g
			c.epoch++
		},
	}
	evil := map[string]string{"customer": "evil"}
	for name, doubt := range doubts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir, srv := t.TempDir(), newCollector()
				srv.set(gate("w/btc", shadow))
				c, stop := start(t, dir, srv)
				want := func(what string, m map[string]string, want Answer) {
					t.Helper()
					synctest.Wait()
					if _, got, why := c.Check("w/btc", m); got != want {
						t.Errorf("%s: %d (%s), want %d", what, got, why, want)
					}
				}
				want("before", nil, Open)
				srv.do(func() { doubt(srv) })
				time.Sleep(longestWait)
				want("in doubt", nil, Open)
				if c.Suspect() == "" {
					t.Fatal("no doubt")
				}
				srv.set(gate("w/btc", shadow, hold("h1", "")))
				want("a person closed it", nil, Closed)
				srv.set(gate("w/btc", shadow, hold("h2", "evil")))
				want("a person opened it", map[string]string{"customer": "good"}, Open)
				want("a person holds one customer", evil, Held)
				stop()
				srv.do(func() { srv.down = true })
				c, stop = start(t, dir, srv)
				want("after a restart", evil, Held)
				srv.do(func() { srv.down = false })
				time.Sleep(longestPause)
				srv.set(gate("w/btc"))
				want("it is enforced there", nil, Closed)
				if err := c.Adopt(t.Context(), "uid 0", "it is right"); err != nil {
					t.Fatal(err)
				}
				want("adopted", evil, Open)
				stop()
			})
		})
	}
}

// TestDoubts: the copy says why it answers by itself, and no longer when it does not.
func TestDoubts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, srv := t.TempDir(), newCollector()
		srv.set(gate("kept", func(g *Gate) { g.IfUnreachable = report.UnreachableKeep }))
		srv.set(gate("shadow", func(g *Gate) { g.Mode = report.ModeShadow }))
		c, stop := start(t, dir, srv)
		want := func(what string, want ...report.Doubt) {
			t.Helper()
			synctest.Wait()
			if diff := cmp.Diff(want, c.Doubts()); diff != "" {
				t.Errorf("%s: %s", what, diff)
			}
		}
		want("all is well")
		srv.do(func() { srv.down = true })
		time.Sleep(30 * time.Second)
		want("for a while")
		time.Sleep(30 * time.Second)
		late := []report.Doubt{{Why: report.DoubtKeep, Gates: []string{"kept"}}, {Why: report.DoubtLease, Gates: []string{"w/btc"}}}
		want("for a minute", late...)
		stop()
		c, stop = start(t, dir, srv)
		want("just started")
		time.Sleep(time.Minute)
		want("never heard", late...)
		srv.do(func() { srv.down = false; srv.epoch = 1 })
		time.Sleep(longestPause)
		want("an older ledger", report.Doubt{Why: report.DoubtLedger})
		if err := c.Adopt(t.Context(), "uid 0", "right"); err != nil {
			t.Fatal(err)
		}
		want("adopted")
		srv.do(func() {
			g := srv.gates["w/btc"]
			g.Epoch = 0
			srv.gates["w/btc"] = g
			srv.epoch++
		})
		time.Sleep(longestWait)
		want("an older gate", report.Doubt{Why: report.DoubtLedger, Gates: []string{"w/btc"}})
		stop()
		if err := os.WriteFile(filepath.Join(dir, fileName), []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
		c, stop = start(t, dir, srv)
		defer stop()
		want("damaged", report.Doubt{Why: report.DoubtMemory})
	})
}

// TestAdoptKeepsACloseThatWasHeard: the ledger in doubt closed a gate, and is adopted
// while nobody can be asked: what it said last still holds.
func TestAdoptKeepsACloseThatWasHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, srv := t.TempDir(), newCollector()
		shadow := func(g *Gate) { g.Mode = report.ModeShadow }
		srv.set(gate("w/btc", shadow))
		c, stop := start(t, dir, srv)
		synctest.Wait()
		srv.do(func() { srv.cell = "cell2" })
		time.Sleep(longestWait)
		srv.set(gate("w/btc", shadow, func(g *Gate) {
			g.State = report.GateClosed
			g.Holds = []report.Hold{{ID: "h1", By: "person", Reason: "stop"}}
		}))
		synctest.Wait()
		wantAnswer(t, c, "w/btc", Closed)
		stop()
		if err := AdoptOffline(dir, "uid 0", "the new one is right"); err != nil {
			t.Fatal(err)
		}
		srv.do(func() { srv.down = true })
		c, stop = start(t, dir, srv)
		defer stop()
		wantAnswer(t, c, "w/btc", Closed)
	})
}

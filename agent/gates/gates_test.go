package gates

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/agent/durable"
	"github.com/tomeishi/tomeishi/agent/report"
)

func wantAnswer(t *testing.T, c *Copy, name string, want Answer) {
	t.Helper()
	_, got, why := c.Check(name, nil)
	if got != want || (why == "") != (want == Open) {
		t.Errorf("%s: answer %d (%s), want %d", name, got, why, want)
	}
}

func TestACloseTravelsAtOnceAndIsAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newCollector()
		c, stop := start(t, t.TempDir(), srv)
		defer stop()
		synctest.Wait()
		wantAnswer(t, c, "w/btc", Open)
		begin := time.Now()
		srv.set(gate("w/btc", closed))
		synctest.Wait()
		wantAnswer(t, c, "w/btc", Closed)
		if d := time.Since(begin); d != 0 {
			t.Errorf("told after %v", d)
		}
		srv.do(func() {
			if srv.acked != 2 {
				t.Errorf("epoch %d acknowledged, want 2", srv.acked)
			}
		})
		srv.set(gate("w/btc"))
		synctest.Wait()
		wantAnswer(t, c, "w/btc", Open)
		wantAnswer(t, c, "w/eth", NotFound)
	})
}

func TestLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		srv := newCollector()
		srv.set(gate("kept", func(g *Gate) { g.IfUnreachable = "keep" }))
		srv.set(gate("kept-closed", closed, func(g *Gate) { g.IfUnreachable = "keep" }))
		srv.set(gate("shadow", func(g *Gate) { g.Mode = "shadow" }))
		c, stop := start(t, dir, srv)
		defer stop()
		time.Sleep(time.Hour) // renewed all the time
		synctest.Wait()
		wantAnswer(t, c, "w/btc", Open)
		before := readFile(t, dir)

		srv.do(func() { srv.down = true })
		synctest.Wait()
		var sent time.Time
		time.Sleep(longestWait) // the request under way fails
		srv.do(func() { sent = srv.sent })
		time.Sleep(time.Until(sent.Add(30*time.Second - time.Millisecond)))
		wantAnswer(t, c, "w/btc", Open)
		time.Sleep(time.Millisecond)
		wantAnswer(t, c, "w/btc", Closed)
		wantAnswer(t, c, "kept", Open)
		wantAnswer(t, c, "kept-closed", Closed)
		wantAnswer(t, c, "shadow", Open)
		if g, _ := c.Get("w/btc"); g.Fresh || g.Epoch != 1 || g.Reason == "" {
			t.Errorf("got %+v", g)
		}

		srv.do(func() { srv.down = false })
		time.Sleep(15 * time.Second)
		synctest.Wait()
		wantAnswer(t, c, "w/btc", Open)
		if !bytes.Equal(before, readFile(t, dir)) {
			t.Error("losing and renewing a lease wrote something")
		}
	})
}

func readFile(t *testing.T, dir string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestRestartWithoutCollector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		srv := newCollector()
		srv.set(gate("kept", func(g *Gate) { g.IfUnreachable = "keep" }))
		srv.set(gate("kept-closed", closed, func(g *Gate) { g.IfUnreachable = "keep" }))
		_, stop := start(t, dir, srv)
		synctest.Wait()
		stop()
		srv.do(func() { srv.down = true })
		c, stop := start(t, dir, srv)
		defer stop()
		if c.Heard() {
			t.Error("heard before any answer")
		}
		wantAnswer(t, c, "w/btc", Closed)
		wantAnswer(t, c, "kept", Open)
		wantAnswer(t, c, "kept-closed", Closed)
		wantAnswer(t, c, "never", NotFound)
	})
}

func TestAnotherOrOlderLedger(t *testing.T) {
	tests := []struct {
		name   string
		change func(c *collector)
		other  Answer // of a gate that is not touched itself
	}{
		{"another cell", func(c *collector) { c.cell = "cell2" }, Closed},
		{"lower epoch", func(c *collector) { c.epoch = 2 }, Closed},
		{"lower epoch of one gate", func(c *collector) {
			g := c.gates["w/btc"]
			g.Epoch = 1
			c.gates["w/btc"] = g
			c.epoch++
		}, Open},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				srv := newCollector()
				srv.set(gate("other"))
				srv.set(gate("w/btc", closed))
				srv.set(gate("w/btc"))
				c, stop := start(t, dir, srv)
				synctest.Wait()
				wantAnswer(t, c, "w/btc", Open)

				stop() // as when the ledger is restored while the agent is down
				good := struct {
					cell  string
					epoch uint64
					btc   Gate
				}{srv.cell, srv.epoch, srv.gates["w/btc"]}
				srv.do(func() { tt.change(srv); srv.gates["new"] = gate("new") })
				c, stop = start(t, dir, srv)
				synctest.Wait()
				wantAnswer(t, c, "w/btc", Closed)
				wantAnswer(t, c, "other", tt.other)
				wantAnswer(t, c, "new", tt.other)
				if c.Suspect() == "" {
					t.Error("says nothing")
				}

				// The right ledger coming back decides nothing: a person does.
				srv.do(func() { srv.cell = good.cell; srv.epoch = good.epoch + 5; srv.gates["w/btc"] = good.btc })
				time.Sleep(time.Minute)
				wantAnswer(t, c, "w/btc", Closed)
				stop()
				c, stop = start(t, dir, srv)
				defer stop()
				synctest.Wait()
				wantAnswer(t, c, "w/btc", Closed)

				if err := c.Adopt(t.Context(), "uid 0", "restored on purpose"); err != nil {
					t.Fatal(err)
				}
				wantAnswer(t, c, "w/btc", Open)
				wantAnswer(t, c, "other", Open)
				if err := c.Adopt(t.Context(), "uid 0", "again"); !errors.Is(err, ErrNothingToAdopt) {
					t.Errorf("adopted twice: %v", err)
				}
				stop()
				c, stop = start(t, dir, srv)
				defer stop()
				synctest.Wait()
				wantAnswer(t, c, "w/btc", Open)
			})
		})
	}
}

func TestAdoptOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		srv := newCollector()
		_, stop := start(t, dir, srv)
		synctest.Wait()
		stop()
		srv.do(func() { srv.cell = "cell2" })
		c, stop := start(t, dir, srv)
		synctest.Wait()
		wantAnswer(t, c, "w/btc", Closed)
		stop()
		if err := AdoptOffline(dir, "uid 0", "new ledger"); err != nil {
			t.Fatal(err)
		}
		srv.do(func() { srv.down = true })
		c, stop = start(t, dir, srv)
		wantAnswer(t, c, "w/btc", Closed) // no lease yet
		stop()
		srv.do(func() { srv.down = false })
		c, stop = start(t, dir, srv)
		defer stop()
		synctest.Wait()
		wantAnswer(t, c, "w/btc", Open)
	})
}

func TestDamagedCopyIsClosedUntilAdopted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		srv := newCollector()
		_, stop := start(t, dir, srv)
		synctest.Wait()
		stop()
		raw := readFile(t, dir)
		raw[len(raw)/2] ^= 1
		if err := os.WriteFile(filepath.Join(dir, fileName), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time the damaged file is out of the way
			c, stop := start(t, dir, srv)
			synctest.Wait()
			wantAnswer(t, c, "w/btc", Closed)
			stop()
		}
		c, stop := start(t, dir, srv)
		defer stop()
		synctest.Wait()
		if err := c.Adopt(t.Context(), "uid 0", "looked at it"); err != nil {
			t.Fatal(err)
		}
		wantAnswer(t, c, "w/btc", Open)
	})
}

func TestNewerFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	raw := durable.Frame(fileMagic, 2, []byte("{}"))
	if err := os.WriteFile(filepath.Join(dir, fileName), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := New(dir, Options{Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()})
	if err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("got %v", err)
	}
}

// TestNotAcknowledgedUntilOnDisk: what a restart would forget is not confirmed.
func TestNotAcknowledgedUntilOnDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "data")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		srv := newCollector()
		c, stop := start(t, dir, srv)
		defer stop()
		synctest.Wait()
		if err := os.Rename(dir, dir+".away"); err != nil {
			t.Fatal(err)
		}
		srv.set(gate("w/btc", closed))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		wantAnswer(t, c, "w/btc", Closed)
		srv.do(func() {
			if srv.acked != 1 || srv.asked < 3 {
				t.Errorf("epoch %d acknowledged after %d requests", srv.acked, srv.asked)
			}
		})
		if err := os.Rename(dir+".away", dir); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		srv.do(func() {
			if srv.acked != 2 {
				t.Errorf("epoch %d acknowledged", srv.acked)
			}
		})
	})
}

func TestCheck(t *testing.T) {
	one := gate("g", func(g *Gate) {
		g.Holds = []report.Hold{
			{Reason: "customer", Match: map[string]string{"customer": "c1"}},
			{Reason: "both", Match: map[string]string{"address": "a1", "tag": "t1"}},
		}
	})
	tests := []struct {
		name string
		gate Gate
		ask  map[string]string
		want Answer
	}{
		{"nothing named", one, nil, Held},
		{"only a field that no hold names", one, map[string]string{"request": "r1"}, Held},
		{"another customer", one, map[string]string{"customer": "c2", "request": "c1"}, Held},
		{"another customer and address", one, map[string]string{"customer": "c2", "address": "a2"}, Open},
		{"the customer", one, map[string]string{"customer": "c1", "request": "r1"}, Held},
		{"address without tag", one, map[string]string{"customer": "c2", "address": "a1"}, Held},
		{"tag without address", one, map[string]string{"customer": "c2", "tag": "t1"}, Held},
		{"address and tag", one, map[string]string{"customer": "c2", "address": "a1", "tag": "t1"}, Held},
		{"address and another tag", one, map[string]string{"customer": "c2", "address": "a1", "tag": "t2"}, Open},
		{"another address, no tag", one, map[string]string{"customer": "c2", "address": "a2"}, Open},
		{"closed", gate("g", closed), nil, Closed},
		{"state is not known", gate("g", func(g *Gate) { g.State = "ajar" }), nil, Closed},
		{"open beside a hold", gate("g", closed, func(g *Gate) { g.State = "open" }), nil, Closed},
		{"shadow, a person's hold", gate("g", closed, func(g *Gate) { g.Mode = "shadow" }), nil, Closed},
		{"the address in large letters", gate("g", func(g *Gate) {
			g.Holds = []report.Hold{{Match: map[string]string{"address": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"}}}
		}), map[string]string{"address": "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"}, Held},
		{"a field of a later version", gate("g", func(g *Gate) {
			g.Holds = []report.Hold{{Match: map[string]string{"asset": "BTC"}}}
		}), map[string]string{"request": "r1"}, Held},
	}
	for _, tt := range tests {
		c := &Copy{kept: kept{Gates: map[string]Gate{"g": tt.gate}}, sent: time.Now()}
		if _, got, why := c.Check("g", tt.ask); got != tt.want {
			t.Errorf("%s: %d (%s), want %d", tt.name, got, why, tt.want)
		}
	}
}

// TestLacks: what is held only for what it leaves out says so.
func TestLacks(t *testing.T) {
	one := gate("g", func(g *Gate) {
		g.Holds = []report.Hold{{Match: map[string]string{"customer": "c1", "tag": "t"}}, {Match: map[string]string{"request": "r1"}}}
	})
	for lacks, ask := range map[string]map[string]string{
		"customer": {"request": "r2"},
		"tag":      {"request": "r2", "customer": "c1"},
		"":         {"request": "r1"}, // it is the one that is held
		"request":  {"customer": "c2"},
	} {
		c := &Copy{kept: kept{Gates: map[string]Gate{"g": one}}, sent: time.Now()}
		if g, got, why := c.Check("g", ask); got != Held || g.Lacks != lacks {
			t.Errorf("%v: %d (%s), lacks %q, want %q", ask, got, why, g.Lacks, lacks)
		}
	}
}

// TestCheckBelow: what a parent holds is told once, and holds at its children.
func TestCheckBelow(t *testing.T) {
	parent := gate("g", func(g *Gate) {
		g.Holds = []report.Hold{{Reason: "mallory", Match: map[string]string{"customer": "mallory"}}}
	})
	for _, tt := range []struct {
		name   string
		parent Gate
		ask    map[string]string
		want   Answer
	}{
		{"the customer", parent, map[string]string{"customer": "mallory"}, Held},
		{"nothing named", parent, nil, Held},
		{"another", parent, map[string]string{"customer": "alice"}, Open},
		{"told in few words", gate("g", func(g *Gate) { g.State = report.GateClosed }), map[string]string{"customer": "alice"}, Held},
	} {
		c := &Copy{kept: kept{Gates: map[string]Gate{"g": tt.parent, "g/a/b": gate("g/a/b")}}, sent: time.Now()}
		if _, got, why := c.Check("g/a/b", tt.ask); got != tt.want {
			t.Errorf("%s: %d (%s), want %d", tt.name, got, why, tt.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"cell":"c","epoch":3,"gates":[{"name":"a","state":"open","mode":"enforce","epoch":1,"holds":[{"id":"h1","match":{"request":"1"}}],"lease":"30s","if_unreachable":"close"}]}`))
	f.Add([]byte(`{"cell":"c","gates":[{"name":"a","lease":"-1s"}]}`))
	f.Add(kept{Cell: "c", Gates: map[string]Gate{"a": {Gate: report.Gate{Name: "a"}}}}.encode())
	f.Fuzz(func(t *testing.T, raw []byte) {
		if l, err := decodeList(raw); err == nil {
			var k kept
			k.accept(l)
			back, err := decodeKept(k.encode())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(k.Highest, back.Highest); diff != "" && len(k.Highest) > 0 {
				t.Error(diff)
			}
		}
		_, _ = decodeKept(raw)
	})
}

package gates

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

// TestClosing: one closing is told from the next, also where several of the
// collector's words were missed, and what refuses without its word is named.
func TestClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newCollector()
		c, stop := start(t, t.TempDir(), srv)
		defer stop()
		holds := func(ids ...string) {
			srv.set(gate("w/btc", closed, func(g *Gate) {
				g.Holds = nil
				for _, id := range ids {
					g.Holds = append(g.Holds, report.Hold{ID: id, Reason: "r"})
				}
			}))
			synctest.Wait()
		}
		closing := func() Closing {
			t.Helper()
			synctest.Wait()
			g, answer, _ := c.Check("w/btc", nil)
			if answer != Closed || !g.Refuses() {
				t.Errorf("answer %d, refuses %v", answer, g.Refuses())
			}
			return g.Closing
		}
		synctest.Wait()
		if g, _ := c.Get("w/btc"); g.Refuses() {
			t.Error("an open gate refuses")
		}
		holds("h1")
		first := closing()
		if first.Epoch != 2 || first.Unsure != "" {
			t.Errorf("%+v", first)
		}
		holds("h2", "h1")
		holds("h2")
		if second := closing(); second.ID != first.ID || second.Epoch != 4 {
			t.Errorf("one hold has always stood: %+v, before %+v", second, first)
		}
		// Opened and closed again between two answers.
		srv.do(func() {
			srv.epoch++
			g := srv.gates["w/btc"]
			g.Epoch += 2
			g.Holds = []report.Hold{{ID: "h3"}}
			srv.gates["w/btc"] = g
		})
		third := closing()
		if third.ID == first.ID {
			t.Errorf("it may have been open: %+v, before %+v", third, first)
		}
		// What names no hold cannot be known to go on.
		srv.set(gate("w/btc", closed))
		fourth := closing()
		srv.set(gate("w/btc", closed))
		if fifth := closing(); fourth.ID == third.ID || fifth.ID == fourth.ID {
			t.Errorf("%+v, %+v, %+v", third, fourth, fifth)
		}

		srv.set(gate("w/btc"))
		synctest.Wait()
		srv.do(func() { srv.down = true })
		time.Sleep(time.Minute)
		if got := closing(); got.Unsure != Unreachable {
			t.Errorf("without a lease: %+v", got)
		}
		srv.do(func() { srv.down, srv.cell = false, "cell2" })
		time.Sleep(time.Minute)
		if got := closing(); got.Unsure != InDoubt {
			t.Errorf("behind another ledger: %+v", got)
		}
	})
}

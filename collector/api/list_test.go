package api

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/rules"
)

// cell is a machine that is fed without a ledger.
type cell struct {
	*machine.Machine
	t     testing.TB
	index uint64
}

func (c *cell) apply(kind entry.Kind, v any) {
	c.t.Helper()
	c.entry(kind, entry.Marshal(v), time.Now())
}

// entry applies what has to be taken.
func (c *cell) entry(kind entry.Kind, body []byte, at time.Time) {
	c.t.Helper()
	if err, ok := c.try(kind, body, at).(error); ok {
		c.t.Fatal(err)
	}
}

func (c *cell) try(kind entry.Kind, body []byte, at time.Time) any {
	c.index++
	return c.Apply(entry.Entry{Index: c.index, Time: at.UnixNano(), Kind: kind, Body: body, Hash: [32]byte{byte(c.index)}})
}

func (c *cell) close(match map[string]string) {
	c.t.Helper()
	c.apply(entry.KindDecision, entry.Decision{Do: entry.DoClose, Actor: "me", Gate: "g", Reason: "r", Match: match})
}

func newCell(t testing.TB) *cell { return newCellOf(t, "gates: [{name: g, mode: enforce}]\n") }

// newCellOf has the rules of one file, r.yml.
func newCellOf(t testing.TB, text string) *cell {
	c := &cell{Machine: machine.New(), t: t}
	c.apply(entry.KindGenesis, entry.Genesis{Cell: "c1"})
	files := []rules.File{{Name: "r.yml", Text: []byte(text)}}
	c.apply(entry.KindPrepare, entry.Prepare{Set: "s", Files: files})
	c.apply(entry.KindLive, entry.Live{Set: "s"})
	return c
}

// TestList makes the answer with all gates anew when a gate has changed, and
// once a second.
func TestList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCell(t)
		a := &API{Options: Options{Machine: c.Machine}}
		first := a.list()
		if a.list() != first {
			t.Error("nothing has changed, and the answer was made again")
		}
		c.close(nil)
		closed := a.list()
		if closed == first || !bytes.Contains(closed.text, []byte(`"state":"closed"`)) || closed.epoch != c.GateEpoch() {
			t.Errorf("after the gate was closed: %s", closed.text)
		}
		time.Sleep(listAge)
		if a.list() == closed {
			t.Error("the answer is older than a second")
		}
	})
}

// BenchmarkList answers a poll while 1,000 holds stand.
func BenchmarkList(b *testing.B) {
	c := newCell(b)
	for i := range 1000 {
		c.close(map[string]string{"customer": string(rune('a'+i%26)) + time.Duration(i).String()})
	}
	a := &API{Options: Options{Machine: c.Machine}}
	for b.Loop() {
		a.list()
	}
}

// TestNewsOf looks at one gate only when some gate has changed.
func TestNewsOf(t *testing.T) {
	c := newCell(t)
	a := &API{Options: Options{Machine: c.Machine}}
	v, _ := c.GateView("g")
	news := a.newsOf("g", v.Epoch)
	for range 2 {
		if news() {
			t.Error("news without a change")
		}
	}
	c.close(nil)
	if !news() {
		t.Error("no news though the gate was closed")
	}
	if !a.newsOf("none", 0)() {
		t.Error("a gate that does not exist is waited for")
	}
}

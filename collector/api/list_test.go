package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
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
		a := &API{Options: Options{Machine: c.Machine.Shown(true)}}
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

// listedGates is what a list tells, as an agent reads it.
func listedGates(t testing.TB, a *API) map[string]report.Gate {
	t.Helper()
	var l report.GateList
	if err := json.Unmarshal(a.list().text, &l); err != nil {
		t.Fatal(err)
	}
	out := map[string]report.Gate{}
	for _, g := range l.Gates {
		out[g.Name] = g
	}
	return out
}

// Ten thousand alerts that close a gate with ten gates below it are few words, and
// the close of another is told beside them at once.
func TestStormIsToldInFewWords(t *testing.T) {
	text := `groups:
- name: g
  rules:
  - {alert: Any, event: x, by: [data.k], within: 1h, when: count() >= 1, labels: {severity: critical}, limit: 100000, mitigate: [stop]}
mitigations: [{name: stop, action: gate.close, target: g, mode: enforce}]
gates:
- {name: other, mode: enforce}
- {name: g, mode: enforce}
`
	for i := range 10 {
		text += fmt.Sprintf("- {name: g/%d, mode: enforce}\n", i)
	}
	c := newCellOf(t, text)
	c.apply(entry.KindBehavior, entry.Behavior{Version: machine.Behavior})
	for i := range 100 {
		var b report.Builder
		for n := range 100 {
			b.Add(&report.Event{ID: fmt.Sprint(i, n), Source: "s", Type: "x", Seen: time.Now().UnixNano(), Data: fmt.Appendf(nil, `{"k":"%d-%d"}`, i, n)})
		}
		c.entry(entry.KindBatch, b.Bytes(), time.Now())
	}
	a := &API{Options: Options{Machine: c.Machine.Shown(true), Message: message.New(message.Options{})}}
	if n := len(a.list().text); n > 64<<10 {
		t.Errorf("%d bytes", n)
	}
	gates := listedGates(t, a)
	if g := gates["g"]; g.State != report.GateClosed || g.Alerts != 10_000 || len(g.Holds) != 1 || g.Holds[0].Alerts != 10_000 || g.AsOf == 0 {
		t.Errorf("%+v", g)
	}
	if g := gates["g/7"]; g.State != report.GateClosed || g.Alerts != 0 || len(g.Holds) != 1 {
		t.Errorf("%+v", g)
	}
	began := time.Now()
	c.apply(entry.KindDecision, entry.Decision{Do: entry.DoClose, Actor: "me", Gate: "other", Reason: "r"})
	if gates := listedGates(t, a); gates["other"].State != report.GateClosed {
		t.Error("the close of another gate is not told")
	}
	if took := time.Since(began); took > 100*time.Millisecond {
		t.Errorf("a close was told after %s", took)
	}
}

// An answer that is longer than agents read cannot exist: gates of which too much
// would have to be told are told closed.
func TestListIsBounded(t *testing.T) {
	var text strings.Builder
	text.WriteString("gates:\n")
	const gates = 2000
	name := func(i int) string { return fmt.Sprintf("%0120d/g%04d", i/20, i) }
	for i := range gates {
		fmt.Fprintf(&text, "- {name: %s, mode: enforce}\n", name(i))
	}
	c := newCellOf(t, text.String())
	c.apply(entry.KindBehavior, entry.Behavior{Version: machine.Behavior})
	long := strings.Repeat("<", 1000) // six bytes each in JSON
	for i := range 10 {
		for n := range 250 {
			c.apply(entry.KindDecision, entry.Decision{
				Do: entry.DoClose, Actor: "me", Gate: name(i * 100), Reason: fmt.Sprint(n, long), Match: map[string]string{"customer": fmt.Sprint(n, long)},
			})
		}
	}
	a := &API{Options: Options{Machine: c.Machine.Shown(true), Message: message.New(message.Options{})}}
	if n := len(a.list().text); n < maxListBytes || n > 16<<20 {
		t.Errorf("%d bytes", n)
	}
	told := listedGates(t, a)
	narrow, closed := 0, 0
	for i := range 10 {
		switch g := told[name(i*100)]; {
		case g.State == report.GateClosed && len(g.Holds) == 0:
			closed++
		case g.State == report.GateOpen && len(g.Holds) == 250:
			narrow++
		default:
			t.Errorf("%s with %d holds", g.State, len(g.Holds))
		}
	}
	if narrow == 0 || closed == 0 || len(told) != gates || told[name(gates-1)].State != report.GateOpen {
		t.Errorf("%d told whole, %d closed, %d in all", narrow, closed, len(told))
	}
}

// BenchmarkList answers a poll while 1,000 holds stand.
func BenchmarkList(b *testing.B) {
	c := newCell(b)
	for i := range 1000 {
		c.close(map[string]string{"customer": string(rune('a'+i%26)) + time.Duration(i).String()})
	}
	a := &API{Options: Options{Machine: c.Machine.Shown(true)}}
	for b.Loop() {
		a.list()
	}
}

// TestNewsOf looks at one gate only when some gate has changed.
func TestNewsOf(t *testing.T) {
	c := newCell(t)
	a := &API{Options: Options{Machine: c.Machine.Shown(true)}}
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

package machine

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// ours is what the simulation knows of what agents say themselves, counted anew
// after each entry.
type ours struct {
	beat   int64 // ledger time of the last one
	gates  map[string]*closed
	epochs []uint64 // of the cell, after each entry that changed it

	lapses, counted, stale int
}

// closed is what was refused at a gate since it closed.
type closed struct {
	began    uint64
	requests map[string]int // the amount in hundredths; -1 for none
	unnamed  uint64
}

// says applies one entry of what an agent says itself.
func (s *simulation) says() {
	agent := s.anyAgent()
	var events []report.Event
	for range 1 + s.rnd.IntN(3) {
		if s.rnd.IntN(4) == 0 {
			events = append(events, aBeat)
			s.beat = s.now.UnixNano()
			continue
		}
		events = append(events, s.refusal())
	}
	s.both(entry.KindBlocks, s.own(agent, events...))
	s.heard[agent] = s.now.UnixNano()
	delete(s.silent, agent)
}

// refusal is one by what is known now, or a little late.
func (s *simulation) refusal() report.Event {
	x := report.Refused{Gate: []string{"btc", "eth"}[s.rnd.IntN(2)], Epoch: s.m.GateEpoch()}
	if s.rnd.IntN(3) == 0 && len(s.epochs) > 0 {
		x.Epoch = s.epochs[max(0, len(s.epochs)-1-s.rnd.IntN(8))]
	}
	amount := s.rnd.IntN(1000) - 1
	if amount >= 0 {
		x.Asset, x.Amount = "BTC", fmt.Sprintf("%d.%02d", amount/100, amount%100)
	}
	switch s.rnd.IntN(6) {
	case 0:
		x.Unnamed = uint64(1 + s.rnd.IntN(5))
	case 1:
		x.Why = "unreachable"
		fallthrough
	default:
		x.Request = fmt.Sprint("w", s.rnd.IntN(20))
	}
	c := s.gates[x.Gate]
	switch {
	case c == nil || x.Why != "":
	case x.Epoch < c.began:
		s.stale++
	case x.Request == "":
		c.unnamed += x.Unnamed
	default:
		if _, known := c.requests[x.Request]; !known {
			c.requests[x.Request] = amount
			s.counted++
		}
	}
	return s.said(x)
}

// checkOurs compares what the machine says with what was counted.
func (s *simulation) checkOurs() {
	s.t.Helper()
	epoch := s.m.GateEpoch()
	if len(s.epochs) == 0 || s.epochs[len(s.epochs)-1] != epoch {
		s.epochs = append(s.epochs, epoch)
	}
	for _, name := range []string{"btc", "eth"} {
		v := s.gate(name)
		switch {
		case len(v.Holds) == 0:
			delete(s.gates, name)
		case s.gates[name] == nil:
			s.gates[name] = &closed{began: epoch, requests: map[string]int{}}
		}
		if want := s.gates[name].held(); !reflect.DeepEqual(want, v.Refused) {
			s.t.Fatalf("entry %d: held at %s (-want +got):\n%s", s.index, name, cmp.Diff(want, v.Refused))
		}
	}
	_, _, at := s.m.At()
	stands := len(s.named(watchdog)) == 1
	if want := s.beat != 0 && at.UnixNano()-s.beat < int64(time.Minute); stands != want {
		s.t.Fatalf("entry %d at %d: the watchdog stands: %v, last beat %d", s.index, at.UnixNano(), stands, s.beat)
	}
	if due := s.m.Due(); stands && (due == 0 || due > s.beat+int64(time.Minute)) {
		s.t.Fatalf("entry %d: due %d: the end of the watchdog would not be seen, last beat %d", s.index, due, s.beat)
	}
	if s.beat != 0 && !stands {
		s.lapses++
	}
}

// held is what the machine should say.
func (c *closed) held() *RefusedPayments {
	if c == nil || len(c.requests) == 0 && c.unnamed == 0 {
		return nil
	}
	h := &RefusedPayments{Requests: len(c.requests), Unnamed: c.unnamed}
	sum := 0
	for _, amount := range slices.Sorted(maps.Values(c.requests)) {
		if amount < 0 {
			h.Unpriced++
		}
		sum += max(amount, 0)
	}
	if h.Requests > h.Unpriced {
		text := fmt.Sprint(sum / 100)
		switch cents := sum % 100; {
		case cents%10 != 0:
			text += fmt.Sprintf(".%02d", cents)
		case cents != 0:
			text += fmt.Sprintf(".%d", cents/10)
		}
		h.Sums = []Sum{{"BTC", text}}
	}
	return h
}

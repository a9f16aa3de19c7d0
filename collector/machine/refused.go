package machine

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/rules/decimal"
	"github.com/tomeishi/tomeishi/rules/window"
)

// A Closing is one stretch during which a hold stands on a gate, or on a parent
// of it.
type Closing struct {
	Began    uint64       // epoch of the cell
	Requests []window.Key `json:",omitempty"` // that were refused, as hashes, sorted
}

const (
	maxRefusedData = 16 << 10 // bytes
	maxAsset       = 64       // bytes
	maxSums        = 100      // assets of one gate
)

// beginClosings begins the closings of the gates that a new hold holds back, of
// those on which none stood before.
func (m *Machine) beginClosings(h *Hold) {
	for name := range m.Gates { // the order does not show
		if m.Closings[name] == nil && (name == h.Gate || m.reachesBelow(h) && strings.HasPrefix(name, h.Gate+"/")) {
			m.Closings[name] = &Closing{Began: m.Epoch}
		}
	}
}

// endClosings ends, after holds were taken from a gate, the closings of it and
// of the gates below it on which none is left. What was held is then no longer
// known: it may be paid.
func (m *Machine) endClosings(gate string) {
	for name, g := range m.Gates { // the order does not show
		if (name == gate || strings.HasPrefix(name, gate+"/")) && !m.holdsBack(name, false, nil) {
			delete(m.Closings, name)
			g.Refused = nil
		}
	}
}

// holdsBack tells whether a hold stands on the gate or above it that may be about
// what was asked; below asks only for what also holds back at the gates below.
func (m *Machine) holdsBack(gate string, below bool, ask map[string]string) bool {
	return slices.ContainsFunc(m.Holds, func(h *Hold) bool {
		at := h.Gate == gate && (!below || m.reachesBelow(h)) || m.reachesBelow(h) && strings.HasPrefix(gate, h.Gate+"/")
		return at && (m.Behavior < 3 || h.Names(ask))
	})
}

// reachesBelow tells whether a hold also counts at the gates below its own.
func (m *Machine) reachesBelow(h *Hold) bool { return h.Match == nil || m.Behavior >= 3 }

// refused counts what an agent refused: at the gate that was asked, and at the
// parents that closed it.
func (m *Machine) refused(data []byte) {
	var x report.Refused
	if len(data) > maxRefusedData || json.Unmarshal(data, &x) != nil {
		m.Events.Malformed++
		return
	}
	// Without a hold, or by another ledger's word, nothing says that the closing
	// holds it. What is then refused by the hold is reported again.
	if x.Why != "" || x.Epoch > m.Epoch || m.Gates[x.Gate] == nil {
		return
	}
	if x.Lacks != "" {
		m.unnamed(&x)
	}
	ask := map[string]string{}
	for field, value := range map[string]string{"request": x.Request, "customer": x.Customer, "address": x.Address} {
		if value != "" {
			ask[field] = value
		}
	}
	for name, below := x.Gate, false; ; below = true {
		if g := m.Gates[name]; g != nil && m.holdsBack(name, below, ask) {
			m.keepBack(g, &x)
		}
		i := strings.LastIndexByte(name, '/')
		if i < 0 {
			return
		}
		name = name[:i]
	}
}

// keepBack counts one refusal at one gate, unless it is of an earlier closing.
func (m *Machine) keepBack(g *Gate, x *report.Refused) {
	c := m.Closings[g.Name]
	if c == nil { // a parent was closed before it was defined, or it before closings were kept
		c = &Closing{}
		m.Closings[g.Name] = c
	}
	if x.Epoch < c.Began {
		return
	}
	if g.Refused == nil {
		g.Refused = &RefusedPayments{}
	}
	m.versions.Gates++
	m.versions.Held++
	if x.Request == "" {
		g.Refused.Unnamed += min(max(x.Unnamed, 1), math.MaxUint64-g.Refused.Unnamed)
		return
	}
	key := m.hash([]byte(x.Request))
	i, known := slices.BinarySearchFunc(c.Requests, key, compareKeys)
	switch {
	case known:
		return
	case len(c.Requests) >= report.MaxRefused:
		g.Refused.More = true
		return
	}
	c.Requests = slices.Insert(c.Requests, i, key)
	g.Refused.Requests++
	if !g.Refused.add(x.Asset, x.Amount) {
		g.Refused.Unpriced++
	}
}

// add adds an amount to its asset's sum, and tells whether it could: what is
// left out must be counted, never summed wrongly.
func (h *RefusedPayments) add(asset, amount string) bool {
	d, err := decimal.ParseMoney(amount)
	if err != nil || d.Sign() < 0 || asset == "" || len(asset) > maxAsset || !utf8.ValidString(asset) {
		return false
	}
	i, known := slices.BinarySearchFunc(h.Sums, asset, func(s Sum, asset string) int { return cmp.Compare(s.Asset, asset) })
	if !known {
		if len(h.Sums) >= maxSums {
			return false
		}
		h.Sums = slices.Insert(h.Sums, i, Sum{asset, d.String()})
		return true
	}
	before, err := decimal.ParseMoney(h.Sums[i].Amount)
	if err != nil {
		return false
	}
	sum, ok := before.Add(d)
	text := sum.String()
	if _, err := decimal.ParseMoney(text); !ok || err != nil {
		return false // more digits than money has
	}
	h.Sums[i].Amount = text
	return true
}

// copy is for views.
func (h *RefusedPayments) copy() *RefusedPayments {
	if h == nil {
		return nil
	}
	c := *h
	c.Sums = slices.Clone(h.Sums)
	return &c
}

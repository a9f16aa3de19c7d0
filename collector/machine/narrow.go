package machine

import (
	"strconv"
	"strings"

	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
)

// gateHold holds at a gate what the mitigation's match names, in the entry that proves
// that it must. Where that cannot be named, or would stop others too, a person decides.
type gateHold struct{ gateClose }

// shadowed leaves the gate as it is, and would be.
func (h gateHold) shadowed(e *Effect) record.Note {
	return record.New(record.ResultWouldHold, matchText(e.Match))
}

func (h gateHold) keptBack(a *Alert, does *rules.Mitigation) record.Note {
	switch match, lacks := a.names(does); {
	case match == nil:
		return record.New(record.ResultUnnamed, lacks)
	case a.unproven() && h.m.full(does.Target):
		return record.New(record.ResultUnproven) // one more hold would close the gate
	case h.m.asksLack(does.Target, does.Fields()):
		return record.New(record.ResultUnasked, strings.Join(does.Fields(), ", "))
	}
	return record.Note{}
}

// names is what a mitigation holds for the alert; nil if it names nothing, or if it
// cannot because of the alert's label lacks, which is empty, or cut.
func (a *Alert) names(does *rules.Mitigation) (match map[string]string, lacks string) {
	match, lacks = does.Names(a.Label)
	size := 0
	for _, v := range match { // the order does not show
		size += len(v)
	}
	if size >= maxMatch {
		return nil, does.Labels()[0]
	}
	return match, lacks
}

// wants is the key of the effect that the mitigation plans for the alert.
func (a *Alert) wants(does *rules.Mitigation) effectKey {
	match, _ := a.names(does)
	return effectKey{does.Name, does.Target, matchKey(match)}
}

// matchKey is the same for equal matches only.
func matchKey(match map[string]string) string {
	var b []byte
	for _, k := range sortedKeys(match) {
		b = strconv.AppendQuote(append(b, k...), match[k])
	}
	return string(b)
}

// full tells whether one more hold with match would close the gate for all.
func (m *Machine) full(gate string) bool { return m.narrow(gate) >= maxNarrow }

// took is what came of putting an effect's hold. Where there were too many by name, it
// is for all: so is the effect, and the next alert for which there is no room joins it.
func (m *Machine) took(e *Effect, h *Hold) record.Note {
	if h.Match != nil {
		return record.New(record.ResultHeld, matchText(h.Match))
	}
	if e.Match != nil {
		m.tally(e, -1)
		e.Match = nil
		m.tally(e, 1)
	}
	return record.New(record.ResultClosed)
}

// unproven tells whether it is not known that what the alert is about happened, or that
// it did not.
func (a *Alert) unproven() bool { return a.Label(certainty) == unknown }

package machine

import (
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dchest/siphash"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/record"
)

// Shown is the machine as it is shown to somebody: whole, or with a mask for each
// value that the rule files call private. Everything that goes to people is read
// through it, and nothing else masks; what is inside stays as it is. A mask is the
// same for equal values, on every collector and after every restart, and says nothing
// of the value to who lacks the cell's secret. People's own words are never masked.
type Shown struct {
	*Machine
	hides bool
}

// Shown is the machine for those who may see everything, or for all others.
func (m *Machine) Shown(everything bool) Shown { return Shown{m, !everything} }

// Told is an alert as notifications tell of it, which leave the company: masked,
// whoever looks. Silences are compared with that.
func (s Shown) Told(a Alert) Alert {
	if s.hides {
		return a
	}
	return s.mask().alert(a)
}

// Match is what a hold names.
func (s Shown) Match(match map[string]string) map[string]string { return s.masked().match(match) }

// AsTold is the machine as notifications tell of it.
func (s Shown) AsTold() Shown { return s.Machine.Shown(false) }

// HasPrivate tells whether the live files call anything private.
func (m *Machine) HasPrivate() bool { return m.Shown(false).mask().names != nil }

// A mask hides what is private under some names.
type mask struct {
	names  []string
	secret [2]uint64
}

func (s Shown) mask() mask {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.live == nil {
		return mask{}
	}
	return mask{s.live.private, s.Secret}
}

// value is four bytes of a keyed hash: enough to tell ten thousand values apart.
func (k mask) value(v string) string {
	if v == "" {
		return ""
	}
	sum := siphash.Hash(k.secret[0], k.secret[1], []byte("private\x00"+v))
	var b [8]byte
	for i := range b {
		b[i] = byte(sum >> (8 * i))
	}
	return "•" + hex.EncodeToString(b[:4])
}

var masks = regexp.MustCompile(`^•[0-9a-f]{8}$`)

// isMask tells whether what somebody typed was copied from where it is masked.
func isMask(v string) bool { return masks.MatchString(v) }

func (k mask) has(name string) bool { return slices.Contains(k.names, name) }

// alert masks one of a rule on events: labels of any other are not of events.
func (k mask) alert(a Alert) Alert {
	if k.names == nil {
		return a
	}
	a.About, a.Cause = k.note(a.About), k.note(a.Cause)
	if a.Rendered() {
		return a
	}
	a.Labels = slices.Clone(a.Labels)
	for i, l := range a.Labels {
		if k.has(l.Name) {
			a.Labels[i].Value = k.value(l.Value)
		}
	}
	return a
}

func (k mask) alerts(all []Alert) []Alert {
	for i := range all {
		all[i] = k.alert(all[i])
	}
	return all
}

func (k mask) match(match map[string]string) map[string]string {
	if k.names == nil || match == nil {
		return match
	}
	out := make(map[string]string, len(match))
	for field, v := range match {
		if k.has(field) {
			v = k.value(v)
		}
		out[field] = v
	}
	return out
}

func (k mask) effect(e Effect) Effect {
	e.Match, e.Result = k.match(e.Match), k.note(e.Result)
	return e
}

func (k mask) effects(all []Effect) []Effect {
	for i := range all {
		all[i] = k.effect(all[i])
	}
	return all
}

func (k mask) gate(v GateView) GateView {
	for i, h := range v.Holds {
		v.Holds[i].Match, v.Holds[i].Because = k.match(h.Match), k.note(h.Because)
	}
	return v
}

func (k mask) incident(in Incident) Incident {
	for i := range in.Log {
		in.Log[i].Said = k.note(in.Log[i].Said)
	}
	return in
}

// note masks what a note says of values: what a hold names, and what a fault found.
func (k mask) note(n record.Note) record.Note {
	if k.names == nil || n.IsZero() {
		return n
	}
	n.Args = slices.Clone(n.Args)
	for i, a := range n.Args {
		switch {
		case a.Name == "match":
			n.Args[i].Value = k.matchText(a.Value)
		case a.Name == "value" && k.found(n):
			n.Args[i].Value = k.value(a.Value)
		}
	}
	if n.Because != nil {
		because := k.note(*n.Because)
		n.Because = &because
	}
	return n
}

// found tells whether the value of a fault is one that an event had in a private
// field, or in one that is not named.
func (k mask) found(n record.Note) bool {
	switch n.Kind {
	case record.FaultUnfit:
		return n.Arg("of") == "int()"
	case record.FaultMixed:
		return slices.ContainsFunc(strings.FieldsFunc(n.Arg("field"), func(r rune) bool { return strings.ContainsRune(`.[]"`, r) }), k.has)
	default:
		return false
	}
}

// named is where a field begins in the text of what a hold names.
var named = regexp.MustCompile(`(?:^| )(` + strings.Join(report.Matchable, "|") + `)=`)

// matchText masks what matchText wrote: fields in the order of their names. Where a
// value reads like another field, what follows the first private one is masked as a
// whole.
func (k mask) matchText(text string) string {
	at := named.FindAllStringSubmatchIndex(text, -1)
	field := func(m []int) string { return text[m[2]:m[3]] }
	ordered := slices.IsSortedFunc(at, func(next, before []int) int {
		if field(next) <= field(before) {
			return -1
		}
		return 1
	})
	var b strings.Builder
	for i, m := range at {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		switch {
		case !k.has(field(m)):
			b.WriteString(text[m[0]:end])
		case ordered:
			b.WriteString(text[m[0]:m[1]] + k.value(text[m[1]:end]))
		default:
			return b.String() + text[m[0]:m[1]] + k.value(text[m[1]:])
		}
	}
	return b.String()
}

// The views of the machine that hold something of events, masked where it must be.

func (s Shown) masked() mask {
	if !s.hides {
		return mask{}
	}
	return s.mask()
}

// AlertsView are the alerts that stand, in the order they were raised.
func (s Shown) AlertsView() []Alert { return s.masked().alerts(s.Machine.AlertsView()) }

// AlertView is one alert: standing, kept by its incident, or ended lately.
func (s Shown) AlertView(id string) (Alert, bool) {
	a, ok := s.Machine.AlertView(id)
	return s.masked().alert(a), ok
}

// FormingView are alerts to be, as they would be raised now.
func (s Shown) FormingView() []Alert { return s.masked().alerts(s.Machine.FormingView()) }

// LargestAlerts are alerts because of which a gate is closed.
func (s Shown) LargestAlerts(gate string, most int) []Alert {
	return s.masked().alerts(s.Machine.LargestAlerts(gate, most))
}

// GatesView is every gate in order of names, and the epoch of the cell.
func (s Shown) GatesView() ([]GateView, uint64) {
	gates, epoch := s.Machine.GatesView()
	k := s.masked()
	for i := range gates {
		gates[i] = k.gate(gates[i])
	}
	return gates, epoch
}

// GateView is one gate.
func (s Shown) GateView(name string) (GateView, bool) {
	v, ok := s.Machine.GateView(name)
	return s.masked().gate(v), ok
}

// EffectsView are the effects, oldest first.
func (s Shown) EffectsView() []Effect { return s.masked().effects(s.Machine.EffectsView()) }

// Unverified are the effects that nobody has seen arrive.
func (s Shown) Unverified() []Effect { return s.masked().effects(s.Machine.Unverified()) }

// EffectView is one effect.
func (s Shown) EffectView(id string) (Effect, bool) {
	e, ok := s.Machine.EffectView(id)
	return s.masked().effect(e), ok
}

// IncidentsView are the incidents, newest first.
func (s Shown) IncidentsView() []Incident {
	all := s.Machine.IncidentsView()
	k := s.masked()
	for i := range all {
		all[i] = k.incident(all[i])
	}
	return all
}

// IncidentView is one incident.
func (s Shown) IncidentView(id string) (Incident, bool) {
	in, ok := s.Machine.IncidentView(id)
	return s.masked().incident(in), ok
}

// Around is what belongs to the alert.
func (s Shown) Around(a Alert) Around {
	out, k := s.Machine.Around(a), s.masked()
	out.Effects = k.effects(out.Effects)
	for i := range out.Gates {
		out.Gates[i].GateView = k.gate(out.Gates[i].GateView)
	}
	return out
}

// RulesView are the rules of the live set with what happened to them.
func (s Shown) RulesView() (out []RuleView, set string, since time.Time) {
	out, set, since = s.Machine.RulesView()
	k := s.masked()
	for i := range out {
		out[i].LastError, out[i].Blind = k.note(out[i].LastError), k.note(out[i].Blind)
	}
	return out, set, since
}

// Follow begins a feed.
func (s Shown) Follow() ShownFeed { return ShownFeed{s.Machine.Follow(), s} }

// A ShownFeed is a feed of alerts as they are shown.
type ShownFeed struct {
	*Feed
	shown Shown
}

// Take are the alerts that were raised, joined an incident or ended since the last.
func (f ShownFeed) Take() []Alert {
	k := f.shown.masked() // before: the machine is locked while it is read
	return k.alerts(f.Feed.Take())
}

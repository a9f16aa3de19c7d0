package machine

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/match"
)

// firstReading is the version of the behavior since which it is noted how well
// rules read their events.
const firstReading = 3

const (
	maxSights    = 64      // sources that are told apart at one rule; of one agent's half as many
	maxAllSights = 1 << 14 // at all rules; of one agent's half as many
	sightKept    = 24 * time.Hour
)

// A Reading is how well one rule reads its events, source by source.
type Reading struct {
	Reads  [16]byte // what it reads: an edit of something else changes nothing here
	Sights []*Sight // in the order in which the sources came

	// What follows is no part of the state.
	last  *Sight   // a shortcut
	sides []string // of the rule's sources
}

// A watcher is a sight that learns from the events that its rule rejects.
type watcher struct {
	rule  int
	sight *Sight
}

func (w watcher) compare(o watcher) int {
	return cmp.Or(cmp.Compare(w.rule, o.rule), strings.Compare(w.sight.Side, o.sight.Side))
}

type typeAndSource struct{ event, source string }

// read notes how the rules have read an event that came by an agent's blocks, or else
// by the collector's own intake.
func (m *Machine) read(ev *report.Event, agent string, hits []match.Hit) {
	for i := range hits {
		hit := &hits[i]
		s := m.sight(hit, ev, agent)
		switch {
		case hit.Unread != 0:
			m.unread(hit, s)
		case hit.Missing: // left out by a has()
		case s.read(m.Time):
			m.unblind(hit.Rule, s, record.New(record.Readable))
		}
	}
	if len(m.live.watched) == 0 {
		return
	}
	of := typeAndSource{ev.Type, ev.Source}
	for _, w := range slices.Clone(m.live.watched[of]) {
		switch {
		case !w.sight.watched():
			m.unwatch(of, w)
		case slices.ContainsFunc(hits, func(h match.Hit) bool {
			return h.Rule == w.rule && m.live.readings[w.rule].sides[h.Source] == w.sight.Side
		}):
		case w.sight.passed(m.Time):
			m.unwatch(of, w)
			m.unblind(w.rule, w.sight, record.New(record.Readable))
		}
	}
}

// sight is how well the rule of a hit reads events of this type and source, as that side
// of the rule.
func (m *Machine) sight(hit *match.Hit, ev *report.Event, agent string) *Sight {
	r := m.live.readings[hit.Rule]
	side := r.sides[hit.Source]
	if s := r.last; s != nil && s.Source == ev.Source && s.Event == ev.Type && s.Side == side {
		return s
	}
	of := func(source string) *Sight {
		i := slices.IndexFunc(r.Sights, func(s *Sight) bool { return s.Source == source && s.Event == ev.Type && s.Side == side })
		if i < 0 {
			return nil
		}
		return r.Sights[i]
	}
	if r.last = of(ev.Source); r.last != nil {
		return r.last
	}
	source := ev.Source
	if !m.roomToSee(r, agent) {
		m.forgetSight(r, agent)
	}
	if !m.roomToSee(r, agent) || len(source) > maxLabel || !utf8.ValidString(source) {
		source, agent = "", "" // it would not come back from a snapshot as it went in
		if s := of(source); s != nil {
			return s
		}
	}
	s := &Sight{Source: strings.Clone(source), Agent: strings.Clone(agent), Event: strings.Clone(ev.Type), Side: side}
	r.Sights = append(r.Sights, s)
	m.live.sights[s.Agent]++
	m.live.allSights++
	return s
}

// roomToSee tells whether one more source can be told apart at a rule, whose events
// come by an agent. One agent cannot take all the room: what others send would be judged
// together with what it makes up.
func (m *Machine) roomToSee(r *Reading, agent string) bool {
	return len(r.Sights) < maxSights && m.live.allSights < maxAllSights &&
		m.live.sights[agent] < maxAllSights/2 && r.of(agent) < maxSights/2
}

// of is how many sources are told apart that came by an agent.
func (r *Reading) of(agent string) (n int) {
	for _, s := range r.Sights {
		if s.Agent == agent && s.Source != "" {
			n++
		}
	}
	return n
}

// forgetSight makes room for one more source: the one that has been silent longest
// goes, after a day, unless the rule is blind to it. An agent that has its part takes
// none of others.
func (m *Machine) forgetSight(r *Reading, agent string) {
	old, own := -1, r.of(agent) >= maxSights/2
	for i, s := range r.Sights {
		if !s.Blind && m.Time-s.At >= int64(sightKept) && (!own || s.Agent == agent) && (old < 0 || s.At < r.Sights[old].At) {
			old = i
		}
	}
	if old >= 0 {
		m.dropSight(r, r.Sights[old])
	}
}

func (m *Machine) dropSight(r *Reading, s *Sight) {
	r.Sights = slices.DeleteFunc(r.Sights, func(o *Sight) bool { return o == s })
	r.last = nil
	m.live.sights[s.Agent]--
	m.live.allSights--
	s.Lost = sight{} // nobody watches it any more
}

// unread notes that a rule could not read an event, and raises RuleBlind if it is
// not the only one.
func (m *Machine) unread(hit *match.Hit, s *Sight) {
	if s.Lost == (sight{}) && !s.lately(m.Time, m.live.reach(hit.Rule)) {
		s.Before, s.Mended = min(m.heardBy(hit.Rule, hit.Source), m.Time), 0
	}
	where := hit.Unread == match.UnreadWhere
	blind := s.unread(m.Time, where)
	if s.watched() {
		m.watch(watcher{hit.Rule, s})
	}
	rule := m.live.set.Rules[hit.Rule]
	switch {
	case s.Blind:
		m.again(m.aboutAs(ruleBlind, m.gravity(hit.Rule), blindLabels(rule.Group, rule.Name, s)))
	case blind:
		s.Blind = true
		m.live.timers.set(hit.Rule, m.Time) // what was heard of it is unknown
		a := m.aboutAs(ruleBlind, m.gravity(hit.Rule), blindLabels(rule.Group, rule.Name, s))
		a.About = m.aboutBlind(rule, s, hit)
		m.again(a)
	case len(m.live.closes[hit.Rule]) > 0:
		// It may be the second payment.
		labels := []Label{{Name: "rule", Value: rule.Name}, {Name: "error", Value: "unread"}}
		m.about(ruleErrors, labels).About = m.aboutBlind(rule, s, hit)
		m.builtIn(ruleErrors, labels...)
	}
}

// again counts one more event that counts for nothing.
func (m *Machine) again(a *Alert) {
	a.Total++
	a.Value, a.Updated = decimalOf(a.Total), m.Time
	m.wake(a, m.Time+int64(sightKept))
}

func blindLabels(group, rule string, s *Sight) []Label {
	labels := []Label{{Name: "event", Value: clip(valid(s.Event))}, {Name: "group", Value: group}, {Name: "rule", Value: rule}}
	if s.Side != "" {
		labels = append(labels, Label{Name: "read_as", Value: clip(valid(s.Side))}) // `side` is of silent ones
	}
	if s.Source != "" {
		labels = append(labels, Label{Name: "source", Value: clip(valid(s.Source))})
	}
	return labels
}

// aboutBlind says what the rule cannot read, by the event at hand.
func (m *Machine) aboutBlind(rule *rules.Rule, s *Sight, hit *match.Hit) record.Note {
	said := []string{rule.Name, clip(valid(s.Event)), clip(valid(s.Source)), decimalOf(s.Lost.lost()), decimalOf(s.Seen)}
	if hit.Unread == match.UnreadData {
		return record.New(record.AboutBlindData, said...)
	}
	field, near := "", ""
	if !hit.Lack.IsZero() {
		field, near = clean(hit.Lack.String()), clean(m.live.matcher.Instead(hit.Lack))
	}
	n := record.New(record.AboutBlind, append(said, field, near)...)
	if hit.Fault != nil {
		n = n.After(noted(hit.Fault))
	}
	return n
}

// gravity is how grave it is that the rule may miss something.
func (m *Machine) gravity(rule int) string {
	if len(m.live.closes[rule]) > 0 {
		return "critical"
	}
	return "warning"
}

// unblind ends what was said of a rule and a source.
func (m *Machine) unblind(rule int, s *Sight, cause record.Note) {
	r := m.live.set.Rules[rule]
	m.live.timers.set(rule, m.Time)
	m.endAbout(ruleBlind, cause, blindLabels(r.Group, r.Name, s)...)
}

// watch lets a sight learn from the events that its rule rejects, in the order of
// the rules: it must not show in which order they came.
func (m *Machine) watch(w watcher) {
	of := typeAndSource{w.sight.Event, w.sight.Source}
	list := m.live.watched[of]
	at, known := slices.BinarySearchFunc(list, w, watcher.compare)
	if known {
		list[at] = w
		return
	}
	m.live.watched[of] = slices.Insert(list, at, w)
}

func (m *Machine) unwatch(of typeAndSource, w watcher) {
	list := slices.DeleteFunc(m.live.watched[of], func(o watcher) bool { return o == w })
	if m.live.watched[of] = list; len(list) == 0 {
		delete(m.live.watched, of)
	}
}

// reviewBlind ends what was said of a source from which nothing has come for a day.
func (m *Machine) reviewBlind(a *Alert) {
	of := alertKey{a.RuleID, a.Key}
	if r := m.Readings[a.Label("group")+"/"+a.Label("rule")]; r != nil {
		for _, s := range r.Sights {
			if !s.Blind || m.aboutKey(ruleBlind, blindLabels(a.Label("group"), a.Label("rule"), s)) != of {
				continue
			}
			if a.Due = s.At + int64(sightKept); a.Due > m.Time {
				return
			}
			m.dropSight(r, s)
			break
		}
	}
	if t := m.Types[a.Label("event")]; t != nil && a.Label("source") == "" {
		if a.Due = t.Last + int64(sightKept); a.Due > m.Time {
			return
		}
	}
	m.end(a, record.New(record.SourceSilent))
}

// forgetReadings ends the readings of rules that are gone or that read something
// else in the set that comes.
func (m *Machine) forgetReadings(set *rules.Set) {
	if m.live == nil {
		return
	}
	reads := map[string][16]byte{}
	for _, r := range set.Rules {
		reads[ruleName(r)] = r.Reads()
	}
	for i, old := range m.live.readings {
		rule := m.live.set.Rules[i]
		if now, stays := reads[ruleName(rule)]; stays && now == old.Reads {
			continue
		}
		for _, s := range old.Sights {
			if s.Blind {
				m.unblind(i, s, record.New(record.RuleRemoved))
			}
		}
		delete(m.Readings, ruleName(rule))
	}
}

// readings makes the readings of the live rules ready.
func (m *Machine) readings() {
	c := m.live
	if m.Behavior < firstReading {
		return
	}
	c.readings, c.watched, c.sights, c.allSights = nil, map[typeAndSource][]watcher{}, map[string]int{}, 0
	for i, r := range c.set.Rules {
		reading := m.Readings[ruleName(r)]
		if reading == nil {
			reading = &Reading{Reads: r.Reads()}
			m.Readings[ruleName(r)] = reading
		}
		reading.sides = r.Sides()
		c.readings = append(c.readings, reading)
		c.allSights += len(reading.Sights)
		for _, s := range reading.Sights {
			c.sights[s.Agent]++
			if s.watched() {
				m.watch(watcher{i, s})
			}
		}
	}
	m.typesAnew()
}

// regrade raises anew what is said of rules that can now close a gate, or no
// longer can: for whoever tells people, another severity is another alert.
func (m *Machine) regrade() {
	for i, reading := range m.live.readings {
		for _, s := range reading.Sights {
			labels := blindLabels(m.live.set.Rules[i].Group, m.live.set.Rules[i].Name, s)
			a := m.alertOf[m.aboutKey(ruleBlind, labels)]
			if !s.Blind || a == nil || a.Label("severity") == m.gravity(i) {
				continue
			}
			m.end(a, record.New(record.Regraded))
			anew := m.aboutAs(ruleBlind, m.gravity(i), labels)
			anew.About, anew.Total, anew.Value = a.About, a.Total, a.Value
			m.wake(anew, s.At+int64(sightKept))
		}
	}
}

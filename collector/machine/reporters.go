package machine

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tomeishi/tomeishi/agent/report"
)

const (
	maxReporters    = 1000    // of one type
	maxAllReporters = 1 << 15 // of all types
	maxAppBeats     = 4096    // sources that beat
	maxBeatTypes    = 100     // that one beat of an application names
	reporterKept    = 24 * time.Hour
	reportersSwept  = 10 * time.Minute // how often those are forgotten that report no more
)

// A Reporter is a source of events of one type, and the way by which they come.
type Reporter struct {
	Agent  string `json:",omitempty"` // by whose blocks; empty: by the collector's own intake
	Source string
	Last   int64 // ledger time of the last of them, or of the last beat that names the type

	path *Agent   // nil for the collector's own intake
	beat *AppBeat // nil if the source has none
}

// Reporters are those of one type. Where there is no room for all, nobody knows of how
// many nothing is heard.
type Reporters struct {
	All  []*Reporter
	Over int64 `json:",omitempty"` // ledger time at which there last was no room for one
}

// An AppBeat is the last beat of one source.
type AppBeat struct {
	Time int64 // by its own clock, and never after ledger time
	Last int64 // ledger time at which it came

	types []string // that its source reports
}

// reporting is what is derived of them.
type reporting struct {
	of   map[reporterKey]*Reporter
	last *Reporter // a shortcut, and its type
	name string
}

type reporterKey struct{ agent, source, event string }

// appBeatName names a source and its way. No part can hold the line feed.
func appBeatName(agent, source string) string { return agent + "\n" + source }

// reported notes who has reported an event.
func (m *Machine) reported(agent string, ev *report.Event) {
	if r := m.reporting.last; r != nil && m.reporting.name == ev.Type && r.Source == ev.Source && r.Agent == agent {
		r.Last = m.Time
		return
	}
	if report.IsOwn(ev.Type) {
		return
	}
	if ev.Type == report.AppBeatType {
		m.appBeat(agent, ev)
	}
	if r := m.reporter(agent, ev.Source, ev.Type); r != nil && ev.Type != report.AppBeatType {
		m.reporting.last, m.reporting.name = r, strings.Clone(ev.Type)
	}
}

// reporter notes that a source reports a type; nil if there is no room for it.
func (m *Machine) reporter(agent, source, event string) *Reporter {
	key := reporterKey{agent, source, event}
	r := m.reporting.of[key]
	if r == nil {
		if r = m.newReporter(key); r == nil {
			return nil
		}
	}
	r.Last = m.Time
	return r
}

func (m *Machine) newReporter(key reporterKey) *Reporter {
	if m.live != nil {
		if w := m.live.waiting.of[key.event]; w != nil && !w.counts(key.source) {
			return nil
		}
	}
	if len(m.reporting.of) >= maxAllReporters || !storable(key.source) || !storable(key.event) {
		m.ReportersOver = m.Time
		return nil
	}
	if key.agent != "" {
		m.hear(key.agent)
	}
	all := m.Reporters[key.event]
	if all == nil {
		all = &Reporters{}
		if m.Reporters == nil {
			m.Reporters = map[string]*Reporters{}
		}
		m.Reporters[strings.Clone(key.event)] = all
	}
	if len(all.All) >= maxReporters {
		all.Over = m.Time
		return nil
	}
	r := &Reporter{Agent: strings.Clone(key.agent), Source: strings.Clone(key.source)}
	all.All = append(all.All, r)
	m.linkReporter(strings.Clone(key.event), r)
	m.awaitAnew(key.event)
	return r
}

// storable tells whether a sender's text comes back from a snapshot as it went in, and is
// no longer than what is kept.
func storable(s string) bool { return len(s) <= maxLabel && utf8.ValidString(s) }

// appBeat takes in that an application lives, and what it reports.
func (m *Machine) appBeat(agent string, ev *report.Event) {
	if !storable(ev.Source) {
		return // no reporter of anything has this name
	}
	name := appBeatName(agent, ev.Source)
	b := m.AppBeats[name]
	if b == nil {
		if len(m.AppBeats) >= maxAppBeats {
			m.ReportersOver = m.Time
			return
		}
		if m.AppBeats == nil {
			m.AppBeats = map[string]*AppBeat{}
		}
		b = &AppBeat{}
		m.AppBeats[name] = b
		for key, r := range m.reporting.of { // the order does not show
			if key.agent == agent && key.source == ev.Source {
				r.beats(b, key.event)
			}
		}
	}
	b.Time, b.Last = max(b.Time, min(ev.When(), m.Time)), m.Time
	defer m.moved(b.types)
	var said report.AppBeat
	if len(ev.Data) > report.MaxBeat || json.Unmarshal(ev.Data, &said) != nil {
		return // it lives, and does not say more
	}
	for _, event := range said.Types[:min(len(said.Types), maxBeatTypes)] {
		if event != "" && !report.IsOwn(event) {
			m.reporter(agent, ev.Source, event)
		}
	}
}

// beats notes that a source has beats, by which it is then known how far it was heard.
// Of beats themselves it is not: that they stay away is to be seen.
func (r *Reporter) beats(b *AppBeat, event string) {
	if event != report.AppBeatType {
		r.beat, b.types = b, append(b.types, event)
	}
}

// linkReporters makes what is derived of reporters.
func (m *Machine) linkReporters() {
	m.reporting = reporting{of: map[reporterKey]*Reporter{}}
	for _, a := range m.Agents { // the order does not show
		a.reports = nil
	}
	for _, b := range m.AppBeats { // the order does not show
		b.types = nil
	}
	for _, event := range sortedKeys(m.Reporters) {
		for _, r := range m.Reporters[event].All {
			m.linkReporter(event, r)
		}
	}
}

func (m *Machine) linkReporter(event string, r *Reporter) {
	r.path = m.Agents[r.Agent]
	if b := m.AppBeats[appBeatName(r.Agent, r.Source)]; b != nil {
		r.beats(b, event)
	}
	if r.path != nil && !slices.Contains(r.path.reports, event) {
		r.path.reports = append(r.path.reports, event)
	}
	m.reporting.of[reporterKey{r.Agent, r.Source, event}] = r
}

// sweepReporters forgets who has reported nothing for a day. It looks every ten
// minutes, so that who counts does not hang on when it is asked.
func (m *Machine) sweepReporters() {
	if m.Behavior < 3 || m.Time-m.ReportersAt < int64(reportersSwept) {
		return
	}
	m.ReportersAt = m.Time
	m.dropReporters(func(r *Reporter) bool { return m.Time-r.Last >= int64(reporterKept) })
	for name, b := range m.AppBeats { // the order does not show
		if m.Time-b.Last >= int64(reporterKept) {
			delete(m.AppBeats, name)
		}
	}
	if m.Time-m.ReportersOver >= int64(reporterKept) {
		m.ReportersOver = 0
	}
	m.linkReporters()
	m.askAll()
}

// dropReporters forgets reporters.
func (m *Machine) dropReporters(drop func(*Reporter) bool) {
	for event, all := range m.Reporters { // the order does not show
		all.All = slices.DeleteFunc(all.All, drop)
		if m.Time-all.Over >= int64(reporterKept) {
			all.Over = 0
		}
		if len(all.All) == 0 && all.Over == 0 {
			delete(m.Reporters, event)
		}
	}
}

// dropReportersOf forgets what came by an agent that is forgotten. If no person said
// so, what it reported is not known any more to be complete.
func (m *Machine) dropReportersOf(agent string, said bool) {
	a := m.Agents[agent]
	if a == nil || len(a.reports) == 0 {
		return
	}
	for _, event := range a.reports {
		if !said {
			m.Reporters[event].Over = m.Time
		}
	}
	m.dropReporters(func(r *Reporter) bool { return r.Agent == agent })
	for name := range m.AppBeats { // the order does not show
		if strings.HasPrefix(name, agent+"\n") {
			delete(m.AppBeats, name)
		}
	}
	m.linkReporters()
	m.askAll()
}

// soundReporters tells whether what traveled as JSON has no holes.
func (st *state) soundReporters() bool {
	for _, all := range st.Reporters { // the order does not show
		if all == nil || slices.Contains(all.All, nil) {
			return false
		}
	}
	for _, b := range st.AppBeats { // the order does not show
		if b == nil {
			return false
		}
	}
	return true
}

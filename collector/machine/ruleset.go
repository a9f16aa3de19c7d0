package machine

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/form"
)

// decode reads the body of an entry that travels as JSON.
func decode[T any](e entry.Entry, do func(T) any) any {
	v, err := read[T](e)
	if err != nil {
		return err
	}
	return do(v)
}

func read[T any](e entry.Entry) (v T, err error) {
	if err := json.Unmarshal(e.Body, &v); err != nil {
		return v, fmt.Errorf("entry %d of kind %d: %w", e.Index, e.Kind, err)
	}
	return v, nil
}

// prepare takes a set of rule files that will count later. Its proposer has checked
// it; here it is taken as it is, for what one version accepted must load in every
// later one. What new rules
// would have counted is read back from the tape once the set is live.
func (m *Machine) prepare(p entry.Prepare) any {
	set, problems := rules.Accepted(m.forms, p.Files)
	if problems.Err() != nil && len(set.Rules)+len(set.Metrics)+len(set.Gates) == 0 {
		return invalid("files", record.BadRules, problems.Err().Error())
	}
	m.Pending = &RuleSet{Name: p.Set, Files: p.Files, Since: m.Time}
	m.prepared = prepared{m.Pending, set, problems.Errors()}
	return nil
}

// prepared is a set that waits to be live, read once.
type prepared struct {
	of      *RuleSet
	set     *rules.Set
	leftOut int
}

func (m *Machine) goLive(l entry.Live) any {
	if m.Pending == nil || m.Pending.Name != l.Set {
		return conflict(record.NotPrepared, l.Set)
	}
	ready := m.prepared
	if ready.of != m.Pending { // the state was read from a snapshot since
		set, problems := rules.Accepted(m.forms, m.Pending.Files)
		ready = prepared{m.Pending, set, problems.Errors()}
	}
	set := ready.set
	m.prepared, m.leftOut = prepared{}, ready.leftOut
	var out LiveOutcome
	began := map[string]int64{}
	var fill []int // the rules that began to count while others did
	for i, r := range set.Rules {
		name := ruleName(r)
		if old := m.Live; old != nil && m.states[r.ID] != nil {
			began[name] = old.Began[name]
			out.Kept++
			continue
		}
		began[name] = m.Time
		out.New = append(out.New, r.Name)
		if m.live != nil && m.Behavior >= form.LateCounts {
			fill = append(fill, i)
		}
	}
	m.Live, m.Pending = m.Pending, nil
	m.Live.Since, m.Live.Began = m.Time, began
	if m.Behavior >= firstReading && m.live != nil {
		m.Live.Disarmed = firstOf(rules.Disarmed(m.live.set, set))
	}
	m.forgetReadings(set)
	m.forgetStale(set)
	if m.Behavior >= 3 {
		m.vary(set)
	}
	masked := m.live != nil && !slices.Equal(m.live.private, set.Private())
	m.dropRules(set)
	if m.live != nil {
		m.forgetAliases(m.live.set, set)
	}
	m.compile(set)
	m.reviewForming()
	m.defineGates(set)
	m.endRemoved()
	m.reviewShadows()
	m.tellAllClosed()
	m.lookAnew()
	out.Fill = m.oweAll(fill)
	m.versions.Rules++
	if masked {
		m.anew() // what was told reads otherwise now
	}
	return out
}

// A LiveOutcome says which rules count from now on, and how many go on with
// what they have counted.
type LiveOutcome struct {
	New  []string
	Kept int
	// Fill is the time since when the tape is read for those that are new; 0 if it
	// is not.
	Fill int64
}

func ruleName(r *rules.Rule) string { return r.Group + "/" + r.Name }

// dropRules forgets the states and counts of rules that are gone.
func (m *Machine) dropRules(set *rules.Set) {
	ids, names := map[RuleID]bool{}, map[string]bool{}
	for _, r := range set.Rules {
		ids[r.ID], names[ruleName(r)] = true, true
	}
	metrics := map[string]bool{}
	for _, r := range set.Metrics {
		metrics[hex.EncodeToString(r.ID[:])] = true
	}
	m.dropRecounts(ids)
	maps.DeleteFunc(m.Fired, func(id string, _ int64) bool { return !metrics[id] })
	maps.DeleteFunc(m.states, func(id RuleID, _ form.State) bool { return !ids[id] })
	maps.DeleteFunc(m.Stats, func(name string, _ *RuleStats) bool { return !names[name] })
}

// minHorizon is how long the events of a type are told apart that no rule
// uses, so that a repeated request is still answered as one.
const minHorizon = 10 * time.Minute

// compile makes the set ready to run, on the states that are there.
func (m *Machine) compile(set *rules.Set) {
	c := &compiled{
		set: set, matcher: set.Matcher(m.Behavior), other: m.otherType(), rules: map[RuleID]*rules.Rule{},
		metrics: map[string]*rules.MetricRule{}, uses: map[RuleID][]rules.Use{}, timers: newTimers[int](),
		places: map[string]int{}, closers: map[string][]int{},
		waiting: newWaiting(), aliases: newReplacing(set), private: set.Private(),
	}
	for i, r := range set.Rules {
		c.places[hex.EncodeToString(r.ID[:])] = i
		closes := set.Guarded(r.Mitigate)
		c.closes = append(c.closes, closes)
		for _, gate := range closes {
			c.closers[gate] = append(c.closers[gate], i)
		}
	}
	c.types = m.types(c)
	c.closing = c.closingTypes()
	for _, r := range set.Metrics {
		c.metrics[hex.EncodeToString(r.ID[:])], c.uses[r.ID] = r, r.Mitigate
	}
	for _, r := range set.Rules {
		c.rules[r.ID], c.uses[r.ID] = r, r.Mitigate
		state := m.states[r.ID]
		if state == nil {
			state = r.Body.State()
			m.states[r.ID] = state
		}
		if a, ok := state.(form.Aliased); ok {
			a.Alias(&m.Aliases)
		}
		c.waiting.addWaits(r.Body)
		stats := m.Stats[ruleName(r)]
		if stats == nil {
			stats = &RuleStats{}
			m.Stats[ruleName(r)] = stats
		}
		c.states, c.stats = append(c.states, state), append(c.stats, stats)
	}
	m.live = c
	for _, t := range set.Events {
		if w := c.waiting.of[t.Name]; w != nil {
			w.declared = t.Sources
		}
	}
	m.placeForming(c)
	for i := range c.states {
		m.await(i)
	}
	m.readings()
}

// lookAnew judges by another rule set, or by a later version, what is known of
// rules, types and gates.
func (m *Machine) lookAnew() {
	if m.Behavior < firstReading {
		return
	}
	m.regrade()
	m.regradeStale()
	m.regradeLate()
	m.reconsider()
	m.guard()
}

// maxDisarmed bounds what is kept of a reload.
const maxDisarmed = 100

func firstOf(all []rules.Guard) []rules.Guard { return all[:min(len(all), maxDisarmed)] }

// seconds rounds up.
func seconds(d time.Duration) uint32 {
	return uint32((d + time.Second - 1) / time.Second)
}

// endRemoved ends the alerts of rules that are gone or mean something else.
func (m *Machine) endRemoved() {
	for _, a := range m.Alerts {
		if _, known := m.live.uses[a.RuleID]; a.Ended == 0 && !a.builtIn() && !known {
			m.end(a, record.New(record.RuleRemoved))
		}
	}
}

// ruleOf is the event rule of an alert, nil if it is of none.
func (m *Machine) ruleOf(a *Alert) *rules.Rule {
	if m.live == nil {
		return nil
	}
	return m.live.rules[a.RuleID]
}

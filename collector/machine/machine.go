// Package machine is the deterministic state of the collector: what is known
// of agents and events, which alerts stand, which gates are closed and why.
//
// It promises that the same entries give the same state, byte for byte, on
// every collector and in every replay. Nothing in it reads a clock, draws
// lots, waits, or touches the world; ledger time comes with the entries. It
// plans effects and never carries them out, except closing a gate, which is
// its own.
package machine

import (
	"fmt"
	"sync"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine/dedup"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// RuleID names the part of a rule that decides which state it keeps.
type RuleID = [16]byte

// A Machine applies entries and answers questions. Apply is for one goroutine;
// everything else may be called from many.
type Machine struct {
	mu sync.RWMutex // guards what follows, and what is reached from it; taken before a feed's
	state

	// Derived from the state, and not part of it.
	live *compiled
	derived
	reporting reporting
	forming   forming
	changed   chan struct{} // closed when any gate changes

	feeds    []*Feed
	touched  []*Alert // by this entry
	versions Versions
	news     chan struct{} // closed when the versions change

	forms []form.Form // of the rules that it takes

	digester *dedup.Digester
	prepared prepared

	aliased bool // payments became one in this entry

	// Room for the event that is being counted, and for what a rule says.
	event form.Event
	say   form.Say
}

type alertKey struct {
	rule RuleID
	key  window.Key
}

// New makes the machine of a cell that has not begun.
func New() *Machine {
	m := &Machine{changed: make(chan struct{}), news: make(chan struct{}), forms: rules.Forms()}
	m.state = state{
		Behavior: firstBehavior,
		Stats:    map[string]*RuleStats{},
		Spools:   map[string]*Spool{},
		Agents:   map[string]*Agent{},
		Fired:    map[string]int64{},
		Gates:    map[string]*Gate{},
		Closings: map[string]*Closing{},
		Kept:     map[string]*entry.NotifyRecord{},
		seen:     dedup.New(dedup.Bound),
		states:   map[RuleID]form.State{},
		Readings: map[string]*Reading{},
		Types:    map[string]*TypeSeen{},
	}
	m.digester = dedup.NewDigester(m.Secret)
	m.linkReporters()
	m.linkForming()
	m.reindex()
	return m
}

// Apply applies one entry and returns its outcome: a BlocksOutcome, a
// BatchOutcome, a SamplesOutcome, a LevelsOutcome, a LiveOutcome, a RecountOutcome, a ShedOutcome, Pending, a
// *Refusal, another error, or nil.
func (m *Machine) Apply(e entry.Entry) any {
	m.mu.Lock()
	defer m.mu.Unlock()
	epoch, versions := m.Epoch, m.versions
	m.stepped(e.Time)
	m.Index, m.Time, m.Chain = e.Index, max(m.Time, e.Time), e.Hash
	m.elapse()
	m.sweepReporters()
	out := m.apply(e)
	m.reviewAliased()
	m.settleWaits()
	if due := m.due(); due != 0 && due <= m.Time {
		m.expire()
	} else if m.live != nil && len(m.live.waiting.moved) > 0 {
		m.expireForms()
	}
	m.endNotHeld()
	m.evict()
	m.publish()
	if m.Epoch != epoch || e.Kind == entry.KindDecision {
		m.versions.Gates++
	}
	m.announce(versions)
	if m.Epoch != epoch {
		close(m.changed)
		m.changed = make(chan struct{})
	}
	return out
}

func (m *Machine) apply(e entry.Entry) any {
	switch e.Kind {
	case entry.KindGenesis:
		return decode(e, m.genesis)
	case entry.KindBlocks:
		return m.blocks(e.Body)
	case entry.KindBatch:
		return m.batch(e.Body)
	case entry.KindTick:
		return nil
	case entry.KindPrepare:
		return decode(e, m.prepare)
	case entry.KindLive:
		return decode(e, m.goLive)
	case entry.KindDecision:
		return decode(e, m.decide)
	case entry.KindResult:
		return decode(e, m.result)
	case entry.KindRestored:
		return decode(e, m.restored)
	case entry.KindSamples:
		return m.samples(e.Body)
	case entry.KindWrite:
		m.Signals.Writes++
		return nil
	case entry.KindLevels:
		l, err := readLevels(e.Body)
		if err != nil {
			return fmt.Errorf("entry %d of kind %d: %w", e.Index, e.Kind, err)
		}
		return m.levels(l)
	case entry.KindCondition:
		return decode(e, m.condition)
	case entry.KindLead:
		return decode(e, m.lead)
	case entry.KindNotifyState:
		return decode(e, m.notes)
	case entry.KindBehavior:
		return decode(e, m.raiseBehavior)
	case entry.KindRecount:
		return decode(e, m.recount)
	case entry.KindShed:
		return decode(e, m.shed)
	}
	return entry.Known(e.Kind)
}

func (m *Machine) genesis(g entry.Genesis) any {
	if m.Cell != "" {
		return fmt.Errorf("this ledger is cell %s already", m.Cell)
	}
	m.Cell, m.Secret, m.Behavior = g.Cell, g.Secret, max(g.Behavior, firstBehavior)
	m.digester = dedup.NewDigester(m.Secret)
	if m.Behavior >= 3 {
		m.seen.KeepFacts()
	}
	return nil
}

// Changed is closed when any gate changes after this call.
func (m *Machine) Changed() <-chan struct{} {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.changed
}

// Due is the ledger time at which a tick is wanted, in Unix nanoseconds; 0 for
// none. It may be earlier than anything happens, never later.
func (m *Machine) Due() int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.due()
}

// GateEpoch counts every change of any gate.
func (m *Machine) GateEpoch() uint64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.Epoch
}

// compiled is the live rule set, ready to run.
type compiled struct {
	set     *rules.Set
	matcher *match.Matcher
	states  []form.State       // by rule
	stats   []*RuleStats       // by rule
	timers  *timers[int]       // when a rule may become true by time alone
	waiting waiting            // for what may make it true
	aliases *replacing         // nil if no rule tells payments apart
	types   map[string]*typeOf // that rules or the files name
	other   *typeOf            // every other
	rules   map[RuleID]*rules.Rule
	metrics map[string]*rules.MetricRule // by id in hex
	uses    map[RuleID][]rules.Use       // of both kinds of rules
	places  map[string]int               // of rules on events, by id in hex
	closes  [][]string                   // by rule: gates that it closes by itself
	closers map[string][]int             // by gate: those rules
	closing []closingType                // types that they read
	private []string                     // names under which the set shows what is private

	readings  []*Reading                  // by rule
	sights    map[string]int              // of all readings, by agent
	allSights int                         // their sum
	watched   map[typeAndSource][]watcher // sights that learn from rejected events

	// Shortcuts.
	lastType *TypeSeen
	lastName string
	noRoom   map[string]bool // types for which there was none
}

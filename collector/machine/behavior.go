package machine

import (
	"fmt"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules"
)

// The versions of the machine's behavior: by which of them an entry is judged is
// part of the state, and an entry raises it. To a version belongs everything in
// Apply whose answer could be another one after an upgrade: conditions and their
// errors, patterns, how JSON is read, every bound, how accepted rule files are
// parsed. A change of any of it needs a new version here, a place in the code
// that asks for it, and a golden tape of its own in testdata.
//
// 1: ledgers from before behavior had versions.
// 2: an effect that a person approves or declines belongs to an incident; after a
// restore a gate that was not defined then begins closed, like one that was not
// known.
// 3: an event is a repeat only if it is equal, none is too old to count, one hold
// collects the alerts of a storm, an opening accepts what was read. In the making:
// its tape may be written anew until a release has it.
const (
	firstBehavior = 1
	// Behavior is the newest version that this program knows.
	Behavior = 3
)

// CanApply tells why this program cannot apply an entry: that must stop the
// ledger before the machine sees it.
func CanApply(e entry.Entry) error {
	if err := entry.Known(e.Kind); err != nil || e.Kind != entry.KindBehavior && e.Kind != entry.KindGenesis {
		return err
	}
	version, err := versionIn(e)
	if err == nil && version > Behavior {
		return fmt.Errorf("behavior version %d, and this program knows up to %d: upgrade it first", version, Behavior)
	}
	return nil // one that cannot be read changes nothing
}

func versionIn(e entry.Entry) (uint32, error) {
	if e.Kind == entry.KindGenesis {
		g, err := read[entry.Genesis](e)
		return g.Behavior, err
	}
	b, err := read[entry.Behavior](e)
	return b.Version, err
}

// raiseBehavior makes a later version count, if the live rule set loads under it.
func (m *Machine) raiseBehavior(b entry.Behavior) any {
	if b.Version <= m.Behavior {
		return conflict(record.VersionPassed, decimalOf(uint64(b.Version)), decimalOf(uint64(m.Behavior)))
	}
	if m.Live != nil {
		if _, problems := rules.ParseForms(m.forms, m.Live.Files); problems.Err() != nil {
			return conflict(record.RulesNeedVersion, decimalOf(uint64(b.Version)))
		}
	}
	third := m.Behavior < 3 && b.Version >= 3
	if m.Behavior = b.Version; third {
		m.beginThird()
	}
	if m.live != nil {
		m.live.matcher = m.live.set.Matcher(m.Behavior)
		m.readings()
		m.lookAnew()
	}
	return nil
}

// beginThird makes what was noted by earlier versions fit for version 3.
func (m *Machine) beginThird() {
	m.seen.KeepFacts()
	for _, a := range m.Alerts {
		if a.builtIn() && a.Ended == 0 {
			a.mark()
			m.touch(a)
		}
	}
	for _, a := range m.Agents { // the order does not show
		a.Known = m.Time
	}
	if m.live != nil { // addresses have one spelling now: what was counted stands under other keys
		m.oweAll(upTo(len(m.live.set.Rules)))
	}
}

// upTo are the places 0 to n-1.
func upTo(n int) (places []int) {
	for i := range n {
		places = append(places, i)
	}
	return places
}

// BehaviorView is the version by which entries are judged.
func (m *Machine) BehaviorView() uint32 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.Behavior
}

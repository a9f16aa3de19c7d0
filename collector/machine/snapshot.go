package machine

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine/dedup"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/form"
)

// A snapshot, byte by byte: magic, version, then the state as JSON behind its
// length, the table of applied events (with what they said since version 3 of the
// behavior), and for each rule its id and, behind its
// length, its form's state.
const (
	snapshotMagic = "TMSN"
	// 1 knew neither agents nor metric alerts, 2 neither approvals nor the switch
	// nor notifications, 3 wrote prose.
	snapshotVersion = 4
)

var errSnapshot = errors.New("snapshot: malformed")

// A Snapshot is the whole state in bytes, and where it stands.
type Snapshot struct {
	Bytes []byte
	Index uint64
	Hash  [32]byte // of the last entry
	Time  int64    // ledger time, Unix nanoseconds
}

// Snapshot encodes the whole state. Equal states give equal bytes.
func (m *Machine) Snapshot() Snapshot {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return Snapshot{m.encode(), m.Index, m.Chain, m.Time}
}

func (m *Machine) encode() []byte {
	text := entry.Marshal(&m.state)
	room := len(text) + m.bytes() + (len(m.states)+1)*8192
	b := append(make([]byte, 0, room), snapshotMagic...)
	b = append(b, snapshotVersion)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(text)))
	b = append(b, text...)
	b = m.seen.Append(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(m.states)))
	ids := slices.SortedFunc(maps.Keys(m.states), func(x, y RuleID) int { return bytes.Compare(x[:], y[:]) })
	for _, id := range ids {
		b = append(b, id[:]...)
		at := len(b)
		b = m.states[id].Append(append(b, make([]byte, 8)...))
		binary.LittleEndian.PutUint64(b[at:], uint64(len(b)-at-8))
	}
	return b
}

func (m *Machine) bytes() int {
	n := m.seen.Bytes()
	for _, t := range m.states {
		n += t.Bytes()
	}
	return n
}

// Hash is the SHA-256 of the whole state: equal on every collector that has
// applied the same entries.
func (m *Machine) Hash() [32]byte { return sha256.Sum256(m.Snapshot().Bytes) }

// Restore replaces the state by what Snapshot encoded.
func (m *Machine) Restore(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	st, live, err := m.load(b)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state, m.live, m.digester = *st, nil, dedup.NewDigester(st.Secret)
	m.linkReporters()
	m.linkForming()
	if live != nil {
		m.compile(live)
	}
	m.reindex()
	m.anew()
	before := m.versions
	m.versions.all()
	m.announce(before)
	close(m.changed)
	m.changed = make(chan struct{})
	return nil
}

func (m *Machine) load(b []byte) (*state, *rules.Set, error) {
	if len(b) < 13 || !bytes.HasPrefix(b, []byte(snapshotMagic)) {
		return nil, nil, errSnapshot
	}
	version := b[4]
	if version < 1 || version > snapshotVersion {
		return nil, nil, fmt.Errorf("snapshot: format version %d; this program reads versions 1 to %d: upgrade it first", version, snapshotVersion)
	}
	n := binary.LittleEndian.Uint64(b[5:])
	if b = b[13:]; n > uint64(len(b)) {
		return nil, nil, errSnapshot
	}
	st := New().state
	if err := json.Unmarshal(b[:n], &st); err != nil {
		return nil, nil, fmt.Errorf("snapshot: %w", err)
	}
	if !whole(st.Gates) || !whole(st.Closings) || !whole(st.Spools) || !whole(st.Stats) || !whole(st.Agents) || !whole(st.Kept) || !soundRecounts(st.Recounts) || !whole(st.Readings) || !whole(st.Types) || st.Fired == nil || slices.Contains(st.Gone, nil) ||
		slices.Contains(st.Holds, nil) || slices.Contains(st.Alerts, nil) ||
		slices.Contains(st.Effects, nil) || slices.Contains(st.Incidents, nil) || st.readingsTorn() || !st.soundReporters() || !soundForming(st.Forming) {
		return nil, nil, errSnapshot
	}
	if err := st.bringUp(version, b[:n]); err != nil {
		return nil, nil, err
	}
	if st.Behavior < firstBehavior || st.Behavior > Behavior {
		return nil, nil, fmt.Errorf("snapshot: behavior version %d; this program knows versions %d to %d: upgrade it first", st.Behavior, firstBehavior, Behavior)
	}
	var err error
	if st.seen, b, err = dedup.Load(b[n:], st.Behavior >= 3); err != nil {
		return nil, nil, fmt.Errorf("snapshot: %w", err)
	}
	set, bodies := st.bodies(m.forms)
	if len(b) < 4 {
		return nil, nil, errSnapshot
	}
	read := st.readStates
	if version < 4 {
		read = st.readPastStates
	}
	if err := read(b[4:], binary.LittleEndian.Uint32(b), bodies); err != nil {
		return nil, nil, err
	}
	st.countAnew(set)
	return &st, set, nil
}

// countAnew notes from when the rules have seen every event whose state could not
// be read: from now on.
func (st *state) countAnew(set *rules.Set) {
	if set == nil {
		return
	}
	for _, r := range set.Rules {
		if st.states[r.ID] == nil && st.Live.Began != nil {
			st.Live.Began[ruleName(r)] = st.Time
			st.leftOut++
		}
	}
}

// readStates reads the states of rules. That of a rule which no longer loads is
// passed over: the rule is left out, and said to be.
func (st *state) readStates(b []byte, count uint32, bodies map[RuleID]form.Rule) error {
	for range count {
		if len(b) < 24 {
			return errSnapshot
		}
		id, size := RuleID(b), binary.LittleEndian.Uint64(b[16:])
		if b = b[24:]; size > uint64(len(b)) {
			return errSnapshot
		}
		if body := bodies[id]; body != nil {
			loaded, rest, err := body.Load(b[:size:size])
			if err != nil || len(rest) != 0 {
				return errors.Join(fmt.Errorf("snapshot: rule %x", id), err)
			}
			st.states[id] = loaded
		}
		b = b[size:]
	}
	if len(b) != 0 {
		return errSnapshot
	}
	return nil
}

func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

// whole tells whether a map that traveled as JSON has no holes.
func whole[T any](m map[string]*T) bool {
	for _, v := range m {
		if v == nil {
			return false
		}
	}
	return m != nil
}

// readingsTorn tells whether a reading that traveled as JSON has holes.
func (st *state) readingsTorn() bool {
	for _, r := range st.Readings { // the order does not show
		if slices.Contains(r.Sights, nil) {
			return true
		}
	}
	return false
}

// bodies compiles the live rule set and says what its rules are.
func (st *state) bodies(forms []form.Form) (*rules.Set, map[RuleID]form.Rule) {
	bodies := map[RuleID]form.Rule{}
	if st.Live == nil {
		return nil, bodies
	}
	set, problems := rules.Accepted(forms, st.Live.Files)
	st.leftOut = problems.Errors()
	for _, r := range set.Rules {
		bodies[r.ID] = r.Body
	}
	return set, bodies
}

package gates

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/agent/durable"
	"github.com/tomeishi/tomeishi/agent/report"
)

const (
	fileName    = "gates"
	fileMagic   = "TMGK"
	fileVersion = 1
	maxFile     = 64 << 20
)

// kept is what the file holds: the last trusted answer, and the highest epochs
// ever seen under its cell.
type kept struct {
	Cell    string            `json:"cell"`
	Epoch   uint64            `json:"epoch"`
	Gates   map[string]Gate   `json:"gates"`
	Highest map[string]uint64 `json:"highest"`
	// All says why no gate is believed; Some why single ones are not. Doubtful is
	// what the ledger in doubt says of those: it may close, not open.
	Damaged  bool              `json:"damaged,omitempty"` // why All says so
	All      string            `json:"suspect,omitempty"`
	Some     map[string]string `json:"suspects,omitempty"`
	Doubtful map[string]Gate   `json:"doubtful,omitempty"`

	Adopted *adoption `json:"adopted,omitempty"`
}

type adoption struct {
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

func load(path string) (k kept, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return kept{}, nil
	}
	if err == nil && info.Size() > maxFile {
		err = fmt.Errorf("%d bytes: %w", info.Size(), durable.ErrDamaged)
	}
	var raw []byte
	if err == nil {
		raw, err = os.ReadFile(path)
	}
	if err == nil {
		k, err = decodeKept(raw)
	}
	if err == nil || !errors.Is(err, durable.ErrDamaged) {
		return k, wrap(err)
	}
	// The kept copy is lost: nothing is believed until a person says so.
	if err := os.Rename(path, path+".damaged"); err != nil {
		return kept{}, wrap(err)
	}
	k = kept{Damaged: true, All: "the kept copy of the gates was damaged, so an older ledger could not be told"}
	return k, wrap(replace(path, k.encode()))
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("read kept gates: %w", err)
	}
	return nil
}

func replace(path string, raw []byte) error { return durable.Replace(path, raw) }

func (k kept) encode() []byte {
	body, err := json.Marshal(k)
	if err != nil {
		panic(fmt.Sprintf("gates: %v", err)) // decoded from JSON before
	}
	return durable.Frame(fileMagic, fileVersion, body)
}

func decodeKept(raw []byte) (k kept, err error) {
	body, err := durable.Unframe(fileMagic, fileVersion, raw)
	if err != nil {
		return kept{}, err
	}
	if err := json.Unmarshal(body, &k); err != nil {
		return kept{}, fmt.Errorf("%w: %w", durable.ErrDamaged, err)
	}
	return k, nil
}

func (k kept) suspicion() string {
	if k.All != "" {
		return k.All
	}
	for _, name := range slices.Sorted(maps.Keys(k.Some)) {
		return name + ": " + k.Some[name]
	}
	return ""
}

func (k kept) suspicionOf(name string) string {
	if k.All != "" {
		return k.All
	}
	return k.Some[name]
}

// accept takes in an answer as far as it is trusted and tells whether
// something changed. Suspicion stays until adopt, also when a later answer
// fits: two ledgers have spoken, and only a person knows which one is right.
func (k *kept) accept(l *report.GateList) (changed bool) {
	if k.All != "" {
		return k.doubt(l)
	}
	if k.Cell == "" {
		*k = fromList(l, k.Adopted)
		return true
	}
	switch {
	case l.Cell != k.Cell:
		k.All = fmt.Sprintf("the collector's cell is %s, before it was %s", l.Cell, k.Cell)
	case l.Epoch < k.Epoch:
		k.All = fmt.Sprintf("the collector's epoch is %d, before it was %d: its ledger is an older one", l.Epoch, k.Epoch)
	}
	if k.All != "" {
		k.doubt(l)
		return true
	}
	changed = l.Epoch > k.Epoch || len(l.Gates) != len(k.Gates)
	next := make(map[string]Gate, len(l.Gates))
	for _, g := range l.Gates {
		high := k.Highest[g.Name]
		if g.Epoch < high && k.Some[g.Name] == "" {
			if k.Some == nil {
				k.Some = make(map[string]string)
			}
			k.Some[g.Name] = fmt.Sprintf("the gate's epoch is %d, before it was %d: the ledger is an older one", g.Epoch, high)
			changed = true
		}
		old, had := k.Gates[g.Name]
		now := Gate{Gate: g, Closing: Closing{ID: l.Epoch}}
		k.Highest[g.Name] = max(high, g.Epoch)
		if k.Some[g.Name] != "" && had {
			changed = k.doubtOne(now) || changed
			next[g.Name] = old
			continue
		}
		changed = changed || !had || differs(old, now)
		if now.goesOn(old) {
			now.Closing.ID = old.Closing.ID
		}
		next[g.Name] = now
	}
	k.Epoch, k.Gates = l.Epoch, next
	return changed
}

func differs(old, now Gate) bool {
	return old.Epoch != now.Epoch || old.Cell != now.Cell || old.Lease != now.Lease || old.IfUnreachable != now.IfUnreachable
}

// doubt keeps what the ledger in doubt says now of all gates.
func (k *kept) doubt(l *report.GateList) (changed bool) {
	before := k.Doubtful
	k.Doubtful = nil
	for _, g := range l.Gates {
		now := Gate{Gate: g}
		k.doubtOne(now)
		old, had := before[g.Name]
		changed = changed || !had || differs(old, now)
	}
	return changed || len(before) != len(k.Doubtful)
}

func (k *kept) doubtOne(g Gate) (changed bool) {
	if k.Doubtful == nil {
		k.Doubtful = make(map[string]Gate)
	}
	old, had := k.Doubtful[g.Name]
	k.Doubtful[g.Name] = g
	return !had || differs(old, g)
}

// gate is the trusted word on a gate. One that only the ledger in doubt has is
// known too, so that it is closed and not unknown.
func (k *kept) gate(name string) (Gate, bool) {
	g, ok := k.Gates[name]
	if !ok {
		g, ok = k.Doubtful[name]
	}
	return g, ok
}

// word is what counts of a gate: while there is doubt, the hold of either ledger.
func (k *kept) word(name string) (Gate, bool) {
	g, ok := k.gate(name)
	if d, doubted := k.Doubtful[name]; ok && doubted && k.suspicionOf(name) != "" {
		g = g.closedToo(d)
	}
	return g, ok
}

// all are the gates that are known, by name.
func (k *kept) all() map[string]Gate {
	out := maps.Clone(k.Doubtful)
	if out == nil {
		out = make(map[string]Gate, len(k.Gates))
	}
	maps.Copy(out, k.Gates)
	return out
}

func fromList(l *report.GateList, a *adoption) kept {
	k := kept{Cell: l.Cell, Epoch: l.Epoch, Gates: make(map[string]Gate), Highest: make(map[string]uint64), Adopted: a}
	for _, g := range l.Gates {
		k.Gates[g.Name], k.Highest[g.Name] = Gate{Gate: g, Closing: Closing{ID: l.Epoch}}, g.Epoch
	}
	return k
}

// adopt forgets the doubt: l, or without it the next answer, is the truth.
// Until then the gates are answered as without a lease.
func (k kept) adopt(l *report.GateList, a adoption) kept {
	if l != nil {
		return fromList(l, &a)
	}
	next := kept{Gates: k.all(), Adopted: &a}
	for name := range next.Gates { // a close that was heard stays one
		next.Gates[name], _ = k.word(name)
	}
	return next
}

// AdoptOffline does in dir what Adopt does, while no agent runs there. The
// caller holds the directory's lock.
func AdoptOffline(dir, by, reason string) error {
	path := filepath.Join(dir, fileName)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return ErrNothingToAdopt
	}
	k, err := load(path)
	if err != nil {
		return err
	}
	return replace(path, k.adopt(nil, adoption{By: by, Reason: reason, At: time.Now().UTC()}).encode())
}

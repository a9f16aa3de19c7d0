package reconcile

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/kept"
	"github.com/tomeishi/tomeishi/rules/window"
)

// Append implements form.State.
func (s *state) Append(b []byte) []byte {
	le := binary.LittleEndian
	for _, word := range []int64{s.forgot, s.unknown, int64(s.anew)} {
		b = le.AppendUint64(b, uint64(word))
	}
	b = s.unproven.Append(b)
	return s.table.Append(b)
}

var errState = errors.New("state of a reconcile: malformed")

// Load implements form.Rule.
func (r *rule) Load(b []byte) (form.State, []byte, error) {
	s := r.with(nil)
	in := &kept.Reader{B: b}
	s.forgot, s.unknown, s.anew = in.Int64(), in.Int64(), in.Uint64()
	if !s.unproven.Read(in) || max(s.forgot, s.unknown) > far+int64(mostWithin) {
		return nil, nil, errState
	}
	table, rest, err := kept.Load(in.B, s.sound)
	if err != nil {
		return nil, nil, err
	}
	s.table = table
	return s, rest, nil
}

// sound tells whether what is held of a key can be, and whether anything of it waits.
func (s *state) sound(body []byte) (waits, ok bool) {
	h := &s.held
	if !h.read(body) || len(h.items) == 0 || len(h.items) > window.MaxScanned || !slices.IsSortedFunc(h.items, compareItems) {
		return false, false
	}
	for _, it := range h.items {
		if it.side() >= len(s.sources) || min(it.time, it.came) < 0 || max(it.time, it.came) > far {
			return false, false
		}
	}
	s.m.match(s.rule, h.items)
	for i := range h.items {
		waits = waits || s.waits(i)
	}
	return waits, true
}

package absence

import (
	"encoding/binary"
	"errors"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/kept"
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

var errState = errors.New("state of an absence: malformed")

// Load implements form.Rule.
func (r *rule) Load(b []byte) (form.State, []byte, error) {
	s := r.State().(*state)
	in := &kept.Reader{B: b}
	s.forgot, s.unknown, s.anew = in.Int64(), in.Int64(), in.Uint64()
	if !s.unproven.Read(in) {
		return nil, nil, errState
	}
	table, rest, err := kept.Load(in.B, s.sound)
	if err != nil {
		return nil, nil, err
	}
	s.table = table
	return s, rest, nil
}

// far is a time that no event has, so far from the last one that there is that
// deadlines fit.
const far = 1<<62 - 1<<60

// sound tells whether what is held of a key is in order, and of times that can be, and
// whether anything of it waits.
func (s *state) sound(body []byte) (waits, ok bool) {
	h := &s.held
	if !h.read(body) || len(h.items) == 0 {
		return false, false
	}
	for i := range h.items {
		it := &h.items[i]
		if it.time < 0 || it.time > far || it.extra < 0 || it.extra > far || i > 0 && it.time < h.items[i-1].time {
			return false, false
		}
		waits = waits || it.waits()
	}
	return waits, true
}

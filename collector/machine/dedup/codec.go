package dedup

import (
	"encoding/binary"
	"errors"
)

// Append appends the table as it lies in memory.
func (t *Table) Append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, uint64(t.bound))
	b = le.AppendUint32(b, t.floor)
	if t.facts {
		b = le.AppendUint32(b, t.bare)
	}
	for i := range t.shards {
		sh := &t.shards[i]
		b = le.AppendUint32(b, uint32(len(sh.slots)))
		for j := range sh.slots {
			s := &sh.slots[j]
			b = le.AppendUint64(b, s.print[0])
			b = le.AppendUint64(b, s.print[1])
			b = le.AppendUint32(b, s.entered)
			b = le.AppendUint32(b, s.horizon)
			if t.facts {
				b = le.AppendUint64(b, s.fact.Digest)
				b = le.AppendUint64(b, s.fact.Ref)
				b = le.AppendUint32(b, s.fact.Deciding)
				b = le.AppendUint32(b, s.fact.Time)
			}
		}
	}
	return b
}

// ErrMalformed says that the bytes are not a table.
var ErrMalformed = errors.New("table of applied events: malformed")

// Load reads a table with or without facts from b, and returns what follows it.
func Load(b []byte, facts bool) (*Table, []byte, error) {
	le := binary.LittleEndian
	if len(b) < 16 {
		return nil, nil, ErrMalformed
	}
	t := New(int(le.Uint64(b)))
	t.floor = le.Uint32(b[8:])
	b = b[12:]
	bytes := printBytes
	if facts {
		t.facts, t.bare, b = true, le.Uint32(b), b[4:]
		bytes += factBytes
	}
	for i := range t.shards {
		if len(b) < 4 {
			return nil, nil, ErrMalformed
		}
		sh := &t.shards[i]
		size := int(le.Uint32(b))
		b = b[4:]
		if size > len(b)/bytes || size&(size-1) != 0 {
			return nil, nil, ErrMalformed
		}
		sh.slots = make([]slot, size)
		for j := range sh.slots {
			s := &sh.slots[j]
			*s = slot{print: Print{le.Uint64(b), le.Uint64(b[8:])}, entered: le.Uint32(b[16:]), horizon: le.Uint32(b[20:])}
			b = b[printBytes:]
			if facts {
				s.fact = Fact{le.Uint64(b), le.Uint64(b[8:]), le.Uint32(b[16:]), le.Uint32(b[20:])}
				b = b[factBytes:]
			}
			if sh.slots[j].entered != 0 {
				sh.used++
				t.used++
			}
		}
		if int(sh.used) == size && size > 0 {
			return nil, nil, ErrMalformed // a full shard would be searched for ever
		}
	}
	return t, b, nil
}

package rules

import (
	"crypto/sha256"
	"encoding/binary"
)

// identity hashes what decides which events a rule counts, for which key and
// how. Each part stands behind its length, so that no two rules run together.
func (r *Rule) identity() (id [16]byte) {
	var b []byte
	add := func(parts ...string) {
		b = binary.AppendUvarint(b, uint64(len(parts)))
		for _, s := range parts {
			b = binary.AppendUvarint(b, uint64(len(s)))
			b = append(b, s...)
		}
	}
	add("event rule 1", r.Group, r.Name, r.Event, r.Where, r.When.Text)
	for _, k := range r.By {
		add(k.Label, k.Path)
	}
	for _, v := range r.Values {
		if v.Kind == Same { // the others follow from When
			add("value", string(v.Kind), v.Paths[0])
		}
	}
	b = binary.AppendVarint(b, int64(r.Within))
	b = binary.AppendVarint(b, int64(r.Lateness))
	sum := sha256.Sum256(b)
	copy(id[:], sum[:])
	return id
}

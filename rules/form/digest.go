package form

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/tomeishi/tomeishi/rules/match"
)

// A Digest hashes parts, each behind its length, so that no two run together.
type Digest struct{ b []byte }

// Add adds some texts, and how many they are.
func (d *Digest) Add(parts ...string) {
	d.b = binary.AppendUvarint(d.b, uint64(len(parts)))
	for _, s := range parts {
		d.b = binary.AppendUvarint(d.b, uint64(len(s)))
		d.b = append(d.b, s...)
	}
}

// By adds the fields by which events are told apart.
func (d *Digest) By(keys []match.Key) {
	for _, k := range keys {
		d.Add(k.Label, k.String())
		if k.Optional {
			d.Add("optional")
		}
	}
}

// Empty tells whether nothing was added.
func (d *Digest) Empty() bool { return len(d.b) == 0 }

// Length adds a duration.
func (d *Digest) Length(t time.Duration) { d.b = binary.AppendVarint(d.b, int64(t)) }

// Sum is the identity.
func (d *Digest) Sum() (id [16]byte) {
	sum := sha256.Sum256(d.b)
	copy(id[:], sum[:])
	return id
}

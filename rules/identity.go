package rules

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// A digest hashes parts, each behind its length, so that no two run together.
type digest struct{ b []byte }

func (d *digest) add(parts ...string) {
	d.b = binary.AppendUvarint(d.b, uint64(len(parts)))
	for _, s := range parts {
		d.b = binary.AppendUvarint(d.b, uint64(len(s)))
		d.b = append(d.b, s...)
	}
}

func (d *digest) length(t time.Duration) { d.b = binary.AppendVarint(d.b, int64(t)) }

func (d *digest) sum() (id [16]byte) {
	sum := sha256.Sum256(d.b)
	copy(id[:], sum[:])
	return id
}

// identity hashes what decides which events a rule counts, for which key and
// how.
func (r *Rule) identity() [16]byte {
	var d digest
	d.add("event rule 1", r.Group, r.Name, r.Event, r.Where, r.When.Text)
	for _, k := range r.By {
		d.add(k.Label, k.Path)
	}
	for _, v := range r.Values {
		if v.Kind == Same { // the others follow from When
			d.add("value", string(v.Kind), v.Paths[0])
		}
	}
	d.length(r.Within)
	d.length(r.Lateness)
	return d.sum()
}

// identity hashes what decides whether an alert of the rule is the same one.
func (r *MetricRule) identity() [16]byte {
	var d digest
	d.add("metric rule 1", r.File, r.Group, r.Name, r.Expr)
	d.length(r.For)
	for _, l := range r.Labels {
		d.add(l.Name, l.Value)
	}
	return d.sum()
}

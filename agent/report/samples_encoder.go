package report

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"math/bits"
	"slices"
)

// Samples on the wire, byte by byte:
//
//	"TMSW" version
//	0 for whole, 1 for a difference
//	agent, lane and sent as in the ledger
//	whole: labels and schema as in the ledger
//	difference: id of the schema: 16 bytes; uvarint time of the base, its sum
//	in eight bytes, little endian
//	uvarint frames, then each as in the ledger; the first begins at the base, or
//	at time 0 and at zeros
//	CRC-32C of all that, little endian
//
// The base is a frame that the reader has acknowledged, with the labels and the
// schema that it was sent under.
const (
	wireMagic   = "TMSW"
	wireVersion = 1
)

const (
	wireWhole byte = iota
	wireDelta
)

// A base is a frame that others build on.
type base struct {
	time   int64
	sum    uint64 // of labels and values
	values []float64
	on     *base // what it was built on, while a decoder keeps that for it
}

// set makes b a copy of f.
func (b *base) set(f *Frame, labels []Attr) {
	b.time = f.Time
	b.values = append(b.values[:0], f.Values...)
	b.sum = sumOf(labels, f.Values)
}

// sumOf tells bases apart: two hosts that were made from one image must not
// build on each other's frames. It is no defense against who looks for two
// with one sum.
func sumOf(labels []Attr, values []float64) (sum uint64) {
	mix := func(v uint64) { sum = bits.RotateLeft64(sum^v, 29) * 0x9e3779b97f4a7c15 }
	for _, l := range labels {
		mix(uint64(crc32.Checksum(bytesOf(l.Name), castagnoli)))
		mix(uint64(crc32.Checksum(bytesOf(l.Value), castagnoli)))
	}
	for _, v := range values {
		mix(math.Float64bits(v))
	}
	return sum
}

// A SampleEncoder makes the form for the wire: small, because it builds on what
// was acknowledged last. It is for one goroutine. The zero value is ready.
type SampleEncoder struct {
	stream       stream // that both frames are of
	acked, sent  base
	known, asked bool // whether acked and sent hold a frame
}

// A stream is what does not change from frame to frame.
type stream struct {
	agent  string
	lane   SpoolID
	labels []Attr
	schema *Schema
}

func (t *stream) carries(s *Samples) bool {
	return t.schema != nil && t.agent == s.Agent && t.lane == s.Lane && t.schema.id == s.Schema.id && slices.Equal(t.labels, s.Labels)
}

// Encode encodes s, as a difference from what was acknowledged if there is
// something. There must be a frame.
func (e *SampleEncoder) Encode(dst []byte, s *Samples) []byte {
	start := len(dst)
	if !e.stream.carries(s) {
		e.Reset()
		e.stream = stream{s.Agent, s.Lane, slices.Clone(s.Labels), s.Schema}
	}
	kind := wireWhole
	if e.known {
		kind = wireDelta
	}
	dst = append(append(dst, wireMagic...), wireVersion, kind)
	dst = s.appendSource(dst)
	var from base
	if e.known {
		from = e.acked
		dst = append(dst, s.Schema.id[:]...)
		dst = binary.AppendUvarint(dst, uint64(from.time))
		dst = binary.LittleEndian.AppendUint64(dst, from.sum)
	} else {
		dst = appendLabels(dst, s.Labels)
		dst = binary.AppendUvarint(dst, uint64(len(s.Schema.raw)))
		dst = append(dst, s.Schema.raw...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(s.Frames)))
	dst = appendFrames(dst, from.time, from.values, s)
	e.sent.set(&s.Frames[len(s.Frames)-1], s.Labels)
	e.asked = true
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// Acked says that the reader has what Encode encoded last.
func (e *SampleEncoder) Acked() {
	if e.asked {
		e.acked, e.sent = e.sent, e.acked
		e.known, e.asked = true, false
	}
}

// Reset forgets what was acknowledged: the next are sent whole.
func (e *SampleEncoder) Reset() { e.known, e.asked = false, false }

package report

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
)

const (
	keepWords = 1 << 10 // how large a dictionary Reset keeps
	frameRoom = len(batchMagic) + 1 + 3*binary.MaxVarintLen64 + 4
)

// A Builder collects events into a batch. The zero value is ready.
type Builder struct {
	n        int
	words    []string
	index    map[string]uint64
	dict     []byte // words as they are encoded
	facts    []byte
	payloads []byte
}

// Add appends a copy of the event, as it is: checking was the reader's task. An
// event with more than maxFactExt attributes makes a batch that does not open.
func (b *Builder) Add(e *Event) {
	var flags byte
	if e.Time != 0 {
		flags |= hasTime
	}
	if e.Data != nil {
		flags |= hasData
	}
	if len(e.Ext) > 0 {
		flags |= hasExt
	}
	f := append(b.facts, flags)
	f = binary.AppendUvarint(f, b.word(e.Source))
	f = binary.AppendUvarint(f, b.word(e.Type))
	f = binary.AppendUvarint(f, b.word(e.DataType))
	f = appendString(f, e.ID)
	f = appendString(f, e.Subject)
	if e.Time != 0 {
		f = binary.LittleEndian.AppendUint64(f, uint64(e.Time))
	}
	f = binary.LittleEndian.AppendUint64(f, uint64(e.Seen))
	if len(e.Ext) > 0 {
		f = binary.AppendUvarint(f, uint64(len(e.Ext)))
		for _, a := range e.Ext {
			f = binary.AppendUvarint(f, b.word(a.Name))
			f = appendString(f, a.Value)
		}
	}
	if e.Data != nil {
		f = binary.AppendUvarint(f, uint64(len(e.Data)))
		b.payloads = append(b.payloads, e.Data...)
	}
	b.facts = f
	b.n++
}

func (b *Builder) word(s string) uint64 {
	if s == "" {
		return 0
	}
	if i, ok := b.index[s]; ok {
		return i
	}
	if b.index == nil {
		b.index = make(map[string]uint64)
	}
	s = strings.Clone(s)
	b.words = append(b.words, s)
	b.dict = appendString(b.dict, s)
	b.index[s] = uint64(len(b.words))
	return uint64(len(b.words))
}

// Len is the number of events.
func (b *Builder) Len() int { return b.n }

// Size bounds the length of the batch so far, in bytes, within a few.
func (b *Builder) Size() int {
	return len(b.dict) + len(b.facts) + len(b.payloads) + frameRoom
}

// Merge appends the events of o.
func (b *Builder) Merge(o *Builder) {
	words := append([]string{""}, o.words...)
	r := Reader{n: o.n, words: words, facts: o.facts, payloads: o.payloads}
	for ev := (Event{}); r.Next(&ev); {
		b.Add(&ev)
	}
}

// Reset empties b and keeps its memory.
func (b *Builder) Reset() {
	if len(b.words) > keepWords { // a map never shrinks, and clearing it costs its size
		b.index, b.words = nil, nil
	}
	clear(b.index)
	clear(b.words)
	b.n, b.words, b.dict = 0, b.words[:0], b.dict[:0]
	b.facts, b.payloads = b.facts[:0], b.payloads[:0]
}

// Bytes encodes the batch into a slice of its own.
func (b *Builder) Bytes() []byte {
	out := append(make([]byte, 0, b.Size()), batchMagic...)
	out = append(out, batchVersion)
	out = binary.AppendUvarint(out, uint64(b.n))
	out = binary.AppendUvarint(out, uint64(len(b.words)))
	out = append(out, b.dict...)
	out = binary.AppendUvarint(out, uint64(len(b.facts)))
	out = append(out, b.facts...)
	out = append(out, b.payloads...)
	return binary.LittleEndian.AppendUint32(out, crc32.Checksum(out, castagnoli))
}

// Batch encodes the events collected so far.
func (b *Builder) Batch() Batch {
	batch, err := TrustBatch(b.Bytes())
	if err != nil {
		panic(fmt.Sprintf("report: a batch just made does not open: %v", err))
	}
	return batch
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

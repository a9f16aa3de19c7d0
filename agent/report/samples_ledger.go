package report

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Samples in the ledger, byte by byte, can be read alone and stand back to back:
//
//	"TMSA" version
//	length of what follows but the checksum, in eight bytes, little endian
//	agent: uvarint length, bytes; lane: 16 bytes; uvarint sent
//	uvarint first time, uvarint last less first, uvarint frames, uvarint series
//	uvarint labels, then each: uvarint length, name, uvarint length, value
//	uvarint length of the schema, the schema
//	each frame: varint time less the one before, values; the first begins at
//	the first time and at zeros
//	CRC-32C of all that, little endian
const (
	samplesMagic   = "TMSA"
	samplesVersion = 1
	samplesFixed   = len(samplesMagic) + 1 + 8
)

// Append appends the form that the ledger keeps: it can be read alone. There
// must be a frame.
func (s *Samples) Append(dst []byte) []byte {
	start := len(dst)
	dst = append(append(dst, samplesMagic...), samplesVersion)
	dst = append(dst, make([]byte, 8)...)
	dst = s.appendSource(dst)
	first, last := s.Frames[0].Time, s.Frames[len(s.Frames)-1].Time
	dst = binary.AppendUvarint(dst, uint64(first))
	dst = binary.AppendUvarint(dst, uint64(last-first))
	dst = binary.AppendUvarint(dst, uint64(len(s.Frames)))
	dst = binary.AppendUvarint(dst, uint64(len(s.Schema.series)))
	dst = appendLabels(dst, s.Labels)
	dst = binary.AppendUvarint(dst, uint64(len(s.Schema.raw)))
	dst = append(dst, s.Schema.raw...)
	dst = appendFrames(dst, first, nil, s)
	binary.LittleEndian.PutUint64(dst[start+samplesFixed-8:], uint64(len(dst)-start-samplesFixed))
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// ReadSamples reads the first samples of raw and returns what follows. What it
// accepts keeps every bound; it shares no memory with raw.
func ReadSamples(raw []byte) (s Samples, rest []byte, err error) {
	c, rest, err := openSamples(raw)
	if err != nil {
		return Samples{}, nil, err
	}
	if s, err = c.samples(); err != nil {
		return Samples{}, nil, fmt.Errorf("samples: %w", err)
	}
	return s, rest, nil
}

// ReadSamplesHead reads only the head of the first samples of raw, and checks
// the checksum of the whole.
func ReadSamplesHead(raw []byte) (h SamplesHead, rest []byte, err error) {
	c, rest, err := openSamples(raw)
	if err != nil {
		return SamplesHead{}, nil, err
	}
	if h, err = c.samplesHead(); err != nil {
		return SamplesHead{}, nil, fmt.Errorf("samples: %w", err)
	}
	return h, rest, nil
}

// openSamples checks the frame that samples have in common with blocks.
func openSamples(raw []byte) (c cursor, rest []byte, err error) {
	if err := opens(raw, samplesMagic, samplesVersion, "samples"); err != nil {
		return cursor{}, nil, err
	}
	if len(raw) < samplesFixed+4 {
		return cursor{}, nil, fmt.Errorf("samples: %w: cut off after %d bytes", errShape, len(raw))
	}
	size, room := binary.LittleEndian.Uint64(raw[samplesFixed-8:]), uint64(len(raw)-samplesFixed-4)
	if size > room {
		return cursor{}, nil, fmt.Errorf("samples: %w: cut off, or the length is damaged: it names %d bytes and %d are left", errShape, size, room)
	}
	end := samplesFixed + int(size) + 4
	body, err := unseal(raw[:end], samplesMagic, samplesVersion, "samples")
	if err != nil {
		return cursor{}, nil, err
	}
	return cursor{b: body[8:]}, raw[end:], nil
}

func (c *cursor) samplesHead() (SamplesHead, error) {
	var s Samples
	if err := c.readSource(&s); err != nil {
		return SamplesHead{}, err
	}
	first, span := c.uvarint(), c.uvarint()
	frames, series := c.uvarint(), c.uvarint()
	last := first + span
	if c.bad || first >= uint64(latest) || span >= uint64(latest) || last >= uint64(latest) || series > MaxSeries {
		return SamplesHead{}, fmt.Errorf("head: %w", errShape)
	}
	if err := checkCounts(frames, int(series)); err != nil {
		return SamplesHead{}, err
	}
	return SamplesHead{s.Agent, s.Lane, s.Sent, int64(first), int64(last), int(frames), int(series)}, nil
}

func (c *cursor) samples() (s Samples, err error) {
	h, err := c.samplesHead()
	if err != nil {
		return s, err
	}
	s = Samples{Agent: h.Agent, Lane: h.Lane, Sent: h.Sent}
	if s.Labels, s.Schema, err = c.readWhole(); err != nil {
		return s, err
	}
	if len(s.Schema.series) != h.Series {
		return s, fmt.Errorf("series: %w: %d, but the head says %d", errShape, len(s.Schema.series), h.Series)
	}
	if s.Frames, err = c.readFrames(uint64(h.Frames), h.First, nil, h.Series); err != nil {
		return s, err
	}
	if first, last := s.Frames[0].Time, s.Frames[h.Frames-1].Time; first != h.First || last != h.Last || len(c.b) != 0 {
		return s, fmt.Errorf("frames: %w: not as the head says", errShape)
	}
	return s, nil
}

// readWhole reads labels and a schema, which must go together.
func (c *cursor) readWhole() ([]Attr, *Schema, error) {
	labels, err := c.readLabels()
	if err != nil {
		return nil, nil, err
	}
	raw := c.bytes(c.uvarint())
	if c.bad {
		return nil, nil, fmt.Errorf("schema: %w", errShape)
	}
	schema, err := parseSchema(raw)
	if err != nil {
		return nil, nil, inField("schema", err)
	}
	if err := schema.apart(labels); err != nil {
		return nil, nil, inField("labels", err)
	}
	return labels, schema, nil
}

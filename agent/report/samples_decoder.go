package report

import (
	"fmt"
	"slices"
)

// A SampleDecoder reads what the encoders of any number of agents make. It
// remembers, within bounds, what each sent last. It is safe for concurrent use.
// The zero value is ready.
type SampleDecoder struct{ memory memory }

// Decode reads one Encode's result; the error is ErrBase where it builds on
// something unknown. The same bytes decode again, as long as not much has come
// in between. What is returned shares nothing with raw, and nothing with the
// decoder but the schema, which does not change.
func (d *SampleDecoder) Decode(raw []byte) (Samples, error) {
	c, kind, s, err := openWire(raw)
	if err != nil {
		return Samples{}, err
	}
	from, err := d.begin(&c, kind, &s)
	if err == nil {
		s.Frames, err = c.readFrames(c.uvarint(), from.time, from.values, len(s.Schema.series))
	}
	if err == nil && len(c.b) != 0 {
		err = fmt.Errorf("frames: %w: %d bytes too many", errShape, len(c.b))
	}
	if err != nil {
		return Samples{}, fmt.Errorf("samples: %w", err)
	}
	d.memory.keep(&s, from)
	return s, nil
}

// SamplesAgent says whose one Encode's result claims to be: so that a reader
// can ask first whether the sender may speak for the agent.
func SamplesAgent(raw []byte) (string, error) {
	_, _, s, err := openWire(raw)
	return s.Agent, err
}

func openWire(raw []byte) (c cursor, kind byte, s Samples, err error) {
	if len(raw) > MaxBody {
		return c, 0, s, tooLarge("samples", len(raw), MaxBody)
	}
	body, err := unseal(raw, wireMagic, wireVersion, "samples")
	if err != nil {
		return c, 0, s, err
	}
	c = cursor{b: body}
	kind = c.byte()
	if err := c.readSource(&s); err != nil {
		return c, 0, s, fmt.Errorf("samples: %w", err)
	}
	return c, kind, s, nil
}

// begin finds or reads the labels and the schema of s, and the frame that its
// first builds on, nil for none.
func (d *SampleDecoder) begin(c *cursor, kind byte, s *Samples) (from *base, err error) {
	switch kind {
	case wireWhole:
		s.Labels, s.Schema, err = c.readWhole()
		return new(base), err
	case wireDelta:
		id, time, sum := c.bytes(16), int64(c.uvarint()), c.uint64()
		if c.bad {
			return nil, fmt.Errorf("base: %w", errShape)
		}
		labels, schema, from := d.memory.find(laneKey{s.Agent, s.Lane}, [16]byte(id), time, sum)
		if from == nil {
			return nil, ErrBase
		}
		s.Labels, s.Schema = slices.Clone(labels), schema
		return from, nil
	}
	return nil, fmt.Errorf("kind %d: %w", kind, errShape)
}

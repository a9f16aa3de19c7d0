package report

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// appendSource codes whose samples they are, and when they were sent.
func (s *Samples) appendSource(dst []byte) []byte {
	dst = appendString(dst, s.Agent)
	dst = append(dst, s.Lane[:]...)
	return binary.AppendUvarint(dst, uint64(s.Sent))
}

// readSource reads and checks what appendSource coded.
func (c *cursor) readSource(s *Samples) error {
	agent := c.str()
	copy(s.Lane[:], c.bytes(uint64(len(s.Lane))))
	s.Sent = int64(c.uvarint())
	if c.bad {
		return fmt.Errorf("head: %w", errShape)
	}
	if err := checkWord(agent, maxAgent); err != nil {
		return inField("agent", err)
	}
	if err := checkTime(s.Sent); err != nil {
		return inField("sent", err)
	}
	s.Agent = strings.Clone(agent)
	return nil
}

func appendLabels(dst []byte, labels []Attr) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(labels)))
	for _, l := range labels {
		dst = appendString(appendString(dst, l.Name), l.Value)
	}
	return dst
}

// readLabels reads labels of an agent and checks them.
func (c *cursor) readLabels() ([]Attr, error) {
	n := c.uvarint()
	if !c.bad && n > maxLabels {
		return nil, inField("labels", fmt.Errorf("%d labels, at most %d", n, maxLabels))
	}
	var labels []Attr
	for ; n > 0 && !c.bad; n-- {
		labels = append(labels, Attr{strings.Clone(c.str()), strings.Clone(c.str())})
	}
	if c.bad {
		return nil, inField("labels", errShape)
	}
	if err := checkOwn(labels); err != nil {
		return nil, inField("labels", err)
	}
	return labels, nil
}

package report

import "encoding/binary"

// A Reader reads the events of a batch in order, without allocating.
type Reader struct {
	n        int
	words    []string
	facts    []byte
	payloads []byte
	ext      []Attr
	bad      bool
}

// Next reads the next event into ev, whose strings alias the batch and whose
// Ext is valid until the next call. It is false at the end.
func (r *Reader) Next(ev *Event) bool {
	if r.n == 0 {
		return false
	}
	c := cursor{b: r.facts}
	flags := c.byte()
	ev.Source, ev.Type, ev.DataType = r.word(&c), r.word(&c), r.word(&c)
	ev.ID, ev.Subject = c.str(), c.str()
	ev.Time = 0
	if flags&hasTime != 0 {
		ev.Time = int64(c.uint64())
	}
	ev.Seen = int64(c.uint64())
	ev.Ext = nil
	if flags&hasExt != 0 {
		r.ext = r.ext[:0]
		n := c.uvarint()
		c.bad = c.bad || n > maxFactExt
		for ; n > 0 && !c.bad; n-- {
			r.ext = append(r.ext, Attr{r.word(&c), c.str()})
		}
		ev.Ext = r.ext
	}
	ev.Data = nil
	if flags&hasData != 0 {
		n := c.uvarint()
		if n > uint64(len(r.payloads)) {
			c.bad = true
		} else if ev.Data, r.payloads = r.payloads[:n:n], r.payloads[n:]; ev.Data == nil {
			ev.Data = []byte{} // empty is not absent
		}
	}
	if c.bad || flags >= hasExt<<1 {
		r.bad, r.n = true, 0
		return false
	}
	r.facts = c.b
	r.n--
	return true
}

func (r *Reader) word(c *cursor) string {
	i := c.uvarint()
	if i >= uint64(len(r.words)) {
		c.bad = true
		return ""
	}
	return r.words[i]
}

// cursor consumes bytes; once anything is missing it is bad and yields zeros.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) bytes(n uint64) []byte {
	if n > uint64(len(c.b)) {
		c.bad, c.b = true, nil
		return nil
	}
	out := c.b[:n:n]
	c.b = c.b[n:]
	return out
}

func (c *cursor) byte() byte {
	if b := c.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uint64() uint64 {
	if b := c.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.bad, c.b = true, nil
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cursor) str() string { return stringOf(c.bytes(c.uvarint())) }

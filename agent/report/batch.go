package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A batch, byte by byte:
//
//	"TMBT" version
//	uvarint events, uvarint words, then each word: uvarint length, bytes
//	uvarint length of the facts, the facts, the payloads
//	CRC-32C of all that, little endian
//
// A fact is: flags, words of source, type and datacontenttype, id, subject,
// time (if given), seen, extensions (word of the name, value), length of the
// payload. Word 0 is always empty. Payloads stand apart from facts, so that
// one can be erased and its digest put in its place.
const (
	batchMagic   = "TMBT"
	batchVersion = 1

	minFact    = 14  // bytes of the shortest fact
	minWord    = 3   // of the shortest word: length, byte, and its use in a fact
	maxFactExt = 255 // attributes of one fact
)

const (
	hasTime byte = 1 << iota
	hasData
	hasExt
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A Batch is an encoded, ordered run of events.
type Batch struct {
	raw      []byte
	n        int
	words    []string
	head     []byte // everything before the facts' length
	facts    []byte
	payloads []byte
}

// Errors of decoding.
var (
	ErrChecksum = errors.New("checksum does not match: the bytes were damaged")
	errShape    = errors.New("malformed")
)

// OpenBatch checks magic, version, checksum and every record of raw, which the
// batch then refers to.
func OpenBatch(raw []byte) (Batch, error) {
	body, err := unseal(raw, batchMagic, batchVersion, "batch")
	if err != nil {
		return Batch{}, err
	}
	b, err := parseBatch(raw, body)
	if err != nil {
		return Batch{}, err
	}
	r := b.Reader()
	for ev := (Event{}); r.Next(&ev); {
	}
	if r.bad || len(r.facts) != 0 || len(r.payloads) != 0 {
		return Batch{}, fmt.Errorf("batch: record %d: %w", b.n-r.n, errShape)
	}
	return b, nil
}

// TrustBatch opens what OpenBatch has accepted before and what something else
// has kept whole since: it reads neither the checksum nor the records.
func TrustBatch(raw []byte) (Batch, error) {
	if len(raw) < len(batchMagic)+5 {
		return Batch{}, fmt.Errorf("batch: %w: cut off", errShape)
	}
	return parseBatch(raw, raw[len(batchMagic)+1:len(raw)-4])
}

func parseBatch(raw, body []byte) (Batch, error) {
	b := Batch{raw: raw}
	c := cursor{b: body}
	events, words := c.uvarint(), c.uvarint()
	// The least size of a record bounds what is allocated for a count that lies.
	if c.bad || events > uint64(len(body)/minFact) || words > uint64(len(body)/minWord) {
		return Batch{}, fmt.Errorf("batch: counts: %w", errShape)
	}
	b.n = int(events)
	b.words = make([]string, 1, words+1)
	for range words {
		word := c.str()
		c.bad = c.bad || word == ""
		b.words = append(b.words, word)
	}
	b.head = raw[:len(raw)-len(c.b)-4]
	b.facts = c.bytes(c.uvarint())
	b.payloads = c.b
	if c.bad {
		return Batch{}, fmt.Errorf("batch: dictionary: %w", errShape)
	}
	return b, nil
}

// Check says what is wrong with the first event that its maker should have
// refused: names by which events are counted and shown. It does not read data.
func (b Batch) Check() error {
	r := b.Reader()
	for ev := (Event{}); r.Next(&ev); {
		if err := ev.check(); err != nil {
			return fmt.Errorf("event %d: %w", b.n-r.n-1, err)
		}
	}
	return nil
}

// Len is the number of events.
func (b Batch) Len() int { return b.n }

// Bytes is the encoded batch.
func (b Batch) Bytes() []byte { return b.raw }

// Digest is the SHA-256 of magic, version, counts, dictionary and facts, where
// the digest of its payload follows each fact. It still holds after a payload
// is erased.
func (b Batch) Digest() [32]byte {
	h := sha256.New()
	h.Write(b.head)
	r := b.Reader()
	rest := r.facts
	// Joined in one buffer: hashing many short pieces costs more than copying.
	buf := make([]byte, 0, 8<<10)
	for ev := (Event{}); r.Next(&ev); {
		buf = append(buf, rest[:len(rest)-len(r.facts)]...)
		rest = r.facts
		sum := sha256.Sum256(ev.Data)
		buf = append(buf, sum[:]...)
		if len(buf) > 7<<10 {
			h.Write(buf)
			buf = buf[:0]
		}
	}
	h.Write(buf)
	return [32]byte(h.Sum(nil))
}

// Reader reads the events in order.
func (b Batch) Reader() *Reader {
	return &Reader{n: b.n, words: b.words, facts: b.facts, payloads: b.payloads}
}

// unseal checks the frame that batches and blocks share and returns what is
// inside.
func unseal(raw []byte, magic string, version byte, what string) ([]byte, error) {
	if err := opens(raw, magic, version, what); err != nil {
		return nil, err
	}
	end := len(raw) - 4
	if end <= len(magic) || binary.LittleEndian.Uint32(raw[end:]) != crc32.Checksum(raw[:end], castagnoli) {
		return nil, fmt.Errorf("%s: %w", what, ErrChecksum)
	}
	return raw[len(magic)+1 : end : end], nil
}

// opens checks magic and version, first of all: only they tell what the rest is.
func opens(raw []byte, magic string, version byte, what string) error {
	if len(raw) <= len(magic) || !bytes.HasPrefix(raw, bytesOf(magic)) {
		return fmt.Errorf("%s: does not begin with %q", what, magic)
	}
	if v := raw[len(magic)]; v > version {
		return fmt.Errorf("%s: format version %d; this program reads version %d: upgrade it first", what, v, version)
	} else if v != version {
		return fmt.Errorf("%s: format version %d does not exist; this program reads version %d", what, v, version)
	}
	return nil
}

package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// An entry, byte by byte (numbers are little-endian): "TML", version, kind,
// time (8), hash of the entry before (32), digest of the body (32), length of
// the body (4), body, CRC-32C of all before it (4). Its hash is the SHA-256 of
// what stands before the length.
const (
	entryMagic   = "TML"
	entryVersion = 1
	hashedLen    = len(entryMagic) + 2 + 8 + 32 + 32
	headerLen    = hashedLen + 4
	overhead     = headerLen + 4
)

// MaxBody bounds the body of one entry.
const MaxBody = 16 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errEntryShort  = errors.New("entry is cut short")
	errEntryMagic  = errors.New(`entry does not begin with "TML"`)
	errEntryLength = errors.New("entry's length does not match its bytes")
	errEntrySum    = errors.New("entry's checksum does not match")
)

// Kind says what an entry's body is. The ledger carries it and does not read it.
type Kind uint8

// Entry is one link of the chain. Body shares memory with the encoded entry:
// neither may be changed.
type Entry struct {
	Kind   Kind
	Time   int64    // ledger time, nanoseconds since 1970
	Prev   [32]byte // hash of the entry before; zero for the first
	Digest [32]byte // what the chain covers of the body
	Body   []byte

	raw []byte
}

// Raw returns the encoded entry.
func (e Entry) Raw() []byte { return e.raw }

// Hash returns what the next entry names as its predecessor.
func (e Entry) Hash() [32]byte { return sha256.Sum256(e.raw[:hashedLen]) }

// encode builds the entry's bytes and points Body into them.
func encode(e Entry) Entry {
	b := make([]byte, 0, overhead+len(e.Body))
	b = append(b, entryMagic...)
	b = append(b, entryVersion, byte(e.Kind))
	b = binary.LittleEndian.AppendUint64(b, uint64(e.Time))
	b = append(b, e.Prev[:]...)
	b = append(b, e.Digest[:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(e.Body)))
	b = append(b, e.Body...)
	e.Body = b[headerLen:len(b):len(b)]
	e.raw = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	return e
}

// Decode reads one encoded entry and checks its checksum. The chain is the
// caller's to check: Prev must be the hash of the entry before.
func Decode(raw []byte) (Entry, error) {
	if len(raw) < overhead {
		return Entry{}, errEntryShort
	}
	if string(raw[:len(entryMagic)]) != entryMagic {
		return Entry{}, errEntryMagic
	}
	if v := raw[len(entryMagic)]; v != entryVersion {
		return Entry{}, fmt.Errorf("entry has format version %d; this program reads version %d: %w", v, entryVersion, errNewer)
	}
	if n := binary.LittleEndian.Uint32(raw[hashedLen:]); n > MaxBody || int(n) != len(raw)-overhead {
		return Entry{}, errEntryLength
	}
	end := len(raw) - 4
	if binary.LittleEndian.Uint32(raw[end:]) != crc32.Checksum(raw[:end], castagnoli) {
		return Entry{}, errEntrySum
	}
	e := Entry{Kind: Kind(raw[4]), Time: int64(binary.LittleEndian.Uint64(raw[5:])), Body: raw[headerLen:end:end], raw: raw}
	copy(e.Prev[:], raw[13:45])
	copy(e.Digest[:], raw[45:hashedLen])
	return e, nil
}

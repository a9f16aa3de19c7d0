// Package entry is the vocabulary of the ledger: what an entry is, of which
// kind, and what the bodies of the kinds say.
//
// It promises that a sealed entry comes back as it was or not at all, and that
// the numbers of kinds and the JSON of bodies that were ever written can be read
// for good. It decides nothing: the ledger orders entries, the machine applies
// them, the tape keeps them.
package entry

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
	magic     = "TML"
	version   = 1
	hashedLen = len(magic) + 2 + 8 + 32 + 32
	headerLen = hashedLen + 4

	// Overhead is what sealing adds to a body, in bytes.
	Overhead = headerLen + 4
)

// MaxBody bounds the body of one entry.
const MaxBody = 16 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errShort  = errors.New("entry is cut short")
	errMagic  = errors.New(`entry does not begin with "TML"`)
	errLength = errors.New("entry's length does not match its bytes")
	errSum    = errors.New("entry's checksum does not match")
	// ErrNewer is wrapped when bytes were written by a later program.
	ErrNewer = errors.New("upgrade it first")
)

// An Entry is one link of the ledger's chain. Body shares memory with the sealed
// bytes: neither may be changed.
type Entry struct {
	Index  uint64 // place in the ledger; 0 before the ledger gives it
	Kind   Kind
	Time   int64    // ledger time, Unix nanoseconds
	Prev   [32]byte // hash of the entry before; zero for the first
	Digest [32]byte // what the chain covers of the body
	Hash   [32]byte // what the next entry names as Prev
	Body   []byte

	raw []byte
}

// Raw is the sealed entry; nil if it was neither sealed nor opened.
func (e Entry) Raw() []byte { return e.raw }

// Seal makes the bytes of an entry, points Body into them and sets Hash.
func Seal(e Entry) Entry {
	b := make([]byte, 0, Overhead+len(e.Body))
	b = append(b, magic...)
	b = append(b, version, byte(e.Kind))
	b = binary.LittleEndian.AppendUint64(b, uint64(e.Time))
	b = append(b, e.Prev[:]...)
	b = append(b, e.Digest[:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(e.Body)))
	b = append(b, e.Body...)
	e.Body = b[headerLen:len(b):len(b)]
	e.raw = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	e.Hash = hash(e.raw)
	return e
}

func hash(raw []byte) [32]byte { return sha256.Sum256(raw[:hashedLen]) }

// Sealed is an entry that has not been read: its bytes, which must not be
// changed, and its place in the ledger.
type Sealed struct {
	Index uint64
	Raw   []byte
}

// Open reads the entry.
func (s Sealed) Open() (Entry, error) { return Open(s.Index, s.Raw) }

// Link is how a sealed entry is chained: the hash of the entry before and its
// own. Its checksum is not looked at.
func Link(raw []byte) (prev, own [32]byte, ok bool) {
	if len(raw) < Overhead {
		return prev, own, false
	}
	return [32]byte(raw[13:45]), hash(raw), true
}

// Open reads the sealed entry at an index and checks its checksum. The chain is
// the caller's to check: Prev must be the hash of the entry before.
func Open(index uint64, raw []byte) (Entry, error) {
	if len(raw) < Overhead {
		return Entry{}, errShort
	}
	if string(raw[:len(magic)]) != magic {
		return Entry{}, errMagic
	}
	if v := raw[len(magic)]; v != version {
		return Entry{}, fmt.Errorf("entry has format version %d; this program reads version %d: %w", v, version, ErrNewer)
	}
	if n := binary.LittleEndian.Uint32(raw[hashedLen:]); n > MaxBody || int(n) != len(raw)-Overhead {
		return Entry{}, errLength
	}
	end := len(raw) - 4
	if binary.LittleEndian.Uint32(raw[end:]) != crc32.Checksum(raw[:end], castagnoli) {
		return Entry{}, errSum
	}
	e := Entry{Index: index, Kind: Kind(raw[4]), Time: int64(binary.LittleEndian.Uint64(raw[5:])), Body: raw[headerLen:end:end], Hash: hash(raw), raw: raw}
	copy(e.Prev[:], raw[13:45])
	copy(e.Digest[:], raw[45:hashedLen])
	return e, nil
}

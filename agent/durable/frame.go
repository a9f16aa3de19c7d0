package durable

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// ErrDamaged is wrapped by Unframe when the bytes are not what was written.
var ErrDamaged = errors.New("damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Frame puts magic (four bytes) and version before body and a CRC-32C after
// it. Every later version keeps these outer bytes.
func Frame(magic string, version byte, body []byte) []byte {
	out := append(make([]byte, 0, len(magic)+5+len(body)), magic...)
	out = append(out, version)
	out = append(out, body...)
	return binary.LittleEndian.AppendUint32(out, crc32.Checksum(out, castagnoli))
}

// Unframe undoes Frame. A whole file of a newer version is an error that names
// both versions; anything else that does not fit is ErrDamaged.
func Unframe(magic string, version byte, raw []byte) ([]byte, error) {
	end := len(raw) - 4
	if end < len(magic)+1 || string(raw[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: does not begin with %q", ErrDamaged, magic)
	}
	if binary.LittleEndian.Uint32(raw[end:]) != crc32.Checksum(raw[:end], castagnoli) {
		return nil, fmt.Errorf("%w: checksum does not match", ErrDamaged)
	}
	if v := raw[len(magic)]; v != version {
		return nil, fmt.Errorf("format version %d; this program reads version %d: upgrade it first", v, version)
	}
	return raw[len(magic)+1 : end], nil
}

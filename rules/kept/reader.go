package kept

import "encoding/binary"

// A Reader consumes bytes; once any are missing it is Bad and yields zeros.
type Reader struct {
	B   []byte
	Bad bool
}

// Take consumes n bytes; nil if there are fewer.
func (in *Reader) Take(n uint64) []byte {
	if n > uint64(len(in.B)) {
		in.Bad, in.B = true, nil
		return nil
	}
	out := in.B[:n]
	in.B = in.B[n:]
	return out
}

// Byte consumes one byte.
func (in *Reader) Byte() byte {
	if b := in.Take(1); b != nil {
		return b[0]
	}
	return 0
}

// Uint32 consumes four bytes.
func (in *Reader) Uint32() uint32 {
	if b := in.Take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// Uint64 consumes eight bytes.
func (in *Reader) Uint64() uint64 {
	if b := in.Take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// Int64 consumes eight bytes.
func (in *Reader) Int64() int64 { return int64(in.Uint64()) }

// Uvarint consumes a number of a length of its own.
func (in *Reader) Uvarint() uint64 {
	v, n := binary.Uvarint(in.B)
	if n <= 0 {
		in.Bad, in.B = true, nil
		return 0
	}
	in.B = in.B[n:]
	return v
}

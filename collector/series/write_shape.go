package series

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// maxParts bounds the messages inside a remote write request. Decoded, one
// costs up to 300 bytes while it may be coded in two: without a bound 32 MB
// would become gigabytes.
const maxParts = 400_000

var (
	errProtobuf = errors.New("the body is no protobuf message of remote write")
	errParts    = fmt.Errorf("more than %d labels, samples and series in one request: send smaller ones", maxParts)
)

// Fields of a request that hold a series.
const (
	seriesField1 = 1 // of protocol 1
	seriesField2 = 5 // of protocol 2
)

// checkShape counts the messages inside a request and inside its series
// without decoding them. It checks no more: the decoder does.
func checkShape(raw []byte) error {
	parts := 0
	return fields(raw, func(field uint64, inside []byte) error {
		parts++
		if field == seriesField1 || field == seriesField2 {
			err := fields(inside, func(uint64, []byte) error {
				parts++
				return nil
			})
			if err != nil {
				return err
			}
		}
		if parts > maxParts {
			return errParts
		}
		return nil
	})
}

// fields calls do with the fields of a message that have a length.
func fields(raw []byte, do func(field uint64, inside []byte) error) error {
	for len(raw) > 0 {
		tag, n := binary.Uvarint(raw)
		if n <= 0 {
			return errProtobuf
		}
		raw = raw[n:]
		switch tag & 7 {
		case 0: // varint
			_, n = binary.Uvarint(raw)
		case 1:
			n = 8
		case 5:
			n = 4
		case 2:
			size, m := binary.Uvarint(raw)
			if m <= 0 || size > uint64(len(raw)-m) {
				return errProtobuf
			}
			n = m + int(size)
			if err := do(tag>>3, raw[m:n]); err != nil {
				return err
			}
		default:
			return errProtobuf
		}
		if n <= 0 || n > len(raw) {
			return errProtobuf
		}
		raw = raw[n:]
	}
	return nil
}

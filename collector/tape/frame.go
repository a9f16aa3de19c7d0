package tape

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// A segment is a header and frames. Header: "TMTP", version, three zero bytes,
// the index before its first entry (8), CRC-32C of these (4). Frame: "TMFR",
// length of the payload (4), length before compression (4), count of entries
// (4), index before the first (8), first index (8), last index (8), CRC-32C of
// the payload (4), CRC-32C of what stands before (4), payload. The payload is
// zstd over entries: distance from the index before (uvarint), length (uvarint),
// bytes. Numbers are little-endian.
const (
	segmentMagic  = "TMTP"
	frameMagic    = "TMFR"
	version       = 1
	segmentHeader = 4 + 4 + 8 + 4
	frameHeader   = 4 + 4 + 4 + 4 + 8 + 8 + 8 + 4 + 4

	maxRaw = 64 << 20 // of one frame before compression
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	// ErrDamaged is wrapped when bytes are not what was written.
	ErrDamaged = errors.New("damaged")

	errHeader  = fmt.Errorf("%w: segment header", ErrDamaged)
	errFrame   = fmt.Errorf("%w: frame header", ErrDamaged)
	errPayload = fmt.Errorf("%w: frame payload", ErrDamaged)
)

// frame is what a frame's header says.
type frame struct {
	size, raw, count  uint32
	prev, first, last uint64
	sum               uint32
	offset            int64 // of the header in its file
}

func (f frame) end() int64 { return f.offset + frameHeader + int64(f.size) }

func appendSegmentHeader(b []byte, prev uint64) []byte {
	start := len(b)
	b = append(b, segmentMagic...)
	b = append(b, version, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, prev)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

func decodeSegmentHeader(b []byte) (prev uint64, err error) {
	if len(b) < segmentHeader || string(b[:4]) != segmentMagic {
		return 0, errHeader
	}
	if v := b[4]; v != version {
		return 0, fmt.Errorf("tape has format version %d; this program reads version %d: upgrade it first", v, version)
	}
	if binary.LittleEndian.Uint32(b[16:]) != crc32.Checksum(b[:16], castagnoli) {
		return 0, errHeader
	}
	return binary.LittleEndian.Uint64(b[8:]), nil
}

// encoder turns runs of entries into frames. It belongs to one goroutine.
type encoder struct {
	zstd *zstd.Encoder
	raw  []byte
}

func newEncoder() (*encoder, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	return &encoder{zstd: z}, err
}

// appendFrame appends the frame of items, which follow prev.
func (e *encoder) appendFrame(b []byte, prev uint64, items []entry.Sealed) []byte {
	e.raw = e.raw[:0]
	at := prev
	for _, it := range items {
		e.raw = binary.AppendUvarint(e.raw, it.Index-at)
		e.raw = binary.AppendUvarint(e.raw, uint64(len(it.Raw)))
		e.raw = append(e.raw, it.Raw...)
		at = it.Index
	}
	start := len(b)
	b = append(b, make([]byte, frameHeader)...)
	b = e.zstd.EncodeAll(e.raw, b)
	h, payload := b[start:start:start+frameHeader], b[start+frameHeader:]
	h = append(h, frameMagic...)
	h = binary.LittleEndian.AppendUint32(h, uint32(len(payload)))
	h = binary.LittleEndian.AppendUint32(h, uint32(len(e.raw)))
	h = binary.LittleEndian.AppendUint32(h, uint32(len(items)))
	h = binary.LittleEndian.AppendUint64(h, prev)
	h = binary.LittleEndian.AppendUint64(h, items[0].Index)
	h = binary.LittleEndian.AppendUint64(h, at)
	h = binary.LittleEndian.AppendUint32(h, crc32.Checksum(payload, castagnoli))
	binary.LittleEndian.AppendUint32(h, crc32.Checksum(h, castagnoli))
	return b
}

// decodeFrameHeader reads a header at offset of a file.
func decodeFrameHeader(b []byte, offset int64) (frame, error) {
	if len(b) < frameHeader || string(b[:4]) != frameMagic {
		return frame{}, errFrame
	}
	if binary.LittleEndian.Uint32(b[frameHeader-4:]) != crc32.Checksum(b[:frameHeader-4], castagnoli) {
		return frame{}, errFrame
	}
	f := frame{
		size: binary.LittleEndian.Uint32(b[4:]), raw: binary.LittleEndian.Uint32(b[8:]), count: binary.LittleEndian.Uint32(b[12:]),
		prev: binary.LittleEndian.Uint64(b[16:]), first: binary.LittleEndian.Uint64(b[24:]), last: binary.LittleEndian.Uint64(b[32:]),
		sum: binary.LittleEndian.Uint32(b[40:]), offset: offset,
	}
	if f.size > 2*maxRaw || f.raw > maxRaw || f.count == 0 || f.first <= f.prev || f.last < f.first {
		return frame{}, errFrame
	}
	return f, nil
}

// decodePayload returns the entries of a frame.
func decodePayload(z *zstd.Decoder, f frame, payload []byte) ([]entry.Sealed, error) {
	if len(payload) != int(f.size) || crc32.Checksum(payload, castagnoli) != f.sum {
		return nil, errPayload
	}
	raw, err := z.DecodeAll(payload, make([]byte, 0, f.raw))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errPayload, err)
	}
	if len(raw) != int(f.raw) || int(f.count) > len(raw)/2 {
		return nil, errPayload
	}
	items := make([]entry.Sealed, 0, f.count)
	at := f.prev
	for len(raw) > 0 {
		step, n := binary.Uvarint(raw)
		size, m := binary.Uvarint(raw[max(n, 0):])
		if n <= 0 || m <= 0 || step == 0 || size > uint64(len(raw)-n-m) {
			return nil, errPayload
		}
		at += step
		raw = raw[n+m:]
		items = append(items, entry.Sealed{Index: at, Raw: raw[:size:size]})
		raw = raw[size:]
	}
	if len(items) != int(f.count) || items[0].Index != f.first || at != f.last {
		return nil, errPayload
	}
	return items, nil
}

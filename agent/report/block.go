package report

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
)

// BlocksType is the content type of POST /v1/blocks: blocks back to back.
const BlocksType = "application/vnd.tomeishi.blocks"

const (
	blockMagic   = "TMBK"
	blockVersion = 1
	maxAgent     = 255     // bytes of an agent's id
	maxSeq       = 1 << 53 // more blocks than any spool will ever make
)

// A SpoolID is made at random with the spool, so that two spools with one
// agent's name are told apart.
type SpoolID [16]byte

func (s SpoolID) String() string { return hex.EncodeToString(s[:]) }

// Head places a batch in the stream of its agent.
type Head struct {
	Agent string
	Spool SpoolID
	Seq   uint64   // 1, 2, 3, … within the spool id
	Prev  [32]byte // the digest of the batch before; zero for the first
}

// A Block is a batch on its way from one agent, delivered at least once and
// applied exactly once.
type Block struct {
	Head
	Batch Batch
}

// Append appends the wire form: magic, version, length of head and batch in
// eight bytes, head, batch, CRC-32C.
func (b Block) Append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, blockMagic...)
	dst = append(dst, blockVersion)
	inner := appendString(nil, b.Agent)
	inner = append(inner, b.Spool[:]...)
	inner = binary.AppendUvarint(inner, b.Seq)
	inner = append(inner, b.Prev[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(inner)+len(b.Batch.raw)))
	dst = append(dst, inner...)
	dst = append(dst, b.Batch.raw...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// ReadBlock reads the first block of raw and returns what follows it.
func ReadBlock(raw []byte) (b Block, rest []byte, err error) {
	if err := opens(raw, blockMagic, blockVersion, "block"); err != nil {
		return Block{}, nil, err
	}
	const fixed = len(blockMagic) + 1 + 8
	if len(raw) < fixed+4 {
		return Block{}, nil, fmt.Errorf("block: %w: cut off after %d bytes", errShape, len(raw))
	}
	size, room := binary.LittleEndian.Uint64(raw[fixed-8:]), uint64(len(raw)-fixed-4)
	if size > room {
		return Block{}, nil, fmt.Errorf("block: %w: cut off, or its length is damaged: it names %d bytes and %d are left", errShape, size, room)
	}
	end := fixed + int(size) + 4
	body, err := unseal(raw[:end], blockMagic, blockVersion, "block")
	if err != nil {
		return Block{}, nil, err
	}
	c := cursor{b: body[8:]}
	b.Agent = c.str()
	copy(b.Spool[:], c.bytes(16))
	b.Seq = c.uvarint()
	copy(b.Prev[:], c.bytes(32))
	if c.bad || b.Agent == "" || len(b.Agent) > maxAgent || b.Seq == 0 || b.Seq > maxSeq {
		return Block{}, nil, fmt.Errorf("block: head: %w", errShape)
	}
	if err := checkAttr(b.Agent); err != nil {
		return Block{}, nil, fmt.Errorf("block: agent: %w", err)
	}
	if b.Batch, err = OpenBatch(c.b); err != nil {
		return Block{}, nil, fmt.Errorf("block %d: %w", b.Seq, err)
	}
	return b, raw[end:], nil
}

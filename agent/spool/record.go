package spool

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/tomeishi/tomeishi/agent/durable"
)

// A segment begins with its header, twice, and then holds records:
//
//	header  "TMSP" version salt[8] first[8] CRC-32C
//	record  "TMSr" CRC-32C(salt, rest of this header)
//	        seq[8] length[4] CRC-32C(body)[4] prev[32] body
//
// The salt is random, so that nothing an application sends can look like a
// record when one is searched for behind damage.
const (
	segMagic   = "TMSP"
	segVersion = 1
	segHead    = 4 + 1 + 8 + 8 + 4
	segStart   = 2 * segHead

	recMark = "TMSr"
	recHead = 4 + 4 + 8 + 4 + 4 + 32
	recMax  = 16 << 20 // bytes of one body
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type salt [8]byte

func newSalt() (s salt) {
	_, _ = rand.Read(s[:]) // never fails
	return s
}

func encodeSegHead(s salt, first uint64) []byte {
	one := durable.Frame(segMagic, segVersion, binary.LittleEndian.AppendUint64(s[:], first))
	return append(one, one...)
}

// decodeSegHead reads the salt from whichever copy is whole.
func decodeSegHead(raw []byte) (s salt, err error) {
	for i := 0; i < segStart; i += segHead {
		if len(raw) < i+segHead {
			return salt{}, fmt.Errorf("segment header: %w: cut off", durable.ErrDamaged)
		}
		var body []byte
		if body, err = durable.Unframe(segMagic, segVersion, raw[i:i+segHead]); err == nil {
			return salt(body), nil
		}
	}
	return salt{}, fmt.Errorf("segment header: %w", err)
}

type recordHead struct {
	seq  uint64
	size uint32
	sum  uint32
	prev digest
}

func appendRecord(dst []byte, s salt, seq uint64, prev digest, body []byte) []byte {
	start := len(dst)
	dst = append(dst, recMark...)
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.LittleEndian.AppendUint64(dst, seq)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(body)))
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(body, castagnoli))
	dst = append(dst, prev[:]...)
	binary.LittleEndian.PutUint32(dst[start+4:], headSum(s, dst[start:]))
	return append(dst, body...)
}

// decodeRecordHead reads the header at the start of raw.
func decodeRecordHead(s salt, raw []byte) (h recordHead, ok bool) {
	if len(raw) < recHead || !bytes.HasPrefix(raw, []byte(recMark)) ||
		binary.LittleEndian.Uint32(raw[4:]) != headSum(s, raw) {
		return recordHead{}, false
	}
	h.seq = binary.LittleEndian.Uint64(raw[8:])
	h.size = binary.LittleEndian.Uint32(raw[16:])
	h.sum = binary.LittleEndian.Uint32(raw[20:])
	h.prev = digest(raw[24:])
	return h, h.size <= recMax
}

func headSum(s salt, raw []byte) uint32 {
	return crc32.Update(crc32.Checksum(s[:], castagnoli), castagnoli, raw[8:recHead])
}

package spool

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"github.com/tomeishi/tomeishi/agent/durable"
	"github.com/tomeishi/tomeishi/agent/report"
)

const (
	metaName    = "meta"
	metaMagic   = "TMSM"
	metaVersion = 1
	metaBody    = 16 + 8 + 8
)

// meta says who the spool is. Sequences on disk never start again; those on
// the wire are counted from base, where the present id began.
type meta struct {
	id    report.SpoolID
	base  uint64
	acked uint64 // no newer than the head file's, which is written more often
}

func newID() (id report.SpoolID) {
	// Read never fails: it ends the program instead.
	_, _ = rand.Read(id[:])
	return id
}

func (m meta) encode() []byte {
	body := append(make([]byte, 0, metaBody), m.id[:]...)
	body = binary.LittleEndian.AppendUint64(body, m.base)
	body = binary.LittleEndian.AppendUint64(body, m.acked)
	return durable.Frame(metaMagic, metaVersion, body)
}

func decodeMeta(raw []byte) (m meta, err error) {
	body, err := durable.Unframe(metaMagic, metaVersion, raw)
	if err != nil {
		return meta{}, fmt.Errorf("meta: %w", err)
	}
	if len(body) != metaBody {
		return meta{}, fmt.Errorf("meta: %w: %d bytes", durable.ErrDamaged, len(body))
	}
	copy(m.id[:], body)
	m.base = binary.LittleEndian.Uint64(body[16:])
	m.acked = binary.LittleEndian.Uint64(body[24:])
	if m.base > m.acked {
		return meta{}, fmt.Errorf("meta: %w: base %d is above acknowledged %d", durable.ErrDamaged, m.base, m.acked)
	}
	return m, nil
}

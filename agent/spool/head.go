package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/tomeishi/tomeishi/agent/durable"
)

const (
	headName    = "head"
	headMagic   = "TMSH"
	headVersion = 1
	slotSize    = 4 + 1 + 8 + 8 + 32 + 4
	slotGap     = 4096 // the slots never share a sector or a page
)

// head remembers how far sequences went, apart from the records themselves: if
// those are damaged, numbers go on after it.
type head struct {
	seq   uint64 // newest durable record
	prev  digest // its batch's digest
	acked uint64
}

// headFile holds the head in two slots, written in turn without a sync: it
// outlives a kill at once, and a power cut most of the time.
type headFile struct {
	f    *os.File
	turn int64
}

func (h head) encode() []byte {
	body := make([]byte, 0, slotSize)
	body = binary.LittleEndian.AppendUint64(body, h.seq)
	body = binary.LittleEndian.AppendUint64(body, h.acked)
	body = append(body, h.prev[:]...)
	return durable.Frame(headMagic, headVersion, body)
}

func decodeHead(raw []byte) (h head, err error) {
	body, err := durable.Unframe(headMagic, headVersion, raw)
	if err != nil {
		return head{}, fmt.Errorf("head: %w", err)
	}
	if len(body) != slotSize-9 {
		return head{}, fmt.Errorf("head: %w: %d bytes", durable.ErrDamaged, len(body))
	}
	h.seq = binary.LittleEndian.Uint64(body)
	h.acked = binary.LittleEndian.Uint64(body[8:])
	h.prev = digest(body[16:])
	return h, nil
}

// openHead reads the head. Unless both slots are whole the error is
// ErrDamaged or os.ErrNotExist beside the best that could be read.
func openHead(path string) (*headFile, head, error) {
	_, statErr := os.Stat(path)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, head{}, err
	}
	hf := &headFile{f: f}
	if errors.Is(statErr, os.ErrNotExist) {
		return hf, head{}, statErr
	}
	var best head
	var bad error
	for i := range int64(2) {
		raw := make([]byte, slotSize)
		if _, err := f.ReadAt(raw, i*slotGap); err != nil {
			bad = errors.Join(bad, fmt.Errorf("head: %w: %w", durable.ErrDamaged, err))
			continue
		}
		h, err := decodeHead(raw)
		switch {
		case err != nil:
			bad = errors.Join(bad, err)
		case h.seq > best.seq || h.seq == best.seq && h.acked >= best.acked:
			best, hf.turn = h, 1-i
		}
	}
	return hf, best, bad
}

func (hf *headFile) put(h head) error {
	_, err := hf.f.WriteAt(h.encode(), hf.turn*slotGap)
	if err == nil {
		hf.turn = 1 - hf.turn
	}
	return err
}

// reset fills both slots and syncs them.
func (hf *headFile) reset(h head) error {
	if err := errors.Join(hf.put(h), hf.put(h)); err != nil {
		return err
	}
	return hf.f.Sync()
}

package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// Head is the last applied entry.
type Head struct {
	Index uint64   // raft index; raft's own entries leave holes
	Hash  [32]byte // hash of the entry
	Time  int64    // its ledger time
}

const (
	headVersion   = 1
	headLen       = 4 + 1 + 8 + 32 + 8 + 4
	headSlot      = 64
	headMagic     = "TMLH" // in the head file
	snapshotMagic = "TMLS" // before the state in a snapshot
)

func appendHead(b []byte, magic string, h Head) []byte {
	start := len(b)
	b = append(append(b, magic...), headVersion)
	b = binary.LittleEndian.AppendUint64(b, h.Index)
	b = append(b, h.Hash[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.Time))
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

func decodeHead(magic string, b []byte) (Head, error) {
	if len(b) < headLen || string(b[:4]) != magic {
		return Head{}, fmt.Errorf("does not begin with %q", magic)
	}
	if v := b[4]; v != headVersion {
		return Head{}, fmt.Errorf("format version %d; this program reads version %d: %w", v, headVersion, entry.ErrNewer)
	}
	if binary.LittleEndian.Uint32(b[headLen-4:]) != crc32.Checksum(b[:headLen-4], castagnoli) {
		return Head{}, errors.New("checksum does not match")
	}
	h := Head{Index: binary.LittleEndian.Uint64(b[5:]), Time: int64(binary.LittleEndian.Uint64(b[45:]))}
	copy(h.Hash[:], b[13:45])
	return h, nil
}

// headFile remembers the last acknowledged entry beside the log, in two slots
// that are written in turn. It is not synced: it outlives a killed process, and
// after a power cut it is merely older than the log, which never hurts.
type headFile struct {
	f   *os.File
	seq int
	buf []byte
}

func openHeadFile(dir string) (*headFile, Head, error) {
	f, err := os.OpenFile(filepath.Join(dir, "head"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, Head{}, fmt.Errorf("open head file: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(f, 2*headSlot))
	if err != nil {
		return nil, Head{}, errors.Join(fmt.Errorf("read head file: %w", err), f.Close())
	}
	if len(raw) < 2*headSlot { // room for both slots now, not on a full disk
		if _, err := f.WriteAt(make([]byte, 2*headSlot-len(raw)), int64(len(raw))); err != nil {
			return nil, Head{}, errors.Join(fmt.Errorf("make head file: %w", err), f.Close())
		}
	}
	h := &headFile{f: f}
	var last Head
	for slot := range 2 {
		at := min(slot*headSlot, len(raw))
		got, err := decodeHead(headMagic, raw[at:])
		if errors.Is(err, entry.ErrNewer) {
			return nil, Head{}, errors.Join(fmt.Errorf("head file: %w", err), f.Close())
		}
		// A torn slot is the one that was being written: the other one stands.
		if err == nil && got.Index >= last.Index {
			last, h.seq = got, slot+1
		}
	}
	return h, last, nil
}

func (h *headFile) write(head Head) error {
	h.buf = appendHead(h.buf[:0], headMagic, head)
	_, err := h.f.WriteAt(h.buf, int64(h.seq%2)*headSlot)
	h.seq++
	return err
}

func (h *headFile) close() error { return h.f.Close() }

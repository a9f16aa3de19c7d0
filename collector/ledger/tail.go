package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft-wal/metadb"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
)

// raft-wal's segments: a header, then frames padded to eight bytes, each with a
// type and a length; a commit frame carries the CRC of what came since the one
// before. Read here for what raft-wal v0.4.0 leaves undone after a crash: a
// last segment that is sealed on disk but not in the meta store refuses every
// append for ever, and the bytes after a torn batch are left to be misread.
const (
	segmentHeader = 32
	frameHeader   = 8
	frameEntry    = 1
	frameIndex    = 2
	frameCommit   = 3
)

// tail is what the last segment holds.
type tail struct {
	path    string
	entries uint64 // within valid commits
	end     int64  // after the last valid commit
	sealed  uint64 // where the index begins, if the segment is sealed
	torn    bool   // bytes stand after end
}

// scanTail walks the frames. A commit that does not match its sum is a torn
// batch if nothing valid follows, and damage if something does: the log was
// synced before the next batch was written.
func scanTail(path string, base uint64) (tail, error) {
	t := tail{path: path}
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return t, fmt.Errorf("read last segment: %w", err)
	}
	var entries, index, since uint64
	bad := false
	for off := uint64(segmentHeader); off+frameHeader <= uint64(len(b)); {
		n := uint64(binary.LittleEndian.Uint32(b[off+4:]))
		switch b[off] {
		case frameEntry:
			entries++
		case frameIndex:
			index = off + frameHeader
		case frameCommit:
			ok := uint64(crc32.Checksum(b[since:off], castagnoli)) == n
			if ok && bad {
				return t, damaged(base+t.entries, errBatch)
			}
			bad = bad || !ok
			since, n = off+frameHeader, 0
			if ok {
				t.entries, t.end, t.sealed = entries, int64(since), index
			}
		default:
			n = uint64(len(b)) // zeros, or a torn batch
		}
		off += frameHeader + (n+7)&^7
	}
	t.torn = !zero(b[min(t.end, int64(len(b))):])
	return t, nil
}

var errBatch = errors.New("a batch of the log does not match its checksum and later ones do")

func zero(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if binary.LittleEndian.Uint64(b) != 0 {
			return false
		}
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// clean clears what a torn batch left. It was never acknowledged.
func (t tail) clean() error {
	if !t.torn {
		return nil
	}
	f, err := os.OpenFile(t.path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("clear torn batch: %w", err)
	}
	info, err := f.Stat()
	if err == nil {
		_, err = f.WriteAt(make([]byte, info.Size()-t.end), t.end)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// finishRotation records that the last segment is sealed, as raft-wal would
// have if it had lived a moment longer.
func (t tail) finishRotation(meta *metadb.BoltMetaDB, state types.PersistentState) error {
	if t.sealed == 0 {
		return nil
	}
	last := &state.Segments[len(state.Segments)-1]
	last.SealTime = time.Now()
	last.MaxIndex = last.BaseIndex + t.entries - 1
	last.IndexStart = t.sealed
	state.Segments = append(state.Segments, types.SegmentInfo{
		ID: state.NextSegmentID, BaseIndex: last.MaxIndex + 1, MinIndex: last.MaxIndex + 1,
		SizeLimit: last.SizeLimit, Codec: last.Codec, CreateTime: time.Now(),
	})
	state.NextSegmentID++
	if err := meta.CommitState(state); err != nil {
		return fmt.Errorf("finish rotation: %w", err)
	}
	return nil
}

// lastSegment returns the segment that is being written, if there is one.
func lastSegment(dir string, state types.PersistentState) (path string, base uint64, ok bool) {
	if len(state.Segments) == 0 {
		return "", 0, false
	}
	last := state.Segments[len(state.Segments)-1]
	return filepath.Join(dir, segment.FileName(last)), last.BaseIndex, last.SealTime.IsZero()
}

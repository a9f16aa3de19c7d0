package ledger

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/raft-wal/metadb"
	"github.com/hashicorp/raft-wal/segment"
)

// undoRotation puts the meta store back to before the last rotation and removes
// the segment that it made.
func undoRotation(t *testing.T, dir string) {
	t.Helper()
	var db metadb.BoltMetaDB
	state, err := db.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	n := len(state.Segments)
	if n < 2 { // it died before
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := os.Remove(filepath.Join(dir, segment.FileName(state.Segments[n-1]))); err != nil {
		t.Fatal(err)
	}
	state.Segments = state.Segments[:n-1]
	last := &state.Segments[n-2]
	last.SealTime, last.MaxIndex, last.IndexStart = time.Time{}, 0, 0
	state.NextSegmentID--
	if err := db.CommitState(state); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

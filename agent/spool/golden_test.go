package spool

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tomeishi/tomeishi/agent/report"
)

// TestGolden reads a spool that the first version wrote, and writes the same
// bytes.
func TestGolden(t *testing.T) {
	const testdata = "testdata/v1"
	id := report.SpoolID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	key := salt{8, 7, 6, 5, 4, 3, 2, 1}
	segment := encodeSegHead(key, 8)
	var prev digest
	for i, name := range []string{"8", "9"} {
		b := events(name).Batch()
		segment = appendRecord(segment, key, 8+uint64(i), prev, b.Bytes())
		prev = b.Digest()
	}
	slot := head{seq: 9, prev: prev, acked: 7}.encode()
	files := map[string][]byte{
		metaName:   meta{id: id, base: 5, acked: 7}.encode(),
		headName:   append(append(bytes.Clone(slot), make([]byte, slotGap-slotSize)...), slot...),
		segName(8): segment,
	}
	if os.Getenv("GOLDEN") == "write" {
		writeDir(t, testdata, files)
	}
	golden := readDir(t, testdata)
	for name, raw := range files {
		if !bytes.Equal(raw, golden[name]) {
			t.Errorf("%s is written otherwise than by version 1", name)
		}
	}
	dir := filepath.Join(t.TempDir(), "spool")
	writeDir(t, dir, golden)
	q := open(t, dir)
	got := waitingNow(t, q)
	if !slices.Equal(ids(got), []string{"8", "9"}) || !slices.Equal(seqs(got), []uint64{3, 4}) || q.ID() != id {
		t.Errorf("%q %v %v", ids(got), seqs(got), q.ID())
	}
}

package spool

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/agent/report"
)

// small makes a spool of two segments with two records each, the first of them
// acknowledged, and returns its files and blocks.
func small(t testing.TB) (map[string][]byte, []report.Block) {
	t.Helper()
	dir := t.TempDir()
	q := open(t, dir)
	add(t, q, "1")
	add(t, q, "2")
	shut(t, q)
	q = open(t, dir)
	add(t, q, "3")
	add(t, q, "4")
	blocks := waitingNow(t, q)
	if err := q.Ack(1); err != nil {
		t.Fatal(err)
	}
	shut(t, q)
	return readDir(t, dir), blocks
}

func readDir(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = raw
	}
	return files
}

func writeDir(t testing.TB, dir string, files map[string][]byte) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, raw := range files {
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// sound checks what must hold after any one damage: order, no number given
// twice, and every event but those in lost still there.
func sound(t *testing.T, dir string, before []report.Block, lost []string) {
	t.Helper()
	q, err := tryOpen(dir)
	if err != nil {
		t.Fatalf("does not open: %v", err)
	}
	defer shut(t, q)
	add(t, q, "new")
	got := waitingNow(t, q)
	have := ids(got)
	var want []string
	for _, id := range []string{"2", "3", "4", "new"} {
		if !slices.Contains(lost, id) {
			want = append(want, id)
		}
	}
	for _, id := range want {
		if !slices.Contains(have, id) {
			t.Fatalf("%s is lost; left: %q", id, have)
		}
	}
	if !slices.IsSorted(have) {
		t.Fatalf("reordered: %q", have)
	}
	var last uint64
	for _, b := range got {
		if b.Seq <= last {
			t.Fatalf("sequences %v", seqs(got))
		}
		last = b.Seq
		for _, old := range before {
			if b.Spool == old.Spool && b.Seq == old.Seq && b.Batch.Digest() != old.Batch.Digest() {
				t.Fatalf("sequence %d is given to other bytes", b.Seq)
			}
		}
	}
}

// holders names the events whose record overlaps byte at of the file.
func holders(files map[string][]byte, name string, at int) (out []string) {
	if !strings.HasSuffix(name, segSuffix) {
		return nil
	}
	w, err := openWalker(bytes.NewReader(files[name]))
	if err != nil {
		return nil
	}
	for {
		f, err := w.next(int64(len(files[name])))
		if errors.Is(err, io.EOF) {
			return out
		}
		if int64(at) < f.to && (at < 0 || f.from <= int64(at)) {
			batch, err := report.OpenBatch(f.body)
			if err != nil {
				continue
			}
			out = append(out, ids([]report.Block{{Batch: batch}})...)
		}
	}
}

func TestOneFlippedBitAnywhere(t *testing.T) {
	files, before := small(t)
	dir := filepath.Join(ramDir(t), "spool")
	for name, raw := range files {
		for at := range raw {
			if name == headName && at > slotSize && at < slotGap {
				continue // a hole that nobody reads
			}
			if testing.Short() && at%7 != 0 {
				continue
			}
			raw[at] ^= 1 << (at % 8)
			writeDir(t, dir, files)
			raw[at] ^= 1 << (at % 8)
			sound(t, dir, before, holders(files, name, at))
			if t.Failed() {
				t.Fatalf("%s, byte %d of %d", name, at, len(raw))
			}
		}
	}
}

func TestCutAnywhere(t *testing.T) {
	files, before := small(t)
	dir := filepath.Join(ramDir(t), "spool")
	for name, raw := range files {
		for at := 0; at < len(raw); at += 3 {
			if name == headName && at > slotSize && at < slotGap {
				continue
			}
			var lost []string
			for i := at; i < len(raw); i++ {
				if at <= segStart && strings.HasSuffix(name, segSuffix) && i < segStart {
					i = segStart // records begin here
				}
				lost = append(lost, holders(files, name, i)...)
			}
			files[name] = raw[:at]
			writeDir(t, dir, files)
			files[name] = raw
			sound(t, dir, before, lost)
			if t.Failed() {
				t.Fatalf("%s, cut at %d of %d", name, at, len(raw))
			}
		}
		files[name] = nil
		delete(files, name)
		writeDir(t, dir, files)
		files[name] = raw
		sound(t, dir, before, []string{"1", "2", "3", "4"})
	}
}

func TestDamageIsSetAsideAndCounted(t *testing.T) {
	files, _ := small(t)
	name := segName(1)
	w, err := openWalker(bytes.NewReader(files[name]))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.next(1 << 20); err != nil {
		t.Fatal(err)
	}
	from := w.off
	files[name][from+recHead+5] ^= 1 // in the body of the second record
	dir := filepath.Join(t.TempDir(), "spool")
	writeDir(t, dir, files)
	q := open(t, dir)
	got := waitingNow(t, q)
	if len(got) != 2 || got[0].Seq != 3 {
		t.Errorf("sequences %v", seqs(got))
	}
	kept, err := filepath.Glob(filepath.Join(dir, damagedDir, "*"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept %q, %v", kept, err)
	}
	raw, err := os.ReadFile(kept[0])
	if err != nil || !bytes.Equal(raw, files[name][from:]) {
		t.Errorf("the copy has %d bytes, the damage %d; %v", len(raw), len(files[name])-int(from), err)
	}
	if n := q.m.damaged.Get(); n != 1 {
		t.Errorf("damage counted %d times", n)
	}
	if n := q.m.missing.Get(); n != 1 {
		t.Errorf("missing blocks counted %d times", n)
	}
}

// TestLostTail: what the head file knows was confirmed is gone, so numbers go
// on behind it, and a block without events shows the gap at once.
func TestLostTail(t *testing.T) {
	files, before := small(t)
	delete(files, segName(3))
	dir := filepath.Join(t.TempDir(), "spool")
	writeDir(t, dir, files)
	q := open(t, dir)
	add(t, q, "new")
	got := waitingNow(t, q)
	if len(got) != 3 || got[1].Seq != 5 || got[1].Batch.Len() != 0 || got[1].Prev != before[3].Batch.Digest() || got[2].Seq != 6 {
		t.Errorf("sequences %v", seqs(got))
	}
}

// TestPayloadCannotForgeRecords: bytes that an application chose are searched
// when a header is damaged, and must not pass for a record.
func TestPayloadCannotForgeRecords(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir)
	forged := appendRecord(nil, salt{}, 2, digest{}, events("forged").Bytes())
	var b report.Builder
	b.Add(&report.Event{ID: "carrier", Source: "app", Type: "t", Seen: 1, DataType: "application/octet-stream", Data: forged})
	if err := q.Append(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	add(t, q, "after")
	shut(t, q)
	path := filepath.Join(dir, segName(1))
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[segStart] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := ids(waitingNow(t, open(t, dir))); !slices.Equal(got, []string{"after"}) {
		t.Errorf("got %q", got)
	}
}

func TestNewerVersionIsRefused(t *testing.T) {
	files, _ := small(t)
	for _, name := range []string{metaName, headName, segName(3)} {
		changed := make(map[string][]byte)
		for n, raw := range files {
			changed[n] = bytes.Clone(raw)
		}
		raw := changed[name]
		switch name {
		case metaName:
			copy(raw, newer(raw))
		case headName:
			copy(raw, newer(raw[:slotSize]))
			copy(raw[slotGap:], newer(raw[slotGap:]))
		default:
			copy(raw, newer(raw[:segHead]))
			copy(raw[segHead:], newer(raw[segHead:segStart]))
		}
		dir := filepath.Join(t.TempDir(), "spool")
		writeDir(t, dir, changed)
		_, err := tryOpen(dir)
		if err == nil || !strings.Contains(err.Error(), "version 2") || !strings.Contains(err.Error(), "version 1") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSpoolNeedsItsDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var pathErr *fs.PathError
	if _, err := tryOpen(filepath.Join(file, "spool")); !errors.As(err, &pathErr) {
		t.Errorf("got %v", err)
	}
}

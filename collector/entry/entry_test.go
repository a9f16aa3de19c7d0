package entry

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write golden files")

func sample() Entry {
	e := Entry{Kind: 3, Time: 1_700_000_000_123_456_789, Body: []byte(`{"what":"golden"}`)}
	e.Prev = sha256.Sum256([]byte("the entry before"))
	e.Digest = sha256.Sum256(e.Body)
	return Seal(e)
}

func TestEntryGolden(t *testing.T) {
	const path = "testdata/entry.v1"
	if *update {
		if err := os.WriteFile(path, sample().Raw(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(raw, sample().Raw()) {
		t.Errorf("encoded differently:\n%x\n%x", sample().Raw(), raw)
	}
	e, err := Open(0, raw)
	if err != nil {
		t.Fatal(err)
	}
	want := sample()
	if e.Kind != want.Kind || e.Time != want.Time || e.Prev != want.Prev || e.Digest != want.Digest || !bytes.Equal(e.Body, want.Body) {
		t.Errorf("got %+v, want %+v", e, want)
	}
	const hash = "0f04cd9b05bd65cc"
	if h := e.Hash; !strings.HasPrefix(hex.EncodeToString(h[:]), hash) {
		t.Errorf("hash %x, want %s…", h, hash)
	}
}

func TestOpenFindsEveryFlippedBitAndCut(t *testing.T) {
	raw := sample().Raw()
	for i := range raw {
		for bit := range 8 {
			bad := bytes.Clone(raw)
			bad[i] ^= 1 << bit
			if _, err := Open(0, bad); err == nil {
				t.Errorf("byte %d bit %d flipped: no error", i, bit)
			}
		}
		if _, err := Open(0, raw[:i]); err == nil {
			t.Errorf("cut at %d: no error", i)
		}
	}
	if _, err := Open(0, append(bytes.Clone(raw), 0)); err == nil {
		t.Error("one byte more: no error")
	}
	newer := bytes.Clone(raw)
	newer[3] = 2
	_, err := Open(0, newer)
	if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "version 2") || !strings.Contains(err.Error(), "version 1") {
		t.Errorf("newer version: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(sample().Raw())
	f.Add(Seal(Entry{}).Raw())
	f.Add([]byte("TML\x02"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := Open(0, raw)
		if err != nil {
			return
		}
		if again := Seal(e); !bytes.Equal(again.Raw(), raw) {
			t.Errorf("decoded and encoded again: %x, want %x", again.Raw(), raw)
		}
	})
}

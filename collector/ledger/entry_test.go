package ledger

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
	return encode(e)
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
	e, err := Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	want := sample()
	if e.Kind != want.Kind || e.Time != want.Time || e.Prev != want.Prev || e.Digest != want.Digest || !bytes.Equal(e.Body, want.Body) {
		t.Errorf("got %+v, want %+v", e, want)
	}
	const hash = "0f04cd9b05bd65cc"
	if h := e.Hash(); !strings.HasPrefix(hex.EncodeToString(h[:]), hash) {
		t.Errorf("hash %x, want %s…", h, hash)
	}
}

func TestDecodeFindsEveryFlippedBitAndCut(t *testing.T) {
	raw := sample().Raw()
	for i := range raw {
		for bit := range 8 {
			bad := bytes.Clone(raw)
			bad[i] ^= 1 << bit
			if _, err := Decode(bad); err == nil {
				t.Errorf("byte %d bit %d flipped: no error", i, bit)
			}
		}
		if _, err := Decode(raw[:i]); err == nil {
			t.Errorf("cut at %d: no error", i)
		}
	}
	if _, err := Decode(append(bytes.Clone(raw), 0)); err == nil {
		t.Error("one byte more: no error")
	}
	newer := bytes.Clone(raw)
	newer[3] = 2
	_, err := Decode(newer)
	if !errors.Is(err, errNewer) || !strings.Contains(err.Error(), "version 2") || !strings.Contains(err.Error(), "version 1") {
		t.Errorf("newer version: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(sample().Raw())
	f.Add(encode(Entry{}).Raw())
	f.Add([]byte("TML\x02"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := Decode(raw)
		if err != nil {
			return
		}
		if again := encode(e); !bytes.Equal(again.Raw(), raw) {
			t.Errorf("decoded and encoded again: %x, want %x", again.Raw(), raw)
		}
	})
}

func FuzzHead(f *testing.F) {
	f.Add(appendHead(nil, headMagic, Head{Index: 7, Time: 9}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, err := decodeHead(headMagic, raw)
		if err == nil && !bytes.Equal(appendHead(nil, headMagic, h), raw[:headLen]) {
			t.Errorf("decoded and encoded again differs: %x", raw)
		}
	})
}

func TestHeadFile(t *testing.T) {
	dir := t.TempDir()
	for i := range uint64(5) {
		h, last, err := openHeadFile(dir)
		if err != nil {
			t.Fatal(err)
		}
		if last.Index != i*3 {
			t.Errorf("head %d, want %d", last.Index, i*3)
		}
		for k := range uint64(3) {
			if err := h.write(Head{Index: i*3 + k + 1}); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.close(); err != nil {
			t.Fatal(err)
		}
	}
	path := dir + "/head"
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[int]uint64{20: 14, headSlot + 20: 15, 4: 0, headSlot + 4: 0} {
		bad := bytes.Clone(raw)
		bad[at] ^= 2
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		_, last, err := openHeadFile(dir)
		if want == 0 {
			if !errors.Is(err, errNewer) {
				t.Errorf("version changed at %d: %v", at, err)
			}
		} else if err != nil || last.Index != want && last.Index != 29-want {
			t.Errorf("byte %d changed: head %d, %v; want %d", at, last.Index, err, want)
		}
	}
}

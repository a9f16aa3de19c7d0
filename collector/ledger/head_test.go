package ledger

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/tomeishi/tomeishi/collector/entry"
)

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
			if !errors.Is(err, entry.ErrNewer) {
				t.Errorf("version changed at %d: %v", at, err)
			}
		} else if err != nil || last.Index != want && last.Index != 29-want {
			t.Errorf("byte %d changed: head %d, %v; want %d", at, last.Index, err, want)
		}
	}
}

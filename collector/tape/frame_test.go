package tape

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/tomeishi/tomeishi/collector/entry"
)

func sample(t testing.TB) []byte {
	t.Helper()
	e, err := newEncoder()
	if err != nil {
		t.Fatal(err)
	}
	b := appendSegmentHeader(nil, 6)
	b = e.appendFrame(b, 6, golden[:2])
	return e.appendFrame(b, golden[1].Index, golden[2:])
}

var golden = []entry.Sealed{{Index: 7, Raw: []byte("first")}, {Index: 9, Raw: []byte{}}, {Index: 10, Raw: []byte("third, third, third")}}

// Compression may change with its library; what was written must stay readable.
func TestGolden(t *testing.T) {
	const path = "testdata/segment.v1"
	if *update {
		if err := os.WriteFile(path, sample(t), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, segmentName(7)), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, errs := read(open(t, dir), 0); !same(got, golden) || errs != nil {
		t.Errorf("got %v, %v", got, errs)
	}
}

func FuzzFrame(f *testing.F) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxRaw+1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sample(f)[segmentHeader:], uint32(28), uint32(2))
	f.Add([]byte("TMFR"), uint32(0), uint32(1))
	// The sums are made to match, so that what lies behind them is reached.
	f.Fuzz(func(t *testing.T, b []byte, raw, count uint32) {
		if _, err := decodeFrameHeader(b, 0); err != nil && len(b) > 1<<20 {
			return
		}
		fr := frame{size: uint32(len(b)), raw: raw % (1 << 20), count: count, prev: 6, first: 7, last: 9, sum: sum(b)}
		items, err := decodePayload(z, fr, b)
		if err == nil && (len(items) != int(count) || items[0].Index != 7) {
			t.Errorf("%d items", len(items))
		}
	})
}

func FuzzSegment(f *testing.F) {
	f.Add(sample(f))
	f.Add(sample(f)[:segmentHeader+frameHeader+3])
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, segmentName(7)), b, 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := Open(dir, Options{})
		if err != nil {
			return
		}
		last := uint64(0)
		for it, err := range p.From(0) {
			if err == nil && it.Index <= last {
				t.Errorf("entry %d after %d", it.Index, last)
			}
			last = max(last, it.Index)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
}

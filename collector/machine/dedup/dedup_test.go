package dedup

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// printOf spreads n as a keyed hash would (splitmix64).
func printOf(n uint64) Print {
	mix := func(z uint64) uint64 {
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		return z ^ z>>31
	}
	return Print{mix(n + 0x9e3779b97f4a7c15), mix(n + 0x3c6ef372fe94f82a)}
}

// TestOracle compares with a plain map of when each print was last new.
func TestOracle(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	table, entered := New(Bound), map[uint64]uint32{}
	now := uint32(1000)
	for n := range 300_000 {
		now += rnd.Uint32N(2)
		id := rnd.Uint64N(20_000)
		last, ok := entered[id]
		want := !ok || last+600 < now
		if got := table.Add(now, printOf(id), 600); got != want {
			t.Fatalf("event %d, id %d at %d, last at %d: new %v, want %v", n, id, now, last, got, want)
		}
		if want {
			entered[id] = now
		}
	}
}

// TestBounded sees that the oldest are forgotten when there are too many, that
// the newest never are, and that memory stays.
func TestBounded(t *testing.T) {
	const bound = 1 << 14
	table := New(bound)
	for n := range uint64(40 * bound) {
		now := uint32(1 + n/100)
		if !table.Add(now, printOf(n), 1<<30) {
			t.Fatalf("%d is new", n)
		}
		if n > bound/4 && table.Add(now, printOf(n-bound/4), 1<<30) {
			t.Fatalf("%d of %d was forgotten too early", n-bound/4, n)
		}
	}
	if table.Len() > bound || table.Bytes() > 3*bound*slotBytes || table.Floor() == 0 {
		t.Errorf("%d prints, %d bytes, floor %d, for a bound of %d", table.Len(), table.Bytes(), table.Floor(), bound)
	}
}

func TestCodec(t *testing.T) {
	table := New(1 << 12)
	for n := range uint64(10_000) {
		table.Add(uint32(n/10), printOf(n), 300)
	}
	loaded, rest, err := Load(append(table.Append(nil), "rest"...), false)
	if err != nil || string(rest) != "rest" {
		t.Fatalf("load: %v, rest %q", err, rest)
	}
	for n := range uint64(5000) {
		if a, b := table.Add(1000, printOf(n+8000), 300), loaded.Add(1000, printOf(n+8000), 300); a != b {
			t.Fatalf("print %d: %v, loaded %v", n+8000, a, b)
		}
	}
	if !bytes.Equal(table.Append(nil), loaded.Append(nil)) {
		t.Error("after the same events, the loaded table differs")
	}
}

func FuzzLoad(f *testing.F) {
	table := New(64)
	for n := range uint64(20) {
		table.Add(1, printOf(n), 3)
	}
	f.Add(table.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		table, _, err := Load(b, false)
		if err != nil {
			return
		}
		table.Add(2, printOf(7), 3)
	})
}

func BenchmarkAdd(b *testing.B) {
	table := New(Bound)
	var n uint64
	b.ReportAllocs()
	for b.Loop() {
		n++
		table.Add(uint32(1+n/100_000), printOf(n), 3600)
	}
}

package kept

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/tomeishi/tomeishi/rules/window"
)

// TestTable holds a table against a map: what is held, which key is to be looked at
// first, that all are passed, and that one which was loaded goes on as one that was not.
func TestTable(t *testing.T) {
	type kept struct {
		body []byte
		look int64
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	table, want := New(), map[window.Key]kept{}
	sound := func(body []byte) (bool, bool) { return body[0] == 1, true }
	for round := range 20_000 {
		k := window.Key{rnd.Uint64N(300) * 0x9e3779b97f4a7c15, rnd.Uint64N(3)}
		if rnd.IntN(3) == 0 {
			table.Drop(k)
			delete(want, k)
		} else {
			body, look := make([]byte, 1+rnd.IntN(40)), int64(Never)
			if rnd.IntN(2) == 0 {
				look, body[0] = OnGrain(rnd.Int64N(1e9)), 1
			}
			table.Put(k, body, look)
			want[k] = kept{body, look}
		}
		first := int64(Never)
		for _, w := range want {
			first = min(first, w.look)
		}
		if next, look := table.Next(); look != first || first != Never && want[next].look != first {
			t.Fatalf("round %d: look at %v at %d, want %d", round, next, look, first)
		}
		if w, held := want[k]; held != (table.Get(k) != nil) || !bytes.Equal(table.Get(k), w.body) || table.Keys() != len(want) {
			t.Fatalf("round %d: %d keys, %q of %v", round, table.Keys(), table.Get(k), k)
		}
		if round%100 > 0 {
			continue
		}
		saved := table.Append(nil)
		again, rest, err := Load(append(saved, "rest"...), sound)
		if err != nil || string(rest) != "rest" || !bytes.Equal(again.Append(nil), saved) {
			t.Fatalf("round %d: loaded: %v, rest %q", round, err, rest)
		}
		table = again
		n := 0
		table.Each(func(k window.Key, body []byte) {
			if n++; !bytes.Equal(body, want[k].body) {
				t.Fatalf("round %d: %q of %v", round, body, k)
			}
		})
		passed := map[window.Key]bool{}
		for range 2 * len(want) {
			next, _ := table.Pass(k)
			passed[next] = true
		}
		for other := range want {
			if shardOf(other) == shardOf(k) && !passed[other] {
				t.Fatalf("round %d: %v is not passed", round, other)
			}
		}
		if n != len(want) || table.Bytes() > 1<<20 {
			t.Fatalf("round %d: %d keys, %d bytes", round, n, table.Bytes())
		}
	}
}

// TestDamaged loads tables of which a part is missing or wrong: they are refused, or sound.
func TestDamaged(t *testing.T) {
	table := New()
	for i := range uint64(40) {
		table.Put(window.Key{i, i}, binary.AppendUvarint([]byte{1}, i), OnGrain(int64(i)<<30))
	}
	saved := table.Append(nil)
	sound := func(body []byte) (bool, bool) { return true, len(body) == 2 }
	for n := range saved {
		if _, _, err := Load(saved[:n], sound); err == nil {
			t.Fatalf("the first %d of %d bytes load", n, len(saved))
		}
		bad := bytes.Clone(saved)
		bad[n] ^= 0x15
		if again, _, err := Load(bad, sound); err == nil {
			for _, look := again.Next(); look != Never; _, look = again.Next() {
				k, _ := again.Next()
				again.Drop(k)
			}
		}
	}
}

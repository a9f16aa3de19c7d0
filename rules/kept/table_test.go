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

// TestShed forgets a part of the keys, those first that are oldest and may go, and the
// memory of them is free; what is left is as it was.
func TestShed(t *testing.T) {
	table := New()
	const keys = 100_000
	key := func(i uint64) window.Key { return window.Key{i * 0x9e3779b97f4a7c15, i} }
	body := func(i uint64) []byte { return binary.LittleEndian.AppendUint64(nil, i) }
	for i := range uint64(keys) {
		look := int64(Never)
		if i%3 == 0 {
			look = OnGrain(int64(keys-i) << 30)
		}
		table.Put(key(i), body(i), look)
	}
	before, gone, calls := table.Bytes(), 0, 0
	for more := true; more; more = table.Shedding() {
		n, latest := table.Shed(500, func(k window.Key, body []byte) (int64, bool) {
			i := binary.LittleEndian.Uint64(body)
			if k != key(i) {
				t.Fatalf("%v has the bytes of %d", k, i)
			}
			return int64(i), i%10 != 0
		})
		if gone += n; latest > keys*65/100 {
			t.Errorf("key %d was forgotten", latest)
		}
		if calls++; calls%2 == 1 {
			again, _, err := Load(table.Append(nil), func(body []byte) (bool, bool) { return binary.LittleEndian.Uint64(body)%3 == 0, true })
			if err != nil {
				t.Fatal(err)
			}
			table = again
		}
	}
	if gone < keys/2 || gone > keys/2+shards || table.Keys() != keys-gone || table.Bytes() > before*6/10 {
		t.Errorf("%d of %d keys went, %d are left, %d bytes were %d", gone, keys, table.Keys(), table.Bytes(), before)
	}
	for i := range uint64(keys) {
		held := table.Get(key(i)) != nil
		if must := i%10 == 0 || i > keys*65/100; must && !held || !must && i < keys*4/10 && held {
			t.Fatalf("key %d is held: %v", i, held)
		}
	}
	_, first := table.Next()
	if want := OnGrain(1 << 30); first != want {
		t.Errorf("looks first at %d, want %d", first, want)
	}
}

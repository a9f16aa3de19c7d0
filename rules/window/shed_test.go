package window

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestShed sheds at random, while events come at random times, and reads the table back
// now and then: a run that lacks an event which shares a window with a new one owes it,
// and no key is shed that is spared.
func TestShed(t *testing.T) {
	type event struct {
		time int64
		ref  Ref
	}
	const within, second = 100 * 1e9, int64(1e9)
	for seed := range uint64(30) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		spec := Spec{Within: within, Spare: within / 2, Distinct: int(seed % 2)}
		table, arrived, now := New(spec), map[Key][]event{}, 1000*second
		spared := func(k Key, _ bool) bool { return k[1]%7 == 0 }
		shed, owed, whole := 0, 0, 0
		for i := range 4000 {
			now += rnd.Int64N(second / 2)
			k := Key{rnd.Uint64N(100) * 0x9e3779b97f4a7c15, rnd.Uint64N(100)}
			e := Entry{Distinct: make([]Key, spec.Distinct), Time: now - rnd.Int64N(second)*rnd.Int64N(30), Ref: MakeRef(uint64(i+1), 0)}
			table.Remember(now, uint64(i+1))
			run, _, _ := table.Add(now, k, &e)
			arrived[k] = append(arrived[k], event{e.Time, e.Ref})
			held := map[Ref]bool{}
			for j := range run.Len() {
				held[run.Ref(j)] = true
			}
			lacks := false
			for _, other := range arrived[k] {
				lacks = lacks || max(other.time-e.Time, e.Time-other.time) <= within && !held[other.ref]
			}
			switch owes := table.Forgot(e.Time) || e.Time <= table.LacksUntil(k); {
			case lacks && !owes:
				t.Fatalf("seed %d, event %d: something is missing and not owed", seed, i)
			case lacks:
				owed++
			case !owes:
				whole++
			}
			if table.Shedding() || rnd.IntN(400) == 0 {
				shed += table.Shed(now, rnd.IntN(700), spared)
			}
			if rnd.IntN(300) == 0 {
				saved := table.Append(nil)
				again, rest, err := Load(spec, saved)
				if err != nil || len(rest) > 0 || !bytes.Equal(again.Append(nil), saved) {
					t.Fatalf("seed %d: loaded: %v", seed, err)
				}
				table = again
			}
		}
		if shed == 0 || owed == 0 || whole < 100 {
			t.Errorf("seed %d: %d keys shed, %d events owed, %d not", seed, shed, owed, whole)
		}
	}
}

// TestShedOldest sheds half of the keys: those that were last added to longest ago, and
// the memory of them is free, in steps that are bounded.
func TestShedOldest(t *testing.T) {
	const keys, within = 200_000, int64(3600e9)
	table := New(Spec{Within: within})
	add := func(i, at int) {
		table.Remember(int64(at)*1e9, uint64(at))
		table.Add(int64(at)*1e9, Key{uint64(i) * 0x9e3779b97f4a7c15, uint64(i)}, &Entry{Time: int64(at) * 1e9})
	}
	for i := range keys {
		add(i, 1000+i/100)
	}
	for i := range 100 {
		add(i*10, 1000+keys/100) // old keys to which was added again
	}
	before, shed, steps := table.Bytes(), 0, 0
	for more := true; more; more = table.Shedding() {
		shed += table.Shed(1000e9+keys/100*1e9, 500, func(k Key, _ bool) bool { return k[1] == 5 })
		steps++
	}
	if want := keys / 2; shed < want || shed > want+shards || table.Keys() != keys-shed {
		t.Errorf("%d of %d keys shed, %d are left", shed, keys, table.Keys())
	}
	if after := table.Bytes(); after > before*6/10 {
		t.Errorf("%d bytes were %d", after, before)
	}
	if steps < 2 {
		t.Errorf("%d keys in one step", keys)
	}
	for i := range keys {
		_, held := table.Get(Key{uint64(i) * 0x9e3779b97f4a7c15, uint64(i)})
		newer := i > keys*55/100 || i%10 == 0 && i < 1000 || i == 5
		older := i < keys*45/100 && !newer
		if newer && !held || older && held {
			t.Fatalf("key %d of %d is held: %v", i, keys, held)
		}
	}
}

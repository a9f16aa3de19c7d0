package window

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
)

// TestAliases joins values in the middle of events, and compares how many different ones
// a window holds with what is true by a list of groups.
func TestAliases(t *testing.T) {
	for seed := range uint64(100) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		table, aliases := New(Spec{Within: 50, Spare: 1000, Distinct: 2, Aliased: 1}), &Aliases{}
		table.Alias(aliases)
		group := make([]int, 20) // of each value
		for v := range group {
			group[v] = v
		}
		type event struct{ time, value int }
		var events []event
		value := func(v int) Key { return Key{uint64(v) * 0x9e3779b97f4a7c15, uint64(v)} }
		for i := range 60 {
			if rnd.IntN(3) == 0 {
				a, b := rnd.IntN(len(group)), rnd.IntN(len(group))
				joined, early := aliases.Join(int64(i), 0, value(a), value(b))
				if joined != (group[a] != group[b]) || early {
					t.Fatalf("seed %d: joined %v, early %v", seed, joined, early)
				}
				for v, from := 0, group[b]; v < len(group); v++ {
					if group[v] == from {
						group[v] = group[a]
					}
				}
			}
			if rnd.IntN(5) == 0 {
				text, err := json.Marshal(aliases)
				again := Aliases{}
				if err == nil {
					err = json.Unmarshal(text, &again)
				}
				if err != nil {
					t.Fatal(err)
				}
				*aliases = again
			}
			e := event{rnd.IntN(100), rnd.IntN(len(group))}
			events = append(events, e)
			d := []Key{value(e.value), value(e.value)}
			run, at, _ := table.Add(0, Key{1, 1}, &Entry{Time: int64(e.time), Ref: MakeRef(uint64(i), 0), Distinct: d})
			w := run.Walk(at, false)
			for w.Next() {
				end := run.Time(w.Span().To - 1)
				is, raw := map[int]bool{}, map[int]bool{}
				for _, e := range events {
					if e.time >= int(end)-50 && e.time <= int(end) {
						is[group[e.value]], raw[e.value] = true, true
					}
				}
				look, pick := run.Look(w.Span()), Pick{Run: run, Span: w.Span(), AsOf: Newest}
				for _, got := range []int64{w.Distinct(0), look.Distinct(0), pick.Distinct(0)} {
					if got != int64(len(is)) {
						t.Fatalf("seed %d: %d different values, want %d", seed, got, len(is))
					}
				}
				if got := w.Distinct(1); got != int64(len(raw)) {
					t.Fatalf("seed %d: %d different values without aliases, want %d", seed, got, len(raw))
				}
			}
		}
	}
}

// TestAliasesOfManyValues is that a long window counts them too.
func TestAliasesOfManyValues(t *testing.T) {
	table, aliases := New(Spec{Within: 1 << 40, Distinct: 1, Aliased: 1}), &Aliases{}
	table.Alias(aliases)
	for i := range int64(1000) {
		table.Add(0, Key{}, &Entry{Time: i, Distinct: []Key{{uint64(i), 7}}})
		if i%2 == 1 {
			aliases.Join(0, 0, Key{uint64(i), 7}, Key{uint64(i - 1), 7})
		}
	}
	run, _ := table.Get(Key{})
	if look := run.Look(Span{0, run.Len()}); look.Distinct(0) != 500 {
		t.Errorf("%d different values", look.Distinct(0))
	}
}

// TestAliasesAreForgotten is that a group is forgotten as a whole and when it was not
// used, and that what is forgotten for want of room is said to be.
func TestAliasesAreForgotten(t *testing.T) {
	a, n := Aliases{}, uint64(0)
	join := func(now, since int64) bool {
		n++
		_, early := a.Join(now, since, Key{n, 1}, Key{n, 2})
		return early
	}
	a.Join(1, 0, Key{0, 1}, Key{0, 2})
	a.Join(2, 0, Key{0, 3}, Key{0, 2})
	join(1, 0)
	for now := int64(10); now < 1000; now++ {
		a.Use(now, Key{0, 1})
		join(now, now-5)
	}
	if a.Of(Key{0, 3}) != a.Of(Key{0, 2}) || a.Of(Key{1, 1}) == a.Of(Key{1, 2}) || a.Len() > 2*leastSweep+2 {
		t.Errorf("%d are known", a.Len())
	}
	early := 0
	for range MaxAliases/2 + 9 {
		if join(1000, 0) {
			early++
		}
	}
	if early == 0 || a.Len() > MaxAliases || a.Of(Key{0, 3}) == a.Of(Key{0, 2}) || a.Of(Key{n, 1}) != a.Of(Key{n, 2}) {
		t.Errorf("%d times early, %d are known", early, a.Len())
	}
}

// TestAliasesMalformed reads what nobody wrote.
func TestAliasesMalformed(t *testing.T) {
	for _, text := range []string{`1`, `"x"`, `"AAAA"`, `"AAAAAAAAAAABAAAAAAAAAAEAAAAAAAAAAgAAAAAAAAACAAAAAAAAAAIAAAAAAAAA"`} {
		if err := json.Unmarshal([]byte(text), &Aliases{}); err == nil {
			t.Errorf("%s is read", text)
		}
	}
}

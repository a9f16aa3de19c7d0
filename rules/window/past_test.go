package window

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/rules/decimal"
)

// TestNoEventIsTooOld adds events that are late by any amount, or ahead, and sees
// that every window that holds the new one is exact at once, or that the table says
// that it may not be; then, when everything that ever came is merged, it is exact for
// each of the events since.
func TestNoEventIsTooOld(t *testing.T) {
	t.Parallel()
	exact, merged := 0, 0
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		spec := Spec{Within: 20 + rnd.Int64N(60), Spare: rnd.Int64N(60), Distinct: 1, Nums: 1}
		table, m := New(spec), model{spec, map[Key][]Entry{}}
		due := map[Key]int{} // the first event that waits for a merge
		now := int64(1000)
		for n := range 1500 {
			now += rnd.Int64N(6)
			k := keyOf(rnd.Uint64N(6))
			e := Entry{Time: now + 5 - rnd.Int64N(30), Ref: MakeRef(uint64(n), n%7)}
			switch rnd.IntN(12) {
			case 0:
				e.Time = rnd.Int64N(now)
			case 1:
				e.Time = rnd.Int64N(20) // 1970
			}
			e.Distinct, e.Nums = []Key{{rnd.Uint64N(5), 1}}, []decimal.Decimal{number(t, rnd.IntN(2000)-500)}
			m.all[k] = append(m.all[k], e)
			table.Remember(now, uint64(n))
			run, at, saturated := table.Add(now, k, &e)
			if saturated || run.Ref(at) != e.Ref {
				t.Fatalf("seed %d event %d: place %d, saturated %v", seed, n, at, saturated)
			}
			first, waits := due[k]
			if !waits && !table.Forgot(e.Time) {
				m.compare(t, fmt.Sprintf("seed %d event %d", seed, n), k, run, at, m.all[k])
				exact++
				continue
			}
			if !waits {
				first, due[k] = n, n
			}
			if rnd.IntN(3) > 0 {
				continue
			}
			delete(due, k)
			table.Merge(now, k, m.all[k], MakeRef(uint64(first), 0), func(run Run, at int, _ bool) {
				then := 0
				for then < len(m.all[k]) && m.all[k][then].Ref <= run.Ref(at) {
					then++
				}
				m.compare(t, fmt.Sprintf("seed %d event %d merged after %d", seed, run.Ref(at).Index(), n), k, run, at, m.all[k][:then])
				merged++
			})
			if rnd.IntN(4) == 0 {
				again, _, err := Load(spec, table.Append(nil))
				if err != nil {
					t.Fatal(err)
				}
				table = again
			}
		}
	}
	if exact < 10_000 || merged < 500 {
		t.Errorf("%d windows were exact at once, %d after a merge: this shows little", exact, merged)
	}
}

// compare sees that the windows which hold an entry are those of all that came by then.
func (m *model) compare(t *testing.T, what string, k Key, run Run, at int, by []Entry) {
	t.Helper()
	then := model{m.spec, map[Key][]Entry{k: by}}
	var ends []int64
	w := run.Walk(at, false)
	for w.Next() {
		end := run.Time(w.Span().To - 1)
		ends = append(ends, end)
		if d := cmp.Diff(then.figures(then.window(k, end)), measured(&w)); d != "" {
			t.Fatalf("%s, window ending %d (-want +got):\n%s", what, end, d)
		}
	}
	if d := cmp.Diff(then.ends(k, run.Time(at)), ends); d != "" {
		t.Fatalf("%s: windows that hold it (-want +got):\n%s", what, d)
	}
}

// TestKeptSinceArrival sees that what came late is kept as long as what is on time,
// and no longer, and that it holds back nothing else.
func TestKeptSinceArrival(t *testing.T) {
	spec := Spec{Within: 1000, Spare: 1000}
	table := New(spec)
	for n := range int64(20_000) {
		e := Entry{Time: n, Ref: MakeRef(uint64(n), 0)}
		if n%50 == 0 {
			e.Time = 3
		}
		table.Remember(n, uint64(n))
		run, _, _ := table.Add(n, Key{1, 1}, &e)
		w := run.Look(run.Recent(3))
		if least, most := min(n, 2000)/50, int64(2*2200)/50; w.Count() < least || w.Count() > most {
			t.Fatalf("event %d: %d late ones are kept, want %d to %d", n, w.Count(), least, most)
		}
		if run.Len() > 4200 {
			t.Fatalf("event %d: %d entries", n, run.Len())
		}
	}
}

// TestSaturatedLate sees that what is older than all of a full run displaces nothing.
func TestSaturatedLate(t *testing.T) {
	spec := Spec{Within: 1 << 40, Spare: 1 << 40, Distinct: 1}
	table := New(spec)
	for n := range MaxScanned + 100 {
		e := Entry{Time: 1<<30 + int64(n), Ref: MakeRef(uint64(n), 0), Distinct: []Key{{uint64(n), 9}}}
		if n >= MaxScanned {
			e.Time = int64(n)
		}
		table.Remember(1<<30+int64(n), uint64(n))
		run, at, saturated := table.Add(1<<30+int64(n), Key{1, 1}, &e)
		if late := n >= MaxScanned; saturated != late || (at < 0) != late || run.Time(0) != 1<<30 {
			t.Fatalf("event %d: at %d, saturated %v, the oldest is of %d", n, at, saturated, run.Time(0))
		}
	}
}

// TestForgedFreeList sees that a free list that leads astray is refused.
func TestForgedFreeList(t *testing.T) {
	spec := Spec{Within: int64(time.Minute)}
	build := func() *Table {
		table := New(spec)
		for n := range 8 {
			for k := range uint64(5) {
				table.Add(int64(n+1), Key{k, k}, &Entry{Time: int64(n + 1), Ref: MakeRef(1, n)})
			}
		}
		return table
	}
	if _, _, err := Load(spec, build().Append(nil)); err != nil {
		t.Fatal(err)
	}
	for name, forge := range map[string]func(*Table){
		"beyond": func(t *Table) { t.arena.block(0, t.arena.classes[0].freed-1, t.stride)[0] = 1 << 30 },
		"to itself": func(t *Table) {
			t.arena.block(0, t.arena.classes[0].freed-1, t.stride)[0] = uint64(t.arena.classes[0].freed)
		},
		"in use":       func(t *Table) { t.arena.classes[3].freed = 1 },
		"twice":        func(t *Table) { r, _ := t.Get(Key{1, 1}); s, _ := t.Get(Key{2, 2}); r.slot.block = s.slot.block },
		"out of order": func(t *Table) { r, _ := t.Get(Key{1, 1}); r.words[0] = 1 << 40 },
	} {
		table := build()
		forge(table)
		if _, _, err := Load(spec, table.Append(nil)); err == nil {
			t.Errorf("a free list or run %s loads", name)
		}
	}
}

// BenchmarkLate adds one late event to a key that is nearly full, and asks every
// window that holds it.
func BenchmarkLate(b *testing.B) {
	for _, c := range []struct {
		name string
		spec Spec
		n    int
		ask  func(*Walk)
	}{
		{"min/65000", Spec{Nums: 1}, 65_000, func(w *Walk) { w.Min(0) }},
		{"distinct/4000", Spec{Distinct: 1}, 4_000, func(w *Walk) { w.Distinct(0) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			c.spec.Within, c.spec.Spare = 1<<40, 1<<40
			base := New(c.spec)
			e := Entry{Distinct: make([]Key, c.spec.Distinct), Nums: make([]decimal.Decimal, c.spec.Nums)}
			for n := range c.n {
				e.Time, e.Ref = int64(n), MakeRef(uint64(n), 0)
				for i := range e.Nums {
					e.Nums[i] = decimal.FromInt(int64(n * 7919 % 1000))
				}
				for i := range e.Distinct {
					e.Distinct[i] = Key{uint64(n), 1}
				}
				base.Remember(int64(n), uint64(n))
				base.Add(int64(n), Key{1, 1}, &e)
			}
			left := 0
			for b.Loop() {
				if left++; left == 400 {
					b.Fatal("too many rounds: run with -benchtime 100x")
				}
				e.Time = 500
				run, at, _ := base.Add(int64(c.n), Key{1, 1}, &e)
				w := run.Walk(at, false)
				for w.Next() {
					c.ask(&w)
				}
			}
		})
	}
}

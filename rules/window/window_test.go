package window

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/rules/decimal"
)

// keyOf spreads n as a keyed hash would (splitmix64).
func keyOf(n uint64) Key {
	mix := func(z uint64) uint64 {
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		return z ^ z>>31
	}
	return Key{mix(n + 0x9e3779b97f4a7c15), mix(n + 0x3c6ef372fe94f82a)}
}

// model is the oracle: everything that ever came, in order of arrival.
type model struct {
	spec Spec
	all  map[Key][]Entry
}

// window returns the entries of k in the closed interval of length Within that
// ends at end, of those that were added so far.
func (m *model) window(k Key, end int64) (out []Entry) {
	for _, e := range m.all[k] {
		if e.Time >= end-m.spec.Within && e.Time <= end {
			out = append(out, e)
		}
	}
	return out
}

type figures struct {
	Count, Distinct int64
	Sum, Min, Max   string
}

func (m *model) figures(entries []Entry) figures {
	f := figures{Count: int64(len(entries))}
	seen := map[Key]bool{}
	var sum, low, high decimal.Decimal
	for i, e := range entries {
		seen[e.Distinct[0]] = true
		sum, _ = sum.Add(e.Nums[0])
		if i == 0 || e.Nums[0].Cmp(low) < 0 {
			low = e.Nums[0]
		}
		if i == 0 || e.Nums[0].Cmp(high) > 0 {
			high = e.Nums[0]
		}
	}
	f.Distinct, f.Sum, f.Min, f.Max = int64(len(seen)), sum.String(), low.String(), high.String()
	return f
}

func measured(w *Walk) figures {
	return figures{w.Count(), w.Distinct(0), w.Sum(0).String(), w.Min(0).String(), w.Max(0).String()}
}

// TestOracle adds random events in random order and compares every window
// that holds the new event with a plain recount.
func TestOracle(t *testing.T) {
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		spec := Spec{Within: 50 + rnd.Int64N(100), Lateness: 100, Distinct: 1, Nums: 1}
		table, m := New(spec), model{spec, map[Key][]Entry{}}
		now := int64(1000)
		for n := range 3000 {
			now += rnd.Int64N(4)
			k := keyOf(rnd.Uint64N(24))
			e := Entry{Time: now - rnd.Int64N(100), Ref: MakeRef(uint64(n), n%7)}
			e.Distinct = []Key{{rnd.Uint64N(5), 1}}
			e.Nums = []decimal.Decimal{number(t, rnd.IntN(2000)-500)}
			m.all[k] = append(m.all[k], e)
			run, at, saturated := table.Add(now, k, &e)
			if saturated || run.Ref(at) != e.Ref || run.Time(at) != e.Time {
				t.Fatalf("seed %d event %d: entry %d is %v at %d (saturated %v)", seed, n, at, run.Ref(at), run.Time(at), saturated)
			}
			var ends []int64
			w := run.Walk(at, false)
			for w.Next() {
				end := run.Time(w.Span().To - 1)
				ends = append(ends, end)
				if w.Same(0) != (w.Distinct(0) == 1) {
					t.Fatalf("seed %d event %d window ending %d: same %v of %d values", seed, n, end, w.Same(0), w.Distinct(0))
				}
				if d := cmp.Diff(m.figures(m.window(k, end)), measured(&w)); d != "" {
					t.Fatalf("seed %d event %d window ending %d (-want +got):\n%s", seed, n, end, d)
				}
			}
			if d := cmp.Diff(m.ends(k, e.Time), ends); d != "" {
				t.Fatalf("seed %d event %d: windows that hold it (-want +got):\n%s", seed, n, d)
			}
		}
	}
}

// ends are the ends of the windows that hold an event at time: the times of
// events from then to Within later, the latest first.
func (m *model) ends(k Key, time int64) (out []int64) {
	for _, e := range m.all[k] {
		if e.Time >= time && e.Time <= time+m.spec.Within {
			out = append(out, e.Time)
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	slices.Reverse(out)
	return out
}

func number(t testing.TB, n int) decimal.Decimal {
	t.Helper()
	d, err := decimal.Parse(strconv.Itoa(n) + ".25")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestLarge sends one key past 32 entries, where counting different values
// takes another way, and past several sizes of blocks.
func TestLarge(t *testing.T) {
	spec := Spec{Within: 1 << 40, Lateness: 0, Distinct: 1}
	table := New(spec)
	for n := range MaxScanned {
		e := Entry{Time: int64(n), Ref: MakeRef(uint64(n), 0), Distinct: []Key{{uint64(n % 777), 0}}}
		run, at, _ := table.Add(int64(n), Key{1, 1}, &e)
		w := run.Look(Span{0, run.Len()})
		got := w.Distinct(0)
		if want := int64(min(n+1, 777)); got != want || at != n {
			t.Fatalf("after %d: distinct %d, want %d; at %d", n+1, got, want, at)
		}
	}
}

func TestSaturated(t *testing.T) {
	table := New(Spec{Within: 1 << 40, Distinct: 1})
	for n := range MaxScanned + 10 {
		e := Entry{Time: int64(n), Distinct: []Key{{1, 1}}}
		run, _, saturated := table.Add(int64(n), Key{1, 1}, &e)
		if want := n >= MaxScanned; saturated != want {
			t.Fatalf("entry %d: saturated %v, want %v", n, saturated, want)
		}
		if saturated && run.Len() != MaxScanned {
			t.Fatalf("entry %d: %d kept", n, run.Len())
		}
	}
}

// TestHotKey sends one key past its bound, and through entries that expire one
// by one. If every event moved the others, it would take minutes.
func TestHotKey(t *testing.T) {
	for _, spec := range []Spec{{Within: 1 << 40}, {Within: MaxCounted - 1}, {Within: 1000}} {
		table := New(spec)
		for n := range 3 * MaxCounted {
			run, _, _ := table.Add(int64(n), Key{1, 1}, &Entry{Time: int64(n)})
			want := min(int64(n), spec.Within, MaxCounted-1) + 1
			if w := run.Look(run.Recent(int64(n))); w.Count() != want {
				t.Fatalf("within %d, event %d: %d in the window, want %d", spec.Within, n, w.Count(), want)
			}
		}
	}
}

// TestMemoryFollowsTraffic sees keys come and go; what expired is used again.
func TestMemoryFollowsTraffic(t *testing.T) {
	const second = 1e9
	spec := Spec{Within: 1000 * second, Lateness: 1000 * second}
	table := New(spec)
	var after [2]int
	for round := range 2 {
		for n := range 200_000 {
			now := int64(round*200_000+n) * second
			e := Entry{Time: now}
			table.Add(now, keyOf(uint64(now)), &e)
		}
		after[round] = table.Bytes()
	}
	if table.Keys() > 20_000 || after[1] > after[0]*11/10 {
		t.Errorf("%d keys of 2000 live ones, %d bytes, then %d", table.Keys(), after[0], after[1])
	}
}

func TestAccepted(t *testing.T) {
	table := New(Spec{Within: 100, Distinct: 1, Nums: 1})
	var run Run
	for n := range 5 {
		run, _, _ = table.Add(int64(n), Key{1, 1}, &Entry{
			Time: int64(n), Ref: MakeRef(uint64(n), 0), Distinct: []Key{{uint64(n), 0}}, Nums: []decimal.Decimal{number(t, n)},
		})
	}
	run.Accept(1)
	run.Accept(3)
	w := run.Walk(4, true)
	w.Next()
	want := figures{3, 3, "6.75", "0.25", "4.25"}
	if d := cmp.Diff(want, measured(&w)); d != "" {
		t.Errorf("figures of what is not accepted (-want +got):\n%s", d)
	}
	if run.Ref(1) != MakeRef(1, 0) || !run.Accepted(1) || run.Accepted(2) {
		t.Error("accepting an entry changed more than its mark")
	}
	for i := range 5 {
		run.Accept(i)
	}
	if w = run.Walk(4, true); !w.Next() || w.Count() != 0 {
		t.Error("an accepted entry counts")
	}
}

// TestCodec saves and loads at a random moment and sees that both tables go on
// with the same bytes.
func TestCodec(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	spec := Spec{Within: 500, Lateness: 100, Distinct: 1, Nums: 1}
	table := New(spec)
	add := func(t2 *Table, now int64, r *rand.Rand) {
		e := Entry{Time: now - r.Int64N(100), Distinct: []Key{{r.Uint64N(4), 0}}, Nums: []decimal.Decimal{number(t, r.IntN(999))}}
		t2.Add(now, keyOf(r.Uint64N(3000)), &e)
	}
	for n := range 20_000 {
		add(table, int64(n), rnd)
	}
	saved := table.Append(nil)
	loaded, rest, err := Load(spec, append(saved, "rest"...))
	if err != nil || string(rest) != "rest" {
		t.Fatalf("load: %v, rest %q", err, rest)
	}
	a, b := rand.New(rand.NewPCG(8, 8)), rand.New(rand.NewPCG(8, 8))
	for n := range 5000 {
		add(table, int64(20_000+n), a)
		add(loaded, int64(20_000+n), b)
	}
	if !bytes.Equal(table.Append(nil), loaded.Append(nil)) {
		t.Error("after the same events, the loaded table differs")
	}
}

func FuzzLoad(f *testing.F) {
	spec := Spec{Within: 500, Distinct: 1}
	table := New(spec)
	for n := range 50 {
		table.Add(int64(n), Key{uint64(n % 7), 1}, &Entry{Time: int64(n), Distinct: []Key{{1, 2}}})
	}
	f.Add(table.Append(nil))
	table.Remember(60, 1)
	f.Add(table.Append(nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		table, _, err := Load(spec, b)
		if err != nil {
			return
		}
		for n := range uint64(20) {
			e := Entry{Time: int64(n * 40), Ref: MakeRef(n, 0), Distinct: []Key{{n, 2}}}
			table.Remember(int64(n*40), n)
			if run, at, _ := table.Add(int64(n*40), Key{n % 9, 1}, &e); at >= 0 {
				w := run.Walk(at, true)
				for w.Next() {
					w.Distinct(0)
				}
			}
		}
		if _, _, err := Load(spec, table.Append(nil)); err != nil {
			t.Fatal("what was loaded and went on does not load")
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	for _, c := range []struct {
		name string
		spec Spec
		keys uint64
	}{
		{"count/1M keys", Spec{Within: 1 << 50}, 1 << 20},
		{"distinct/1M keys", Spec{Within: 1 << 50, Distinct: 1}, 1 << 20},
		{"sum/100 keys", Spec{Within: 1 << 14, Nums: 1}, 100},
	} {
		b.Run(c.name, func(b *testing.B) {
			table := New(c.spec)
			e := Entry{Distinct: make([]Key, c.spec.Distinct), Nums: make([]decimal.Decimal, c.spec.Nums)}
			var n uint64
			b.ReportAllocs()
			for b.Loop() {
				n++
				e.Time = int64(n)
				table.Add(int64(n), keyOf(n%c.keys), &e)
			}
			b.ReportMetric(float64(table.Bytes())/float64(table.Keys()), "B/key")
		})
	}
}

package count

import (
	"math"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

// slicesOfWindow is in how many parts the times of one window lie.
const slicesOfWindow = 32

// A whole is the times of all events of a rule, whatever their key, so that the part of
// one is exact. They lie in slices of equal length, each a run of its own: what comes
// late moves no more than one.
type whole struct {
	table  *window.Table
	length int64 // of a slice
	inner  inner // room, and no part of the state
}

// An inner is how many events there are between two slices: what is asked next lies most
// often between the same.
type inner struct {
	known       bool
	first, last int64
	n           int64
}

func newWhole(spec window.Spec) *whole {
	return &whole{table: window.New(wholeSpec(spec)), length: spec.Within/slicesOfWindow + 1}
}

// wholeSpec is what the times are kept like, where windows are kept like spec.
func wholeSpec(spec window.Spec) window.Spec {
	spec.Distinct, spec.Nums, spec.Marks, spec.Shares = 0, 0, false, false
	return spec
}

// slice is the one of a time.
func (w *whole) slice(time int64) int64 {
	n := time / w.length
	if time%w.length < 0 {
		n--
	}
	return n
}

// keyOf is a slice as the table has it. All are in one shard, so that each new one looks
// whether old ones can go.
func keyOf(slice int64) window.Key { return window.Key{uint64(slice), 0} }

// add takes in an event; false if it had no room, or another had to go for it.
func (w *whole) add(now int64, e *window.Entry) bool {
	slice := w.slice(e.Time)
	_, _, saturated := w.table.Add(now, keyOf(slice), &window.Entry{Time: e.Time, Ref: e.Ref})
	if in := &w.inner; in.first < slice && slice < in.last {
		in.n++
		in.known = in.known && !saturated
	}
	return !saturated
}

// count is how many events there are from one time to another, both among them, that
// arrived no later than asOf; false if a slice is full, and has perhaps lost some.
func (w *whole) count(from, to int64, asOf window.Ref) (n int64, sound bool) {
	first, last := w.slice(from), w.slice(to)
	if n, sound = w.part(first, from, to, asOf); !sound || first == last {
		return n, sound
	}
	end, sound := w.part(last, from, to, asOf)
	if !sound {
		return 0, false
	}
	between, sound := w.between(first, last, asOf)
	return n + between + end, sound
}

// part is what one slice has of it.
func (w *whole) part(slice, from, to int64, asOf window.Ref) (n int64, sound bool) {
	run, ok := w.table.Get(keyOf(slice))
	if !ok {
		return 0, true
	}
	return run.Arrived(from, to, asOf), !run.Full()
}

// between is what lies between two slices. What is forgotten of it meanwhile is of before
// the window, or nothing is asked.
func (w *whole) between(first, last int64, asOf window.Ref) (n int64, sound bool) {
	if in := &w.inner; in.known && in.first == first && in.last == last && asOf == window.Newest {
		return in.n, true
	}
	for slice := first + 1; slice < last; slice++ {
		part, sound := w.part(slice, math.MinInt64, math.MaxInt64-1, asOf)
		if !sound {
			return 0, false
		}
		n += part
	}
	if asOf == window.Newest {
		w.inner = inner{true, first, last, n}
	}
	return n, true
}

// merge brings back what was forgotten, each once.
func (w *whole) merge(now int64, back []form.Back) {
	w.inner = inner{}
	bySlice := map[int64][]window.Entry{}
	var order []int64
	for i := range back {
		slice := w.slice(back[i].Time)
		if bySlice[slice] == nil {
			order = append(order, slice)
			w.table.Keep(now, keyOf(slice)) // or it would make room for the next
		}
		bySlice[slice] = append(bySlice[slice], window.Entry{Time: back[i].Time, Ref: back[i].Ref})
	}
	for _, slice := range order {
		w.table.Merge(now, keyOf(slice), bySlice[slice], 0, func(window.Run, int, bool) {})
	}
}

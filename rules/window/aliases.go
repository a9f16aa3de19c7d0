package window

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"slices"
)

// Aliases says which keys stand for one and the same. A group of them is forgotten as
// a whole, once none of it was used for long: a part that was left over would be told
// apart from the rest. The zero value knows of none.
type Aliases struct {
	of    map[Key]tie
	sweep int // how many there are when it is looked which are needed
}

// A tie is that of a key to another of its group, or of the group's least to itself.
type tie struct {
	to   Key
	used int64 // the group, if it is its least
}

// MaxAliases is how many keys stand for others, about.
const MaxAliases = 1 << 18

// leastSweep is how many are not worth to be looked through.
const leastSweep = 1 << 10

// Of is the key that stands for all of a group; one without a group stands for itself.
func (a *Aliases) Of(k Key) Key {
	for len(a.of) > 0 {
		t, ok := a.of[k]
		if !ok || t.to == k {
			break
		}
		k = t.to
	}
	return k
}

// Len is how many keys are in groups.
func (a *Aliases) Len() int { return len(a.of) }

// IsZero tells whether there are none.
func (a *Aliases) IsZero() bool { return len(a.of) == 0 && a.sweep == 0 }

// Use keeps the group of a key for as long as if it were made now.
func (a *Aliases) Use(now int64, k Key) {
	k = a.Of(k)
	if t, ok := a.of[k]; ok && t.used < now {
		t.used = now
		a.of[k] = t
	}
}

// Join makes one group of those of two keys; false if they were one. What was not used
// since a time may be forgotten. Early says that there was no room, and what was used
// longest ago had to go.
func (a *Aliases) Join(now, since int64, one, other Key) (joined, early bool) {
	if len(a.of)+2 > max(a.sweep, leastSweep) {
		early = a.forget(since)
		a.sweep = min(2*len(a.of), MaxAliases)
	}
	to, from := a.Of(one), a.Of(other)
	if to == from {
		a.Use(now, to)
		return false, early
	}
	if compareKeys(from, to) < 0 {
		to, from = from, to
	}
	if a.of == nil {
		a.of = map[Key]tie{}
	}
	used := max(now, a.of[to].used, a.of[from].used)
	for _, k := range [...]Key{one, other, from} { // so that ways stay short
		a.of[k] = tie{to: to}
	}
	a.of[to] = tie{to: to, used: used}
	return true, early
}

func compareKeys(a, b Key) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }

// forget forgets the groups that were not used since a time, and where that leaves too
// many also those that were used longest ago, which it tells.
func (a *Aliases) forget(since int64) (early bool) {
	kept := make(map[Key]tie, len(a.of))
	for k := range a.of {
		if g := a.Of(k); a.of[g].used >= since {
			kept[k] = tie{to: g}
		}
	}
	var groups []Key // of those that are kept
	for k, t := range kept {
		if t.to == k {
			kept[k] = a.of[k]
			groups = append(groups, k)
		}
	}
	a.of = kept
	if early = len(kept)+2 > MaxAliases; early {
		a.forgetOldest(groups)
	}
	return early
}

// forgetOldest forgets groups until there is room for an eighth.
func (a *Aliases) forgetOldest(groups []Key) {
	sizes := map[Key]int{}
	for _, t := range a.of {
		sizes[t.to]++
	}
	slices.SortFunc(groups, func(x, y Key) int {
		return cmp.Or(cmp.Compare(a.of[x].used, a.of[y].used), compareKeys(x, y))
	})
	left := len(a.of)
	for _, g := range groups {
		if left <= MaxAliases/8*7 {
			break
		}
		left -= sizes[g]
		sizes[g] = 0
	}
	maps.DeleteFunc(a.of, func(_ Key, t tie) bool { return sizes[t.to] == 0 })
}

// Clone is a copy of its own.
func (a *Aliases) Clone() Aliases { return Aliases{maps.Clone(a.of), a.sweep} }

const aliasBytes = 40

// MarshalJSON implements json.Marshaler: when to look what is needed, then each key,
// what stands for it and when that was used, in order.
func (a *Aliases) MarshalJSON() ([]byte, error) {
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, 8+aliasBytes*len(a.of)), uint64(a.sweep))
	for _, k := range slices.SortedFunc(maps.Keys(a.of), compareKeys) {
		g := a.Of(k)
		for _, w := range [...]uint64{k[0], k[1], g[0], g[1], uint64(a.of[g].used)} {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
	}
	return json.Marshal(b)
}

var errAliases = errors.New("malformed aliases")

// UnmarshalJSON implements json.Unmarshaler.
func (a *Aliases) UnmarshalJSON(text []byte) error {
	var b []byte
	if err := json.Unmarshal(text, &b); err != nil || len(b) < 8 {
		return errors.Join(errAliases, err)
	}
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
	a.sweep, a.of = int(word(0)), make(map[Key]tie, len(b)/aliasBytes)
	var groups []Key
	for b = b[8:]; len(b) >= aliasBytes; b = b[aliasBytes:] {
		k, g := Key{word(0), word(1)}, Key{word(2), word(3)}
		a.of[k] = tie{to: g}
		if k == g {
			a.of[k] = tie{g, int64(word(4))}
		}
		groups = append(groups, g)
	}
	for _, g := range groups {
		if a.of[g].to != g {
			return errAliases
		}
	}
	if len(b) != 0 || len(groups) != len(a.of) || a.sweep < 0 || a.sweep > MaxAliases {
		return errAliases
	}
	return nil
}

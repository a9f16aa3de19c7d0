package join

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

var le = binary.LittleEndian

func compareKeys(a, b window.Key) int { return slices.Compare(a[:], b[:]) }

// eachKey appends how many keys there are and then each, in order, by one.
func eachKey[V any](b []byte, all map[window.Key]V, one func(b []byte, v V) []byte) []byte {
	b = le.AppendUint32(b, uint32(len(all)))
	for _, k := range slices.SortedFunc(maps.Keys(all), compareKeys) {
		b = le.AppendUint64(le.AppendUint64(b, k[0]), k[1])
		b = one(b, all[k])
	}
	return b
}

func appendText(b, text []byte) []byte {
	return append(le.AppendUint32(b, uint32(len(text))), text...)
}

// Append implements form.State.
func (s *state) Append(b []byte) []byte {
	for i, t := range s.tables {
		b = t.Append(b)
		b = eachKey(b, s.gone[i], appendDropped)
	}
	b = le.AppendUint64(le.AppendUint64(b, uint64(s.judged)), uint64(s.cleanAt))
	b = eachKey(b, s.pending, func(b []byte, p *pending) []byte { return appendSpans(appendText(b, p.text), p.spans) })
	b = appendSweeps(s.appendTexts(b), s.sweeps)
	b = le.AppendUint64(le.AppendUint64(b, uint64(s.sweptAt)), uint64(s.swept))
	b = eachKey(b, s.stands, func(b []byte, _ bool) []byte { return b })
	if !s.levels {
		return b
	}
	b = le.AppendUint64(b, uint64(s.looked))
	for _, q := range s.silent {
		b = le.AppendUint64(le.AppendUint64(le.AppendUint64(b, uint64(q.told)), q.of[0]), q.of[1])
	}
	return eachKey(b, s.aging, appendAging)
}

func appendAging(b []byte, a *aging) []byte {
	b = appendText(b, a.text)
	for _, word := range []uint64{uint64(a.first), uint64(a.last), uint64(a.at), uint64(a.stale)} {
		b = le.AppendUint64(b, word)
	}
	return b
}

func appendDropped(b []byte, g *dropped) []byte {
	for _, word := range []uint64{uint64(g.from), uint64(g.to), uint64(g.count), bit(g.mixed) | bit(g.unsure)<<1} {
		b = le.AppendUint64(b, word)
	}
	for _, n := range g.sums {
		for _, word := range n {
			b = le.AppendUint64(b, word)
		}
	}
	for _, k := range g.apart {
		b = le.AppendUint64(le.AppendUint64(b, k[0]), k[1])
	}
	return b
}

func appendSpans(b []byte, spans []span) []byte {
	b = le.AppendUint32(b, uint32(len(spans)))
	for _, sp := range spans {
		for _, word := range []uint64{uint64(sp.from), uint64(sp.to), uint64(sp.came), bit(sp.told) | bit(sp.owed)<<1} {
			b = le.AppendUint64(b, word)
		}
	}
	return b
}

func bit(is bool) uint64 {
	if is {
		return 1
	}
	return 0
}

var errState = errors.New("state of a join: malformed")

// Load implements form.Rule.
func (r *rule) Load(b []byte) (form.State, []byte, error) {
	s := r.State().(*state)
	in := &loader{b: b}
	for i := range s.tables {
		var err error
		if s.tables[i], in.b, err = window.Load(r.all[i], in.b); err != nil {
			return nil, nil, err
		}
		loadKeys(in, s.gone[i], func() *dropped { return in.dropped(r.all[i]) })
	}
	s.judged, s.cleanAt = int64(in.word()), int(in.word())
	loadKeys(in, s.pending, in.pending)
	s.loadTexts(in)
	s.sweeps = in.sweeps(len(s.order))
	s.sweptAt, s.swept = int64(in.word()), int(in.word())
	loadKeys(in, s.stands, func() bool { return true })
	if s.levels {
		s.loadAging(in)
	}
	if in.bad || s.cleanAt < leastClean {
		return nil, nil, errState
	}
	for key, p := range s.pending { // the order does not show
		s.remind(key, p)
	}
	return s, in.b, nil
}

func (s *state) loadAging(in *loader) {
	s.looked = int64(in.word())
	for i := range s.silent {
		s.silent[i] = silence{told: int(in.word()), of: window.Key{in.word(), in.word()}}
	}
	loadKeys(in, s.aging, func() *aging {
		a := &aging{text: in.text(), first: int64(in.word()), last: int64(in.word()), at: int64(in.word())}
		stale := in.word()
		a.stale, in.bad = uint8(stale), in.bad || stale>>len(s.sides) != 0
		return a
	})
	for key, a := range s.aging { // the order does not show
		s.ages.push(reminder{a.at, key})
		for i := range s.sides {
			s.silent[i].n += int(a.stale >> i & 1)
		}
	}
}

// A loader consumes bytes; once anything is missing or wrong it is bad.
type loader struct {
	b   []byte
	bad bool
}

func (in *loader) take(n int) []byte {
	if in.bad || n < 0 || len(in.b) < n {
		in.bad = true
		return nil
	}
	b := in.b[:n]
	in.b = in.b[n:]
	return b
}

func (in *loader) word() uint64 {
	if b := in.take(8); b != nil {
		return le.Uint64(b)
	}
	return 0
}

// count is how many records of at least so many bytes follow.
func (in *loader) count(size int) int {
	b := in.take(4)
	if b == nil || int64(le.Uint32(b)) > int64(len(in.b)/size) {
		in.bad = true
		return 0
	}
	return int(le.Uint32(b))
}

func loadKeys[V any](in *loader, all map[window.Key]V, one func() V) {
	var before window.Key
	for i := range in.count(16) {
		k := window.Key{in.word(), in.word()}
		v := one()
		if in.bad || i > 0 && compareKeys(before, k) >= 0 {
			in.bad = true
			return
		}
		all[k], before = v, k
	}
}

func (in *loader) text() []byte { return slices.Clone(in.take(in.count(1))) }

func (in *loader) dropped(spec window.Spec) *dropped {
	g := &dropped{from: int64(in.word()), to: int64(in.word()), count: int64(in.word())}
	flags := in.word()
	g.mixed, g.unsure = flags&1 != 0, flags&2 != 0
	for range spec.Nums {
		g.sums = append(g.sums, [4]uint64{in.word(), in.word(), in.word(), in.word()})
	}
	for range spec.Distinct {
		g.apart = append(g.apart, window.Key{in.word(), in.word()})
	}
	in.bad = in.bad || g.from > g.to || g.from < -far || g.to > far || g.count < 1 || flags > 3
	return g
}

func (in *loader) pending() *pending {
	p := &pending{text: in.text()}
	for range in.count(32) {
		sp := span{from: int64(in.word()), to: int64(in.word()), came: int64(in.word())}
		flags := in.word()
		sp.told, sp.owed = flags&1 != 0, flags&2 != 0
		in.bad = in.bad || sp.from > sp.to || sp.from < -far || sp.to > far || sp.came < 0 || sp.came > far || flags > 3
		p.spans = append(p.spans, sp)
	}
	in.bad = in.bad || len(p.spans) == 0
	return p
}

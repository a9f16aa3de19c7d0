package machine

import (
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"time"

	"github.com/dchest/siphash"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine/dedup"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// A Recounter finds on the tape what rules are owed. It is given the tape from From
// on, and is no part of the state: the machine goes on meanwhile.
type Recounter struct {
	hash    func([]byte) window.Key
	digests *dedup.Digester
	shapes  map[string]*dedup.Shape // by type of events
	other   *dedup.Shape
	matcher *match.Matcher
	owed    map[int]*owed // by place of the rule in its set
	from    int64
	through uint64

	entry  entry.Entry // that is being read
	behind int64       // how far ledger time was behind then
	place  int         // of its next event
	bytes  int
	full   bool

	replacing *replacing // nil if nothing that is owed tells payments apart
	aliases   window.Aliases
	pairs     []byte // of payments that were not known to be one
}

// owed is what one rule is, and what was found of it.
type owed struct {
	id      string
	columns []columns // of each of its sources
	common  []bool    // of each: its events belong to every key
	whole   bool      // it counts all events together too
	keys    map[window.Key][]*found
	fill    *Fill // all keys are wanted, of what came before
	before  map[window.Key]*found
}

// found is what was found for a key that waits.
type found struct {
	Waiting
	held    map[window.Ref]bool // what the rule has not forgotten
	prints  map[window.Key]window.Ref
	entries []form.Back
	twice   map[window.Ref]bool // what is equal to something that it has not forgotten
}

// maxFound bounds what is found in one reading, in bytes of memory.
const maxFound = 128 << 20

// Recounter is one for what rules are owed now; nil if that is nothing.
func (m *Machine) Recounter() *Recounter {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.live == nil || len(m.Recounts) == 0 {
		return nil
	}
	r := &Recounter{owed: map[int]*owed{}, through: m.Index, from: m.Time}
	secret := m.Secret
	r.hash = func(b []byte) window.Key {
		lo, hi := siphash.Hash128(secret[0], secret[1], b)
		return window.Key{lo, hi}
	}
	for i, rule := range m.live.set.Rules {
		rc := m.Recounts[hex.EncodeToString(rule.ID[:])]
		state, ok := m.live.states[i].(form.Recounter)
		if rc == nil || !ok || !rc.owed() {
			continue
		}
		o := &owed{id: hex.EncodeToString(rule.ID[:]), keys: map[window.Key][]*found{}, before: map[window.Key]*found{}}
		if rc.Fill != nil {
			o.fill = new(*rc.Fill)
			r.from = min(r.from, o.fill.From)
		}
		o.columns, o.common, o.whole = columnsOf(rule), commonOf(rule), shares(state)
		if r.replacing == nil && paymentsOf(rule) != nil {
			r.replacing, r.aliases = newReplacing(m.live.set), m.Aliases.Clone()
		}
		for _, w := range rc.Keys {
			f := &found{Waiting: w, held: map[window.Ref]bool{}, prints: map[window.Key]window.Ref{}, twice: map[window.Ref]bool{}}
			for _, ref := range state.Held(w.Key) {
				f.held[ref] = true
			}
			o.keys[w.Key] = append(o.keys[w.Key], f)
			r.from = min(r.from, w.From)
		}
		r.owed[i] = o
	}
	if len(r.owed) == 0 {
		return nil
	}
	r.from = m.enteredSince(r.from)
	r.digests, r.shapes = dedup.NewDigester(secret), map[string]*dedup.Shape{}
	r.other = r.digests.Shape(nil, nil)
	for name, fields := range variesIn(m.live.set) { // the order does not show
		r.shapes[name] = r.digests.Shape(fields, nil)
	}
	r.matcher = m.live.set.Matcher(m.Behavior)
	return r
}

// early is how much earlier by ledger time than by its own an event may have come,
// beside what ledger time was behind: a host's clock may be ahead.
const early = int64(time.Hour)

// From is the ledger time from which on the tape is wanted.
func (r *Recounter) From() int64 { return r.from - early }

// Through is the last entry that is wanted.
func (r *Recounter) Through() uint64 { return r.through }

// Read reads the next entry.
func (r *Recounter) Read(e entry.Entry) error {
	r.behind = lessBehind(r.behind, e.Time-r.entry.Time) // as stepped
	r.entry, r.place = e, 0
	switch e.Kind {
	case entry.KindBlocks, entry.KindBatch:
		return EachBatch(e, func(b report.Batch) bool {
			r.batch(b)
			return true
		})
	case entry.KindCondition:
		if c, err := read[entry.Condition](e); err == nil && c.Name == ledgerTimeOff {
			r.behind = 0
			if c.Firing {
				r.behind = max(0, int64(c.Behind))
			}
		}
	default: // holds no events
	}
	return nil
}

func (r *Recounter) batch(b report.Batch) {
	in := b.Reader()
	for ev := (report.Event{}); in.Next(&ev); r.place++ {
		hits := r.matcher.Match(&ev)
		if ev.Type == match.Replaced && r.replacing != nil && !r.matcher.Aside() {
			r.alias(&ev)
		}
		for i := range hits {
			if o := r.owed[hits[i].Rule]; o != nil && !hits[i].Missing && hits[i].Fault == nil {
				r.hit(o, &ev, &hits[i])
			}
		}
	}
}

func (r *Recounter) hit(o *owed, ev *report.Event, hit *match.Hit) {
	key := r.hash(hit.Key)
	if len(o.keys[key]) == 0 && o.fill == nil && !(o.whole && len(o.keys[form.WholeKey]) > 0) && !o.common[hit.Source] {
		return
	}
	at := ev.When()
	if at > r.entry.Time+r.behind+int64(report.MaxAhead) {
		at = r.entry.Time
	}
	e := window.Entry{Time: max(at, 0), Ref: window.MakeRef(r.entry.Index, r.place)}
	fingerprint := r.print(ev)
	fingerprint[1] ^= uint64(hit.Source) // an event of two sources is one of each
	r.keep(o, key, e, hit, fingerprint)
	if o.common[hit.Source] {
		for _, waiting := range sortedKeysOf(o.keys) {
			r.keepFor(o.keys[waiting], o, e, hit, fingerprint)
		}
	}
	if o.whole {
		r.keep(o, form.WholeKey, e, hit, fingerprint)
	}
}

// keep keeps an event for all that its key waits for.
func (r *Recounter) keep(o *owed, key window.Key, e window.Entry, hit *match.Hit, fingerprint window.Key) {
	r.keepFor(o.keys[key], o, e, hit, fingerprint)
	if o.fill == nil || e.Time < o.fill.From {
		return
	}
	// Where keys are compared, those are asked too of which all came since.
	before := r.entry.Index < o.fill.Index
	if !before && !o.whole {
		return
	}
	f := o.before[key]
	if f == nil {
		f = &found{Waiting: Waiting{Key: key, Text: slices.Clone(hit.Key)}, prints: map[window.Key]window.Ref{}}
		o.before[key] = f
		r.bytes += 256 + len(hit.Key)
	}
	if before {
		f.take(r, o, e, hit, fingerprint)
	}
}

func (r *Recounter) keepFor(waiting []*found, o *owed, e window.Entry, hit *match.Hit, fingerprint window.Key) {
	for _, f := range waiting {
		if e.Time >= f.From && e.Time <= f.To {
			f.take(r, o, e, hit, fingerprint)
		}
	}
}

// take keeps an event, unless it is equal to one that was: what an agent sends again
// is on the tape again. What the rule still has is kept too, for it may be forgotten
// before the recount is applied.
func (f *found) take(r *Recounter, o *owed, e window.Entry, hit *match.Hit, fingerprint window.Key) {
	first, again := f.prints[fingerprint]
	if again && !f.held[e.Ref] {
		return
	}
	if again && !f.held[first] {
		f.twice[first] = true
	}
	f.prints[fingerprint] = e.Ref
	if r.bytes += 64 + o.columns[hit.Source].bytes(); r.bytes > maxFound {
		r.full = true
		return
	}
	for _, v := range hit.Distinct {
		e.Distinct = append(e.Distinct, r.hash(v))
	}
	e.Nums = slices.Clone(hit.Nums)
	f.entries = append(f.entries, form.Back{Source: hit.Source, Entry: e})
}

// alias keeps which payment took the place of which.
func (r *Recounter) alias(ev *report.Event) {
	payment, replaces, ok := r.replacing.read(ev, r.hash)
	if !ok || !r.replacing.believed {
		return
	}
	if joined, _ := r.aliases.Join(r.entry.Time, 0, payment, replaces); !joined {
		return
	}
	if r.bytes += pairBytes; r.bytes > maxFound {
		r.full = true
		return
	}
	r.pairs = appendPair(r.pairs, payment, replaces)
}

// print tells equal events from others.
func (r *Recounter) print(ev *report.Event) window.Key {
	shape := r.shapes[ev.Type]
	if shape == nil {
		shape = r.other
	}
	says, _ := r.digests.Digest(ev, shape)
	var b []byte
	for _, s := range []string{ev.Source, ev.ID, ev.Type} {
		b = append(append(b, s...), 0)
	}
	return r.hash(binary.LittleEndian.AppendUint64(b, says))
}

// someBytes is the size of one entry, about, so that applying it stops nobody.
const someBytes = 256 << 10

// Recounts is what was found, in entries that can be applied one by one. Lost says
// that not all of the tape could be read.
func (r *Recounter) Recounts(lost bool) (out []entry.Recount) {
	places := make([]int, 0, len(r.owed))
	for place := range r.owed {
		places = append(places, place)
	}
	slices.Sort(places)
	for pairs := range slices.Chunk(r.pairs, someBytes) {
		out = append(out, entry.Recount{Aliases: pairs})
	}
	for _, place := range places {
		o := r.owed[place]
		lost := lost || r.full
		if o.fill != nil {
			out = append(out, o.filled(lost)...)
		}
		next, size := entry.Recount{Rule: o.id, Lost: lost}, 0
		for _, key := range sortedKeysOf(o.keys) {
			for _, f := range o.keys[key] {
				k, cut := f.encode(o.columns)
				next.Lost = next.Lost || cut
				next.Keys, size = append(next.Keys, k), size+len(k.Events)+len(k.Text)
				if size >= someBytes {
					out = append(out, next)
					next.Keys, size = nil, 0
				}
			}
		}
		if len(next.Keys) > 0 {
			out = append(out, next)
		}
	}
	return out
}

// filled is what came before the rule counted.
func (o *owed) filled(lost bool) (out []entry.Recount) {
	next, size := entry.Recount{Rule: o.id, Fill: o.fill.Index, Lost: lost}, 0
	for _, key := range sortedKeysOf(o.before) {
		k, cut := o.before[key].encode(o.columns)
		next.Lost = next.Lost || cut
		next.Keys, size = append(next.Keys, k), size+len(k.Events)+len(k.Text)
		if size >= someBytes {
			out = append(out, next)
			next.Keys, size = nil, 0
		}
	}
	next.Filled = true
	return append(out, next)
}

func sortedKeysOf[V any](of map[window.Key]V) []window.Key {
	return slices.SortedFunc(maps.Keys(of), compareKeys)
}

package machine

import (
	"encoding/binary"
	"errors"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/decimal"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/window"
)

// mostBytes bounds the events of one key that come back.
const mostBytes = 8 << 20

// columns is what a rule keeps of the events of one source.
type columns struct{ distinct, nums int }

func columnsOf(r *rules.Rule) (all []columns) {
	for _, s := range r.Body.Sources() {
		var c columns
		c.distinct, c.nums = s.Columns()
		all = append(all, c)
	}
	return all
}

// commonOf tells of which sources the events belong to every key: they have none, and
// those of others have.
func commonOf(r *rules.Rule) (all []bool) {
	for _, s := range r.Body.Sources() {
		all = append(all, len(s.By) == 0 && len(r.By) > 0)
	}
	return all
}

// bytes is the size of one event in an entry: source, time, place in the ledger,
// values that are told apart, numbers.
func (c columns) bytes() int { return 17 + 16*c.distinct + 32*c.nums }

// encode is what was found as an entry has it; cut says that it is only the latest.
func (f *found) encode(all []columns) (k entry.RecountKey, cut bool) {
	from, size := len(f.entries), 0
	for ; from > 0; from-- {
		if size += all[f.entries[from-1].Source].bytes(); size > mostBytes {
			cut = true
			break
		}
	}
	b := make([]byte, 0, min(size, mostBytes))
	le := binary.LittleEndian
	for _, e := range f.entries[from:] {
		if f.twice[e.Ref] {
			continue
		}
		b = append(b, byte(e.Source))
		b = le.AppendUint64(le.AppendUint64(b, uint64(e.Time)), uint64(e.Ref))
		for _, d := range e.Distinct {
			b = le.AppendUint64(le.AppendUint64(b, d[0]), d[1])
		}
		for _, n := range e.Nums {
			for _, w := range n {
				b = le.AppendUint64(b, w)
			}
		}
	}
	return entry.RecountKey{Key: f.Key, Text: f.Text, From: f.From, To: f.To, Events: b}, cut
}

var errRecount = errors.New("recount: malformed events")

// readBack reads what encode wrote.
func readBack(b []byte, all []columns) (out []form.Back, err error) {
	word := func() uint64 {
		v := binary.LittleEndian.Uint64(b)
		b = b[8:]
		return v
	}
	for len(b) > 0 {
		source := int(b[0])
		if source >= len(all) || len(b) < all[source].bytes() {
			return nil, errRecount
		}
		b = b[1:]
		e := form.Back{Source: source, Entry: window.Entry{Time: int64(word()), Ref: window.Ref(word() & (1<<63 - 1))}}
		for range all[source].distinct {
			e.Distinct = append(e.Distinct, window.Key{word(), word()})
		}
		for range all[source].nums {
			e.Nums = append(e.Nums, decimal.Decimal{word(), word(), word(), word()})
		}
		if e.Time < 0 || e.Time > 1<<62 {
			return nil, errRecount
		}
		out = append(out, e)
	}
	return out, nil
}

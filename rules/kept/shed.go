package kept

import (
	"cmp"
	"slices"

	"github.com/tomeishi/tomeishi/rules/window"
)

// mostShed is after how many bytes the next shards wait for the next call: some ten
// milliseconds.
const mostShed = 2 << 20

// Shed goes through some shards and forgets a part, in thousandths, of the keys of each:
// those first that were added to longest ago. of tells when that was of a key, and whether
// it may go. It tells how many went, and the latest of their times.
func (t *Table) Shed(part int, of func(k window.Key, body []byte) (time int64, may bool)) (keys int, latest int64) {
	for room := mostShed; room > 0; {
		sh := &t.shards[t.shedding]
		room -= len(sh.bytes) + recordBytes*len(sh.recs)
		keys += t.shed(sh, part, of, &latest)
		t.order(t.shedding)
		if t.shedding++; t.shedding == shards {
			t.shedding = 0
			break
		}
	}
	return keys, latest
}

// Shedding tells whether a pass of Shed is under way.
func (t *Table) Shedding() bool { return t.shedding > 0 }

// shed forgets a part of the keys of a shard, and holds the others in no more memory
// than they need.
func (t *Table) shed(sh *shard, part int, of func(window.Key, []byte) (int64, bool), latest *int64) int {
	type age struct {
		time  int64
		place int
	}
	var ages []age
	for place := range sh.recs {
		if time, may := of(sh.recs[place].key, sh.body(place)); may {
			ages = append(ages, age{time, place})
		}
	}
	quota := min(len(ages), (len(sh.recs)*part+999)/1000)
	if quota == 0 {
		return 0
	}
	slices.SortStableFunc(ages, func(x, y age) int { return cmp.Compare(x.time, y.time) })
	goes := make([]bool, len(sh.recs))
	for _, a := range ages[:quota] {
		goes[a.place] = true
		*latest = max(*latest, a.time)
	}
	old := *sh
	*sh = shard{}
	for place := range old.recs {
		if goes[place] {
			continue
		}
		now := sh.add(old.recs[place].key, old.body(place))
		if at := old.recs[place].heap; at != 0 {
			sh.look(now, int64(old.heap[at-1]>>placeBits<<grainBits))
		}
	}
	t.keys -= quota
	return quota
}

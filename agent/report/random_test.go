package report

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// event draws any event that a Builder must be able to hold.
func event(r *rand.Rand) Event {
	text := func(most int) string {
		return strings.Repeat(string(rune('a'+r.IntN(20))), r.IntN(most+1))
	}
	ev := Event{
		ID: text(300), Source: text(3), Type: text(3), Subject: text(200), DataType: text(1),
		Time: r.Int64N(3) - 1, Seen: int64(r.Uint64()),
	}
	if r.IntN(3) > 0 {
		ev.Data = bytes.Repeat([]byte{byte(r.Uint32())}, r.IntN(300))
	}
	for i := range r.IntN(4) {
		ev.Ext = append(ev.Ext, Attr{strconv.Itoa(i), text(200)})
	}
	return ev
}

func TestRandomBatches(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		var events []Event
		for range r.IntN(20) {
			events = append(events, event(r))
		}
		cut := r.IntN(len(events) + 1)
		whole, a, b := builder(events...), builder(events[:cut]...), builder(events[cut:]...)
		diff(t, roundTrip(t, whole), events)
		a.Merge(b)
		if !bytes.Equal(a.Bytes(), whole.Bytes()) {
			t.Errorf("seed %d: merged at %d of %d it is another batch", seed, cut, len(events))
		}
		if len(events) == 0 {
			continue
		}
		changed := slices.Clone(events)
		for changed[0].ID == events[0].ID && changed[0].Seen == events[0].Seen {
			changed[0] = event(r)
		}
		if builder(changed...).Batch().Digest() == whole.Batch().Digest() {
			t.Errorf("seed %d: another event, the same digest", seed)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

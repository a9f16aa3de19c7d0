package absence

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// BenchmarkAdd gives a state events of keys that wait, beside others: b/key is what a
// key takes that waits, with a text of ten characters.
func BenchmarkAdd(b *testing.B) {
	for _, keys := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(keys), func(b *testing.B) {
			r := &rule{within: time.Hour, grace: 30 * time.Second, spare: time.Hour}
			s := r.State().(*state)
			var say form.Say
			e := &form.Event{Hit: &match.Hit{}}
			text := make([]byte, 0, 16)
			add := func(i, source int) {
				text = binary.BigEndian.AppendUint32(text[:0], 10)
				text = fmt.Appendf(text, "r-%08d", i%1e8)
				h := uint64(i+1) * 0x9e3779b97f4a7c15
				e.Key, e.Hit.Key, e.Hit.Source = window.Key{h, h ^ h>>32}, text, source
				e.Time, e.Ref = int64(1e18)+int64(i)*1e5, window.MakeRef(uint64(1e6+i/100), i%100)
				say.Reset()
				s.Add(e.Time, e, &say)
			}
			for i := range keys {
				add(i, needs)
			}
			size := s.Bytes()
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				add(keys+i/2, i%2) // one that waits, and what follows it
			}
			b.ReportMetric(float64(size)/float64(keys), "b/key")
		})
	}
}

package sequence

import (
	"fmt"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// BenchmarkAdd gives a state first steps of many keys, and many events of one key that
// never complete a sequence.
func BenchmarkAdd(b *testing.B) {
	for _, perKey := range []int{1, 4096} {
		b.Run(fmt.Sprint(perKey), func(b *testing.B) {
			r := &rule{within: time.Hour, all: []step{
				{source: match.Source{Event: "a"}}, {not: true, source: match.Source{Event: "b"}}, {source: match.Source{Event: "c"}},
			}}
			r.spec = window.Spec{Within: int64(time.Hour), Spare: int64(time.Hour), Distinct: 1}
			r.compile()
			s := r.State()
			var say form.Say
			e := &form.Event{Hit: &match.Hit{}}
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				h := uint64(i/perKey+1) * 0x9e3779b97f4a7c15
				e.Key = window.Key{h, h ^ h>>32}
				e.Time, e.Ref = int64(1e18)+int64(i)*1e5, window.MakeRef(uint64(1e6+i/100), i%100)
				i++
				say.Reset()
				s.Add(e.Time, e, &say)
			}
			b.ReportMetric(float64(s.Bytes())/float64(max(1, s.Keys())), "b/key")
		})
	}
}

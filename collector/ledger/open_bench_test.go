package ledger

import (
	"sync"
	"testing"
)

// BenchmarkOpen is a start with a full log behind the last snapshot.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	large := func(o *Options) { o.SegmentBytes = 16 << 20; o.SnapshotEntries = 1 << 30 }
	l, err := openWith(b, dir, null{}, large)
	if err != nil {
		b.Fatal(err)
	}
	body := make([]byte, 500)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 1000 {
				if _, _, err := l.Propose(b.Context(), Proposal{Body: body}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	closed(b, l)
	for b.Loop() {
		l, err := openWith(b, dir, null{}, large)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		closed(b, l)
		b.StartTimer()
	}
}

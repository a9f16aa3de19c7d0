package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkAppend is a durable event a request, from one and from many
// writers; BenchmarkReference is a bare append and fdatasync of as many bytes.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			q := open(b, b.TempDir(), func(o *Options) { o.Max = 1 << 40 })
			ev := events("1")
			b.ReportAllocs()
			b.SetParallelism(writers) // times GOMAXPROCS
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := q.Append(b.Context(), ev); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func BenchmarkReference(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "file"))
	if err != nil {
		b.Fatal(err)
	}
	raw := appendRecord(nil, salt{}, 1, digest{}, events("1").Bytes())
	for b.Loop() {
		if _, err := f.Write(raw); err != nil {
			b.Fatal(err)
		}
		if err := fdatasync(f); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}

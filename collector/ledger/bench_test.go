package ledger

import (
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"

	"github.com/tomeishi/tomeishi/collector/entry"
)

func BenchmarkPropose(b *testing.B) {
	for _, size := range []int{500, 256 << 10} {
		for _, writers := range []int{1, 16, 256} {
			if size > 500 && writers > 16 {
				continue
			}
			b.Run(fmt.Sprintf("%dB/%dwriters", size, writers), func(b *testing.B) {
				l, err := openWith(b, b.TempDir(), null{}, func(o *Options) { o.SegmentBytes = 16 << 20 })
				if err != nil {
					b.Fatal(err)
				}
				defer l.Close()
				body := make([]byte, size)
				digest := [32]byte{1}
				spread(b, writers, size, func() error {
					_, _, err := l.Propose(b.Context(), Proposal{Body: body, Digest: digest})
					return err
				})
			})
			b.Run(fmt.Sprintf("%dB/%dwriters/bare-raft", size, writers), func(b *testing.B) {
				r := bare(b)
				body := make([]byte, size)
				spread(b, writers, size, func() error { return r.Apply(body, 0).Error() })
			})
		}
	}
}

// spread runs b.N operations over writers goroutines.
func spread(b *testing.B, writers, size int, op func() error) {
	work := make(chan struct{}, 1024)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range work {
				if err := op(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	b.ReportAllocs()
	b.SetBytes(int64(size))
	before := cpu()
	for b.Loop() {
		work <- struct{}{}
	}
	close(work)
	wg.Wait()
	b.ReportMetric(float64(cpu()-before)/float64(b.N)/1e3, "cpu-us/op")
}

func cpu() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// null is an Applier that does nothing, and keeps nothing.
type null struct{}

func (null) Apply(entry.Entry) any { return nil }
func (null) Snapshot() (func(io.Writer) error, error) {
	return func(io.Writer) error { return nil }, nil
}
func (null) Restore(io.Reader) (Head, error) { return Head{}, nil }

type bareFSM struct{ raft.FSM }

func (bareFSM) ApplyBatch(l []*raft.Log) []any { return make([]any, len(l)) }

func bare(b *testing.B) *raft.Raft {
	dir := b.TempDir()
	w, err := wal.Open(filepath.Clean(dir), wal.WithSegmentSize(16<<20), wal.WithLogger(hclog.NewNullLogger()))
	if err != nil {
		b.Fatal(err)
	}
	c := raftConfig()
	c.Logger = hclog.NewNullLogger()
	_, trans := raft.NewInmemTransport(localID)
	snaps := raft.NewDiscardSnapshotStore()
	if err := raft.BootstrapCluster(c, w, w, snaps, trans, clusterOfOne()); err != nil {
		b.Fatal(err)
	}
	r, err := raft.NewRaft(c, bareFSM{}, w, w, snaps, trans)
	if err != nil {
		b.Fatal(err)
	}
	for !<-r.LeaderCh() {
	}
	b.Cleanup(func() {
		if err := r.Shutdown().Error(); err != nil {
			b.Error(err)
		}
		if err := w.Close(); err != nil {
			b.Error(err)
		}
	})
	return r
}

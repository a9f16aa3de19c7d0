package tape

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
)

// Bodies are like events: text that repeats, with ids that do not.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{500, 64 << 10} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			p, err := Open(b.TempDir(), Options{})
			if err != nil {
				b.Fatal(err)
			}
			rnd := rand.New(rand.NewPCG(1, 2))
			list := make([][]byte, 1<<22/size)
			for i := range list {
				for len(list[i]) < size {
					list[i] = fmt.Appendf(list[i], `{"id":"%x","type":"payout.sent","data":{"request":"w-%d","asset":"BTC","amount":"0.%d"}}`, rnd.Uint64(), rnd.Uint32(), rnd.Uint32())
				}
				binary.LittleEndian.PutUint64(list[i], rnd.Uint64())
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			before := cpu()
			i := uint64(0)
			for b.Loop() {
				i++
				p.Append(i, list[i%uint64(len(list))])
			}
			if err := p.Sync(i); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(cpu()-before)/float64(b.N)/1e3, "cpu-us/op")
			if err := p.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func cpu() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

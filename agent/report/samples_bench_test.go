package report

import "testing"

const benchTicks = 300

// perTick reports what one tick costs; each run handled benchTicks of them.
func perTick(b *testing.B, bytes int) {
	b.ReportMetric(float64(bytes)/benchTicks, "bytes/tick")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchTicks, "ns/tick")
}

func BenchmarkSampleEncoder(b *testing.B) {
	all := newHost(1).samples(benchTicks)
	b.Logf("%d series, schema of %d bytes", len(all.Schema.series), len(all.Schema.raw))
	b.ReportAllocs()
	var e SampleEncoder
	var dst []byte
	bytes := 0
	for b.Loop() {
		bytes = 0
		for i := range all.Frames {
			dst = e.Encode(dst[:0], all.frame(i))
			e.Acked()
			bytes += len(dst)
		}
	}
	perTick(b, bytes)
}

func BenchmarkSamplesAppend(b *testing.B) {
	all := newHost(1).samples(benchTicks)
	b.ReportAllocs()
	var dst []byte
	bytes := 0
	for b.Loop() {
		bytes = 0
		for i := range all.Frames {
			dst = all.frame(i).Append(dst[:0])
			bytes += len(dst)
		}
	}
	perTick(b, bytes)
}

// BenchmarkSamplesAppendMany puts all ticks in one block, as after an outage.
func BenchmarkSamplesAppendMany(b *testing.B) {
	all := newHost(1).samples(benchTicks)
	var dst []byte
	for b.Loop() {
		dst = all.Append(dst[:0])
	}
	perTick(b, len(dst))
}

func BenchmarkReadSamples(b *testing.B) {
	raw := newHost(1).samples(1).Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := ReadSamples(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadSamplesHead(b *testing.B) {
	raw := newHost(1).samples(1).Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := ReadSamplesHead(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSampleDecoder(b *testing.B) {
	all := newHost(1).samples(benchTicks)
	var e SampleEncoder
	var wire [][]byte
	bytes := 0
	for i := range all.Frames {
		wire = append(wire, e.Encode(nil, all.frame(i)))
		e.Acked()
		bytes += len(wire[i])
	}
	b.ReportAllocs()
	for b.Loop() {
		var d SampleDecoder
		for _, raw := range wire {
			if _, err := d.Decode(raw); err != nil {
				b.Fatal(err)
			}
		}
	}
	perTick(b, bytes)
}

package report

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

const perBody = 1000

func body() []byte {
	var s strings.Builder
	for i := range perBody {
		s.WriteString(payout(i) + "\n")
	}
	return []byte(s.String())
}

// perEvent reports what one event costs; each run handled perBody of them.
func perEvent(b *testing.B, bytes int) {
	b.SetBytes(int64(bytes))
	n := float64(b.N) * perBody
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/n, "ns/event")
	b.ReportMetric(n/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkReadRequest(b *testing.B) {
	raw, h := body(), typed(LinesType)
	stamp := []Attr{{"agent", "host-1"}, {"uid", "1000"}}
	b.ReportAllocs()
	var out Builder
	for b.Loop() {
		out.Reset()
		if err := ReadRequest(h, raw, now, stamp, &out); err != nil {
			b.Fatal(err)
		}
	}
	perEvent(b, len(raw))
}

func BenchmarkReadOne(b *testing.B) {
	raw, h := []byte(payout(1)), typed(StructuredType)
	b.ReportAllocs()
	var out Builder
	for b.Loop() {
		out.Reset()
		if err := ReadRequest(h, raw, now, nil, &out); err != nil {
			b.Fatal(err)
		}
	}
}

// The two references that stand beside ReadRequest.

func BenchmarkReferenceJSONValid(b *testing.B) {
	raw := body()
	for b.Loop() {
		for line := range strings.Lines(stringOf(raw)) {
			if !json.Valid(bytesOf(line)) {
				b.Fatal(line)
			}
		}
	}
	perEvent(b, len(raw))
}

func BenchmarkReferenceJSONDecode(b *testing.B) {
	raw := body()
	b.ReportAllocs()
	for b.Loop() {
		for line := range strings.Lines(stringOf(raw)) {
			var ev struct {
				ID, Source, Type string
				Time             time.Time
				Data             struct {
					Request, Payment, Asset, Network, Address, Amount, Fee, Customer string
					Attempt                                                          int
				}
			}
			if err := json.Unmarshal(bytesOf(line), &ev); err != nil {
				b.Fatal(err)
			}
		}
	}
	perEvent(b, len(raw))
}

func encoded(b *testing.B) (*Builder, Batch) {
	var out Builder
	if err := ReadRequest(typed(LinesType), body(), now, nil, &out); err != nil {
		b.Fatal(err)
	}
	return &out, out.Batch()
}

func BenchmarkBytes(b *testing.B) {
	out, batch := encoded(b)
	for b.Loop() {
		out.Bytes()
	}
	perEvent(b, len(batch.Bytes()))
}

func BenchmarkOpenBatch(b *testing.B) {
	_, batch := encoded(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := OpenBatch(batch.Bytes()); err != nil {
			b.Fatal(err)
		}
	}
	perEvent(b, len(batch.Bytes()))
}

func BenchmarkReader(b *testing.B) {
	_, batch := encoded(b)
	b.ReportAllocs()
	for b.Loop() {
		r := batch.Reader()
		for ev := (Event{}); r.Next(&ev); {
		}
	}
	perEvent(b, len(batch.Bytes()))
}

func BenchmarkDigest(b *testing.B) {
	_, batch := encoded(b)
	for b.Loop() {
		batch.Digest()
	}
	perEvent(b, len(batch.Bytes()))
}

func BenchmarkMerge(b *testing.B) {
	one, batch := encoded(b)
	var out Builder
	for b.Loop() {
		out.Reset()
		out.Merge(one)
	}
	perEvent(b, len(batch.Bytes()))
}

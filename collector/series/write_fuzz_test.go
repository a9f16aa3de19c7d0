package series

import (
	"bytes"
	"testing"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/prompb"
)

// FuzzWrite has the handler and the feeder read anything: what makes the handler
// panic does not get in, and what gets in is in the ledger as it came.
func FuzzWrite(f *testing.F) {
	at := now()
	f.Add(writeOne("x", at, 1), true)
	f.Add(request2(series1(named("x", "a", "b"), point1(at, 1))), false)
	f.Add(request1(prompb.TimeSeries{Labels: named("h"), Histograms: []prompb.Histogram{{Schema: 9, PositiveSpans: []prompb.BucketSpan{{Offset: 5, Length: 3}}}}}), true)
	f.Add(snappy.Encode(nil, []byte{0x22, 0, 0x2a, 4, 0x0a, 2, 7, 8}), false)
	f.Add([]byte{}, true)
	j := new(journal)
	r := open(f, f.TempDir(), j, 0).run().settle()
	f.Fuzz(func(t *testing.T, body []byte, first bool) {
		protocol, contentType := byte(protocol2), type2
		if first {
			protocol, contentType = protocol1, type1
		}
		before, panics := j.last(), r.met.panics.Get()
		w := r.requestCtx(t.Context(), contentType, body)
		if w.Code >= 500 {
			t.Errorf("answered %d: %s", w.Code, w.Body)
		}
		if j.last() == before {
			return
		}
		e := j.entries[len(j.entries)-1]
		got, compressed, err := openWrite(e.Body)
		if err != nil || got != protocol || !bytes.Equal(compressed, body) {
			t.Errorf("the entry holds protocol %d and %d bytes, %v", got, len(compressed), err)
		}
		if n := r.met.panics.Get() - panics; n > 0 {
			t.Errorf("%d panics over a request that was let in", n)
		}
	})
}

// FuzzWriteEntry reads entries that a damaged tape may have.
func FuzzWriteEntry(f *testing.F) {
	f.Add(frameWrite(protocol1, []byte("body")))
	f.Add([]byte("TMRW"))
	f.Add([]byte("TMRW\x02\x01body"))
	f.Add([]byte("TMRW\x01\x09body"))
	f.Fuzz(func(t *testing.T, b []byte) {
		protocol, compressed, err := openWrite(b)
		if err == nil && !bytes.Equal(frameWrite(protocol, compressed), b) {
			t.Errorf("%q is read and not written alike", b)
		}
	})
}

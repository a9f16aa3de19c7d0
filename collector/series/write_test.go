package series

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
	"github.com/prometheus/prometheus/storage"

	"github.com/tomeishi/tomeishi/collector/entry"
)

const (
	type1 = "application/x-protobuf"
	type2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request"
)

// series1 is a series of protocol 1.
func series1(ls []prompb.Label, samples ...prompb.Sample) prompb.TimeSeries {
	return prompb.TimeSeries{Labels: ls, Samples: samples}
}

func named(name string, more ...string) []prompb.Label {
	ls := []prompb.Label{{Name: "__name__", Value: name}}
	for i := 0; i < len(more); i += 2 {
		ls = append(ls, prompb.Label{Name: more[i], Value: more[i+1]})
	}
	return ls
}

func point1(at time.Time, v float64) prompb.Sample {
	return prompb.Sample{Timestamp: at.UnixMilli(), Value: v}
}

// request1 is a request of protocol 1.
func request1(series ...prompb.TimeSeries) []byte {
	raw, err := (&prompb.WriteRequest{Timeseries: series}).Marshal()
	if err != nil {
		panic(err)
	}
	return snappy.Encode(nil, raw)
}

func writeOne(name string, at time.Time, v float64) []byte {
	return request1(series1(named(name), point1(at, v)))
}

// request2 is the same of protocol 2.
func request2(series ...prompb.TimeSeries) []byte {
	symbols := writev2.NewSymbolTable()
	var req writev2.Request
	for _, s := range series {
		var to writev2.TimeSeries
		for _, l := range s.Labels {
			to.LabelsRefs = append(to.LabelsRefs, symbols.Symbolize(l.Name), symbols.Symbolize(l.Value))
		}
		for _, p := range s.Samples {
			to.Samples = append(to.Samples, writev2.Sample{Timestamp: p.Timestamp, Value: p.Value})
		}
		to.Metadata.Type = writev2.Metadata_METRIC_TYPE_GAUGE
		to.Metadata.HelpRef = symbols.Symbolize("what it is")
		req.Timeseries = append(req.Timeseries, to)
	}
	req.Symbols = symbols.Symbols()
	raw, err := req.Marshal()
	if err != nil {
		panic(err)
	}
	return snappy.Encode(nil, raw)
}

// TestWriteAnswers has what good and bad senders send: what is answered, and
// what is stored.
func TestWriteAnswers(t *testing.T) {
	at := now()
	labels := func(n int) []prompb.Label {
		ls := named("many")
		for i := range n - 1 {
			ls = append(ls, prompb.Label{Name: fmt.Sprintf("l%05d", i), Value: "v"})
		}
		return ls
	}
	long := strings.Repeat("x", 1<<20)
	type request struct {
		name   string
		series []prompb.TimeSeries
		code1  int    // by protocol 1
		code2  int    // by protocol 2
		says   string // in the answer
		stored int    // samples, by protocol 2; 1 stores all or nothing
		entry  bool   // protocol 1 makes an entry of the ledger
	}
	ok := series1(named("ok"), point1(at, 1))
	for _, c := range []request{
		{"one", []prompb.TimeSeries{ok}, 204, 204, "", 1, true},
		{"nothing", nil, 204, 204, "", 0, false},
		{"special values", []prompb.TimeSeries{
			series1(named("a"), point1(at, math.NaN())), series1(named("b"), point1(at, math.Inf(1))), series1(named("c"), point1(at, math.Inf(-1))),
		}, 204, 204, "", 3, true},
		{"labels not sorted", []prompb.TimeSeries{series1(append(named("x", "z", "1", "a", "2")[1:], named("x")...), point1(at, 1))}, 204, 204, "", 1, true},
		{"as many labels as may be", []prompb.TimeSeries{series1(labels(maxLabels), point1(at, 1))}, 204, 204, "", 1, true},
		{"too many labels", []prompb.TimeSeries{ok, series1(labels(maxLabels+1), point1(at, 1))}, 400, 400, "65 labels, at most 64", 0, false},
		{"10,000 labels", []prompb.TimeSeries{ok, series1(labels(10_000), point1(at, 1))}, 400, 400, "10000 labels, at most 64", 0, false},
		{"a value of a megabyte", []prompb.TimeSeries{series1(named("x", "l", long), point1(at, 1))}, 400, 400, "1048576 bytes, at most 4096", 0, false},
		{"a name of a megabyte", []prompb.TimeSeries{series1(named("x", long, "v"), point1(at, 1))}, 400, 400, "at most 256", 0, false},
		{"a metric of a megabyte", []prompb.TimeSeries{series1(named(long), point1(at, 1))}, 400, 400, "at most 4096", 0, false},
		{"no name", []prompb.TimeSeries{ok, series1([]prompb.Label{{Name: "a", Value: "b"}}, point1(at, 1))}, 204, 400, "", 1, true},
		{"a label twice", []prompb.TimeSeries{ok, series1(named("x", "a", "1", "a", "2"), point1(at, 1))}, 204, 400, "", 1, true},
		{"no UTF-8", []prompb.TimeSeries{ok, series1(named("x", "a", "\xff"), point1(at, 1))}, 204, 400, "", 1, true},
		{"an hour ahead", []prompb.TimeSeries{ok, series1(named("x"), point1(at.Add(time.Hour), 1))}, 400, 400, "too far in the future", 1, false},
		{"six minutes ahead", []prompb.TimeSeries{ok, series1(named("x"), point1(at.Add(6*time.Minute), 1))}, 400, 400, "5m0s ahead", 1, true},
		{"a minute ahead", []prompb.TimeSeries{series1(named("x"), point1(at.Add(time.Minute), 1))}, 204, 204, "", 1, true},
		{"two days old", []prompb.TimeSeries{ok, series1(named("x"), point1(at.Add(-48*time.Hour), 1))}, 400, 400, "too old", 1, true},
		{"an hour old", []prompb.TimeSeries{series1(named("x"), point1(at.Add(-time.Hour), 1))}, 204, 204, "", 1, true},
		{"out of order", []prompb.TimeSeries{series1(named("x"), point1(at, 1), point1(at.Add(-time.Minute), 1))}, 204, 204, "", 2, true},
		{"the same twice", []prompb.TimeSeries{series1(named("base"), point1(at, 42))}, 204, 204, "", 1, true},
		{"another value", []prompb.TimeSeries{ok, series1(named("base"), point1(at, 43))}, 400, 400, "duplicate sample for timestamp", 1, true},
	} {
		for protocol, contentType := range map[byte]string{protocol1: type1, protocol2: type2} {
			t.Run(fmt.Sprintf("%s/%d", c.name, protocol), func(t *testing.T) {
				j := new(journal)
				r := open(t, t.TempDir(), j, 0).run()
				j.add(entry.KindWrite, at, frameWrite(protocol1, writeOne("base", at, 42)))
				r.settle()
				body, code, entry := request1(c.series...), c.code1, c.entry
				if protocol == protocol2 {
					body, code, entry = request2(c.series...), c.code2, c.stored > 0
				}
				w := r.request(http.MethodPost, "/api/v1/write", contentType, body)
				if w.Code != code || code == 400 && !strings.Contains(w.Body.String(), c.says) {
					t.Errorf("answered %d %.300q, want %d with %q", w.Code, w.Body, code, c.says)
				}
				if w.Body.Len() > maxAnswer+100 {
					t.Errorf("an answer of %d bytes", w.Body.Len())
				}
				if got := len(j.entries) == 2; got != entry {
					t.Errorf("in the ledger: %t, want %t", got, entry)
				}
				r.settle()
				stored := c.stored
				if protocol == protocol1 && code != 204 {
					stored = 0
				}
				if got := r.met.appended.Get() - 1; got != uint64(stored) {
					t.Errorf("%d samples stored, want %d", got, stored)
				}
				if protocol == protocol2 && code == 204 && w.Header().Get("X-Prometheus-Remote-Write-Samples-Written") != fmt.Sprint(stored) {
					t.Errorf("written: %v, want %d", w.Header(), stored)
				}
			})
		}
	}
}

// TestWriteBytes has bodies that are not what they say.
func TestWriteBytes(t *testing.T) {
	r := open(t, t.TempDir(), new(journal), 0).run().settle()
	good := writeOne("x", now(), 1)
	raw, err := snappy.Decode(nil, good)
	must(t, err)
	liar := append([]byte{0xff, 0xff, 0xff, 0xff, 0x0f}, good[1:]...) // says that it holds 4 GiB
	manySeries := bytes.Repeat([]byte{0x0a, 0x00}, maxParts+1)        // two bytes for a series of a hundred
	for _, c := range []struct {
		name, contentType string
		body              []byte
		code              int
		says              string
	}{
		{"no type is protocol 1", "", good, 204, ""},
		{"another type", "application/json", good, 415, "content-type"},
		{"another message", "application/x-protobuf;proto=io.prometheus.write.v3.Request", good, 415, "unknown type"},
		{"not compressed", type1, raw, 400, "snappy"},
		{"truncated", type1, good[:len(good)/2], 400, "snappy"},
		{"empty", type1, nil, 400, "snappy"},
		{"a lie about the size", type1, liar, 413, "smaller requests"},
		{"too large", type1, bytes.Repeat([]byte{1}, maxCompressed+1), 413, "smaller requests"},
		{"too large when decoded", type1, snappy.Encode(nil, make([]byte, maxDecoded+1)), 413, "smaller requests"},
		{"no protobuf", type1, snappy.Encode(nil, []byte("hello, world")), 400, "protobuf"},
		{"protobuf cut off", type1, snappy.Encode(nil, raw[:len(raw)-3]), 400, "protobuf"},
		{"protocol 1 as 2", type2, good, 204, ""}, // unknown fields: an empty request
		{"too many series", type1, snappy.Encode(nil, manySeries), 400, "send smaller ones"},
		{"a symbol that is not there", type2, snappy.Encode(nil, []byte{0x22, 0, 0x2a, 4, 0x0a, 2, 7, 8}), 400, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := r.request(http.MethodPost, "/api/v1/write", c.contentType, c.body)
			if w.Code != c.code || !strings.Contains(w.Body.String(), c.says) {
				t.Errorf("answered %d %q, want %d with %q", w.Code, w.Body, c.code, c.says)
			}
		})
	}
	if w := r.request(http.MethodGet, "/api/v1/write", "", nil); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET is answered %d", w.Code)
	}
}

// TestWriteLedger has the ledger refuse, not know, and be slow.
func TestWriteLedger(t *testing.T) {
	j := new(journal)
	r := open(t, t.TempDir(), j, 0).run().settle()
	for _, c := range []struct {
		err  error
		code int
	}{
		{entry.ErrFull, 503},
		{fmt.Errorf("%w: lost", entry.ErrUnknown), 503},
		{entry.ErrNotStored, 503},
	} {
		j.fail = c.err
		w := r.request(http.MethodPost, "/api/v1/write", type1, writeOne("x", now(), 1))
		if w.Code != c.code || w.Header().Get("Retry-After") == "" {
			t.Errorf("%v: answered %d, %v", c.err, w.Code, w.Header())
		}
	}
	j.fail = nil
	r.halt() // nobody feeds: it is safe, and not yet in the view
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	w := r.requestCtx(ctx, type2, request2(series1(named("x"), point1(now(), 1))))
	if w.Code != 204 || w.Header().Get("X-Prometheus-Remote-Write-Samples-Written") != "1" {
		t.Errorf("answered %d, %v", w.Code, w.Header())
	}
}

// TestWriteTooMany has more requests at once than are taken in.
func TestWriteTooMany(t *testing.T) {
	r := open(t, t.TempDir(), new(journal), 0)
	for range maxInside {
		r.writes.inside <- struct{}{}
	}
	w := r.request(http.MethodPost, "/api/v1/write", type1, writeOne("x", now(), 1))
	if w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("answered %d, %v", w.Code, w.Header())
	}
}

// TestWriteHistogram has native histograms, sound ones and others.
func TestWriteHistogram(t *testing.T) {
	j := new(journal)
	r := open(t, t.TempDir(), j, 0).run().settle()
	histogram := func(name string, change func(*prompb.Histogram)) []byte {
		h := prompb.Histogram{
			Count: &prompb.Histogram_CountInt{CountInt: 3}, Sum: 4, ZeroCount: &prompb.Histogram_ZeroCountInt{},
			PositiveSpans: []prompb.BucketSpan{{Offset: 0, Length: 2}}, PositiveDeltas: []int64{1, 1}, Timestamp: now().UnixMilli(),
		}
		change(&h)
		return request1(prompb.TimeSeries{Labels: named("h", "case", name), Histograms: []prompb.Histogram{h}})
	}
	for _, c := range []struct {
		name   string
		change func(*prompb.Histogram)
		code   int
	}{
		{"sound", func(*prompb.Histogram) {}, 204},
		{"wrong count", func(h *prompb.Histogram) { h.Count = &prompb.Histogram_CountInt{CountInt: 9} }, 400},
		{"spans without buckets", func(h *prompb.Histogram) { h.PositiveDeltas = nil }, 400},
		{"spans far away", func(h *prompb.Histogram) { h.PositiveSpans[0].Offset = math.MaxInt32 }, 400},
		{"a span of 4 billion", func(h *prompb.Histogram) { h.PositiveSpans[0].Length = math.MaxUint32 }, 400},
		{"finer than is kept", func(h *prompb.Histogram) { h.Schema, h.PositiveSpans[0].Offset = 9, math.MaxInt32 }, 204},
		{"finer, spans without buckets", func(h *prompb.Histogram) { h.Schema, h.PositiveDeltas = 9, nil }, 400},
		{"no such schema", func(h *prompb.Histogram) { h.Schema = 100 }, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			if w := r.request(http.MethodPost, "/api/v1/write", type1, histogram(c.name, c.change)); w.Code != c.code {
				t.Errorf("answered %d %s, want %d", w.Code, w.Body, c.code)
			}
		})
	}
	if got := r.ask(`histogram_count(h{case="sound"})`, now()); !strings.Contains(got, "=> 3") {
		t.Errorf("got %q", got)
	}
}

// TestPanicInHandler has the handler panic in the middle: the appender is given
// back, and everything goes on.
func TestPanicInHandler(t *testing.T) {
	j := new(journal)
	r := open(t, t.TempDir(), j, 0)
	storer := r.writes.storer
	r.writes.storer = http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		app := storing{r.Store}.AppenderV2(req.Context())
		if _, err := app.Append(0, labelsOf("half"), 0, now().UnixMilli(), 1, nil, nil, storage.AOptions{}); err != nil {
			t.Error(err)
		}
		panic(errors.New("rubbish"))
	})
	j.add(entry.KindWrite, now(), frameWrite(protocol1, writeOne("x", now(), 1)))
	if err := r.feeder.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	answer := r.writes.answer(1)
	if answer == nil || answer.code != 400 || r.met.panics.Get() != 1 {
		t.Fatalf("answered %+v", answer)
	}
	r.writes.storer = storer
	j.add(entry.KindWrite, now(), frameWrite(protocol1, writeOne("x", now(), 1)))
	r.drain()
	if got := r.ask(`{__name__=~"half|x"}`, now()); strings.Count(got, "=>") != 1 {
		t.Errorf("got %q", got)
	}
	var out strings.Builder
	must(t, r.WriteMetrics(&out))
	if !strings.Contains(out.String(), "prometheus_tsdb_head_active_appenders 0") {
		t.Error("an appender is still open")
	}
}

package report

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// bothForms reads s as the ledger and as the wire carry it.
func bothForms(t *testing.T, s *Samples) (ledger, wire error) {
	t.Helper()
	_, _, ledger = ReadSamples(s.Append(nil))
	var e SampleEncoder
	_, wire = new(SampleDecoder).Decode(e.Encode(nil, s))
	return ledger, wire
}

func manySeries(n int) (series []Series) {
	for i := range n {
		series = append(series, Series{"s" + strconv.Itoa(i), nil})
	}
	return series
}

func manyLabels(n int) (labels []Attr) {
	for i := range n {
		labels = append(labels, Attr{fmt.Sprintf("l%03d", i), "v"})
	}
	return labels
}

// alike are series whose labels differ in their last bytes.
func alike(n int) (series []Series) {
	for i := range n {
		series = append(series, Series{"n", []Attr{{"l", strings.Repeat("x", 1000) + strconv.Itoa(i)}}})
	}
	return series
}

// under makes one frame of zeros under a schema.
func under(series ...Series) *Samples {
	return &Samples{Agent: "a", Schema: NewSchema(series), Frames: []Frame{{1790000000000, make([]float64, len(series))}}}
}

func labeled(labels ...Attr) *Samples { return under(Series{"n", labels}) }

func owned(labels ...Attr) *Samples {
	s := under(Series{"n", []Attr{{"device", "sda"}}})
	s.Labels = labels
	return s
}

func called(agent string) *Samples {
	s := labeled()
	s.Agent = agent
	return s
}

func sentAt(ms int64) *Samples {
	s := labeled()
	s.Sent = ms
	return s
}

func framesAt(times ...int64) *Samples {
	s := labeled()
	s.Frames = nil
	for _, at := range times {
		s.Frames = append(s.Frames, Frame{at, []float64{1}})
	}
	return s
}

func manyFrames(frames, series int) *Samples {
	s := under(manySeries(series)...)
	for i := 1; i < frames; i++ {
		s.Frames = append(s.Frames, Frame{s.Frames[0].Time + int64(i), s.Frames[0].Values})
	}
	return s
}

func TestBoundsOfSamples(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	for _, tt := range []struct {
		name  string
		s     *Samples
		field string
		says  string
	}{
		{"an agent", called(long(255)), "", ""},
		{"no agent", called(""), "agent", "is empty"},
		{"a long agent", called(long(256)), "agent", "256 bytes long, at most 255"},
		{"a control character in the agent", called("a\nb"), "agent", "holds a control character"},
		{"an agent that is not UTF-8", called("a\xff"), "agent", "not valid UTF-8"},
		{"sent late", sentAt(latest - 1), "", ""},
		{"sent too late", sentAt(latest), "sent", "4102444800000 ms is not a time from 1970 to 2100"},
		{"sent before 1970", sentAt(-1), "sent", "-1 ms is not a time"},

		{"32 own labels", owned(manyLabels(32)...), "", ""},
		{"33 own labels", owned(manyLabels(33)...), "labels", "33 labels, at most 32"},
		{"own labels not sorted", owned(Attr{"b", "1"}, Attr{"a", "1"}), "labels", `label "a": labels must be sorted`},
		{"one own label twice", owned(Attr{"a", "1"}, Attr{"a", "2"}), "labels", `label "a": labels must be sorted by name, and differ`},
		{"an own instance", owned(Attr{"instance", "x"}), "labels", `label "instance" is not the agent's to give`},
		{"an own name", owned(Attr{"__name__", "x"}), "labels", `label "__name__" is not the agent's to give`},
		{"an own label without a name", owned(Attr{"", "x"}), "labels", "is empty"},
		{"an own label without a value", owned(Attr{"x", ""}), "labels", `label "x": is empty`},
		{"own labels of the longest", owned(Attr{long(256), long(1024)}), "", ""},
		{"an own label with a long name", owned(Attr{long(257), "x"}), "labels", "257 bytes long, at most 256"},
		{"an own label with a long value", owned(Attr{"x", long(1025)}), "labels", "1025 bytes long, at most 1024"},
		{"a control character in an own label", owned(Attr{"x", "\x7f"}), "labels", "control character"},
		{"an own label that is not UTF-8", owned(Attr{"\xc3", "x"}), "labels", "not valid UTF-8"},
		{"an own label that is a series' too", owned(Attr{"device", "x"}), "labels", `label "device" of the agent is also a label of a series`},

		{"10,000 series", under(manySeries(10_000)...), "", ""},
		{"no series", under(), "schema", "no series"},
		{"10,001 series", under(manySeries(10_001)...), "", ""}, // the head of the ledger's form says it first
		{"a series without a name", under(Series{"", nil}), "schema", "is empty"},
		{"a name of the longest", under(Series{long(256), nil}), "", ""},
		{"a long name", under(Series{"a", nil}, Series{long(257), nil}), "schema.series[1]", "a name of 257 bytes, at most 256"},
		{"a control character in a name", under(Series{"a\u0085", nil}), "schema", "control character"},
		{"a name that is not UTF-8", under(Series{"\xff", nil}), "schema", "not valid UTF-8"},
		{"one series twice", under(append(manySeries(7), Series{"s3", nil})...), "schema.series[7]", "s3 stands twice with the same labels"},
		{"one series twice, with labels", under(Series{"a", manyLabels(3)}, Series{"b", manyLabels(3)}, Series{"a", manyLabels(3)}), "schema.series[2]", "a stands twice"},
		{"32 labels", labeled(manyLabels(32)...), "", ""},
		{"33 labels", labeled(manyLabels(33)...), "schema.series[0]", "33 labels, at most 32"},
		{"labels not sorted", labeled(Attr{"b", "1"}, Attr{"a", "1"}), "schema.series[0]", `label "a": labels must be sorted`},
		{"one label twice", labeled(Attr{"b", "1"}, Attr{"b", "2"}), "schema.series[0]", "and differ"},
		{"instance", labeled(Attr{"instance", "1"}), "schema.series[0]", "not the agent's to give"},
		{"__name__", labeled(Attr{"__name__", "1"}), "schema.series[0]", "not the agent's to give"},
		{"a label of the longest", labeled(Attr{long(256), long(1024)}), "", ""},
		{"a long label name", labeled(Attr{long(257), "x"}), "schema.series[0]", "a name of 257 bytes, at most 256"},
		{"a long label value", labeled(Attr{"x", long(1025)}), "schema", "1025 bytes long, at most 1024"},
		{"a label of a megabyte", labeled(Attr{"x", long(1 << 20)}), "schema", "at most 1048576"},
		{"words that are small only as they are coded", under(alike(1100)...), "schema", "more than 1048576 bytes of words"},
		{"no label value", labeled(Attr{"x", ""}), "schema", "is empty"},
		{"no label name", labeled(Attr{"", "x"}), "schema", "is empty"},

		{"frames at both ends of time", framesAt(0, latest-1), "", ""},
		{"a frame before 1970", framesAt(-1), "", ""},
		{"a frame after 2100", framesAt(latest), "", ""},
		{"two frames at one time", framesAt(5, 5, 6), "frames[1]", "5 ms is not later than the frame before"},
		{"a frame that goes back", framesAt(5, 9, 8, 12), "frames[2]", "8 ms is not later"},
		{"4,096 frames", manyFrames(4096, 195), "", ""},
		{"4,097 frames", manyFrames(4097, 1), "", "4097 frames, at most 4096"},
		{"too many values", manyFrames(4096, 196), "", "4096 frames of 196 series are more than 800000 values"},
		{"most values", manyFrames(80, 10_000), "", ""},
	} {
		ledger, wire := bothForms(t, tt.s)
		switch tt.name { // the head of the ledger's form is checked first, in its own words
		case "10,001 series", "a frame before 1970", "a frame after 2100":
			if !errors.Is(ledger, errShape) || wire == nil {
				t.Errorf("%s: %v, %v", tt.name, ledger, wire)
			}
			continue
		}
		for form, err := range map[string]error{"ledger": ledger, "wire": wire} {
			if tt.says == "" {
				if err != nil {
					t.Errorf("%s, %s: %v", tt.name, form, err)
				}
				continue
			}
			if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.HasPrefix(err.Error(), "samples: ") || len(err.Error()) > 300 {
				t.Errorf("%s, %s: %v; want an error that says %q", tt.name, form, err, tt.says)
			}
			field := ""
			if f, ok := errors.AsType[*FieldError](err); ok {
				field = f.Field
			}
			if field != tt.field {
				t.Errorf("%s, %s: it is said of field %q, want %q", tt.name, form, field, tt.field)
			}
		}
	}
}

// What keeps the bounds fits into one body, in either form, whatever it is.
func TestWorstSamplesFitABody(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 6))
	var series []Series
	for i := range 195 {
		s := Series{"n" + strconv.Itoa(i), nil}
		for j := range 5 {
			s.Labels = append(s.Labels, Attr{strconv.Itoa(j), strconv.Itoa(i*5+j) + strings.Repeat("x", 1019)})
		}
		series = append(series, s)
	}
	s := &Samples{Agent: strings.Repeat("a", maxAgent), Schema: NewSchema(series)}
	for i := range maxLabels {
		s.Labels = append(s.Labels, Attr{strings.Repeat("y", 254) + fmt.Sprint(i+10), strings.Repeat("z", maxLabel)})
	}
	for i := range MaxFrames {
		f := Frame{int64(i) * (latest / MaxFrames), make([]float64, len(series))}
		for j := range f.Values {
			f.Values[j] = r.NormFloat64()
		}
		s.Frames = append(s.Frames, f)
	}
	raw := s.Append(nil)
	var e SampleEncoder
	wire := e.Encode(nil, s)
	if len(raw) > MaxBody || len(wire) > MaxBody || len(raw) < MaxBody*9/10 {
		t.Errorf("%d bytes in the ledger, %d on the wire, of %d", len(raw), len(wire), MaxBody)
	}
	if most := 9*MaxValues + maxSchema + MaxFrames*12 + maxLabels*(maxMetric+maxLabel+5) + 512; most > MaxBody {
		t.Errorf("up to %d bytes, more than %d", most, MaxBody)
	}
	sameSamples(t, readSamples(t, raw), s)
	if _, err := new(SampleDecoder).Decode(wire); err != nil {
		t.Error(err)
	}
	if _, err := new(SampleDecoder).Decode(make([]byte, MaxBody+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a body over the limit: %v", err)
	}
}

package report

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fewSamples hold one of everything that can be coded.
func fewSamples() *Samples {
	s := &Samples{
		Agent: "host-留", Lane: SpoolID{0xff, 2, 15: 16}, Sent: 1790000002001,
		Labels: []Attr{{"dc", "東京"}, {"rack", "b 7"}},
		Schema: NewSchema([]Series{
			{"node_boot_time_seconds", nil},
			{"node_cpu_seconds_total", []Attr{{"cpu", "0"}, {"mode", "idle"}}},
			{"node_cpu_seconds_total", []Attr{{"cpu", "0"}, {"mode", "user"}}},
			{"node_memory_MemFree_bytes", nil},
			{"node_network_receive_bytes_total", []Attr{{"device", "eth0"}}},
			{"node_pressure_cpu_waiting_seconds_total", nil},
			{"node_timex_offset_seconds", nil},
			{"up", []Attr{{"mode", "0"}}},
		}),
	}
	for i, values := range [][]float64{
		{1.78e9, 12345.67, 0.01, 8192 * 1e6, 12345678901, 7.123456, -1.0 / 3, 1},
		{1.78e9, 12346.61, 0.01, 8192*1e6 - 4096, 12345679000, 7.123999, math.NaN(), Absent},
		{1.78e9, 12347.6, 0.02, 0, 1 << 60, math.Inf(-1), math.Copysign(0, -1), 1},
		{1.78e9, 12347.6, 0.02, 0, 1 << 60, math.Inf(-1), math.Copysign(0, -1), 1},
	} {
		s.Frames = append(s.Frames, Frame{1790000000000 + int64(i*i)*1001, values})
	}
	return s
}

// sameSamples compares values by their bits.
func sameSamples(t testing.TB, got, want *Samples) {
	t.Helper()
	frames := func(a, b Frame) bool {
		return a.Time == b.Time && slices.EqualFunc(a.Values, b.Values, func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })
	}
	series := func(a, b Series) bool { return a.Name == b.Name && slices.Equal(a.Labels, b.Labels) }
	if got.Agent == want.Agent && got.Lane == want.Lane && got.Sent == want.Sent && slices.Equal(got.Labels, want.Labels) &&
		got.Schema.ID() == want.Schema.ID() && bytes.Equal(got.Schema.raw, want.Schema.raw) && slices.EqualFunc(got.Schema.Series(), want.Schema.Series(), series) &&
		slices.EqualFunc(got.Frames, want.Frames, frames) {
		return
	}
	plain := func(s *Samples) any {
		times, values := []int64{}, [][]uint64{}
		for _, f := range s.Frames {
			times, values = append(times, f.Time), append(values, nil)
			for _, v := range f.Values {
				values[len(values)-1] = append(values[len(values)-1], math.Float64bits(v))
			}
		}
		series := []Series{}
		for _, one := range s.Schema.Series() {
			series = append(series, Series{one.Name, append([]Attr{}, one.Labels...)})
		}
		return []any{s.Agent, s.Lane, s.Sent, append([]Attr{}, s.Labels...), series, s.Schema.ID(), times, values}
	}
	t.Fatalf("other samples (-want +got):\n%s", cmp.Diff(plain(want), plain(got)))
}

func readSamples(t testing.TB, raw []byte) *Samples {
	t.Helper()
	s, rest, err := ReadSamples(raw)
	if err != nil || len(rest) != 0 {
		t.Fatalf("%d bytes are left, %v", len(rest), err)
	}
	return &s
}

func TestSamplesStandBackToBack(t *testing.T) {
	want := []*Samples{fewSamples(), newHost(3).samples(2), fewSamples().frame(2)}
	want[2].Sent, want[2].Labels = 0, nil
	var raw []byte
	for _, s := range want {
		raw = s.Append(raw)
	}
	rest, heads := raw, raw
	for i, w := range want {
		var got Samples
		var h SamplesHead
		var err error
		if got, rest, err = ReadSamples(rest); err != nil {
			t.Fatalf("samples %d: %v", i, err)
		}
		sameSamples(t, &got, w)
		if h, heads, err = ReadSamplesHead(heads); err != nil {
			t.Fatalf("head %d: %v", i, err)
		}
		if d := cmp.Diff(SamplesHead{w.Agent, w.Lane, w.Sent, w.Frames[0].Time, w.Frames[len(w.Frames)-1].Time, len(w.Frames), len(w.Schema.series)}, h); d != "" {
			t.Errorf("head %d (-want +got):\n%s", i, d)
		}
		if !bytes.Equal(got.Append(nil), w.Append(nil)) {
			t.Errorf("samples %d: encoding what was read gives other bytes", i)
		}
	}
	if len(rest) != 0 || len(heads) != 0 {
		t.Errorf("%d and %d bytes are left", len(rest), len(heads))
	}
}

func TestSamplesOwnTheirMemory(t *testing.T) {
	want := fewSamples()
	raw := want.Append(nil)
	got := readSamples(t, raw)
	h, _, err := ReadSamplesHead(raw)
	if err != nil {
		t.Fatal(err)
	}
	clear(raw)
	sameSamples(t, got, want)
	if h.Agent != want.Agent {
		t.Errorf("the head's agent is now %q", h.Agent)
	}

	var e SampleEncoder
	var d SampleDecoder
	for i := range want.Frames {
		wire := e.Encode(nil, want.frame(i))
		e.Acked()
		agent, err := SamplesAgent(wire)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.Decode(wire)
		if err != nil {
			t.Fatal(err)
		}
		clear(wire)
		sameSamples(t, &got, want.frame(i))
		if agent != want.Agent {
			t.Errorf("the agent is now %q", agent)
		}
		// Nor does the caller reach what the decoder remembers.
		clear(got.Labels)
		clear(got.Frames[0].Values)
	}
}

// The memory of the encoder is its own as well.
func TestEncoderKeepsNoFrame(t *testing.T) {
	all, want := newHost(2).samples(5), newHost(2).samples(5)
	var e SampleEncoder
	var d SampleDecoder
	for i := range all.Frames {
		one := all.frame(i)
		one.Labels = slices.Clone(one.Labels)
		wire := e.Encode(nil, one)
		clear(one.Frames[0].Values)
		clear(one.Labels)
		e.Acked()
		if isDelta(wire) != (i > 0) {
			t.Errorf("frame %d: a difference: %t", i, isDelta(wire))
		}
		got, err := d.Decode(wire)
		if err != nil {
			t.Fatal(err)
		}
		sameSamples(t, &got, want.frame(i))
	}
}

func TestGoldenSamples(t *testing.T) {
	want := fewSamples()
	sameSamples(t, readSamples(t, golden(t, "v1.samples", want.Append(nil))), want)

	var e SampleEncoder
	var d SampleDecoder
	for i, name := range []string{"v1.samples-whole", "v1.samples-delta"} {
		one := want.frame(i)
		got, err := d.Decode(golden(t, name, e.Encode(nil, one)))
		if err != nil {
			t.Fatal(err)
		}
		e.Acked()
		sameSamples(t, &got, one)
	}
}

func TestSamplesVersionsAndMagic(t *testing.T) {
	var e SampleEncoder
	var d SampleDecoder
	for magic, read := range map[string]func([]byte) error{
		"TMSA":  func(b []byte) error { _, _, err := ReadSamples(b); return err },
		"TMSA ": func(b []byte) error { _, _, err := ReadSamplesHead(b); return err },
		"TMSW":  func(b []byte) error { _, err := d.Decode(b); return err },
		"TMSW ": func(b []byte) error { _, err := SamplesAgent(b); return err },
	} {
		magic = strings.TrimSpace(magic)
		for raw, want := range map[string]string{
			magic + "\x02whatever comes then": "samples: format version 2; this program reads version 1: upgrade it first",
			magic + "\x00whatever comes then": "samples: format version 0 does not exist; this program reads version 1",
			"":                                `samples: does not begin with "` + magic + `"`,
			"hello, world, how are you":       `samples: does not begin with "` + magic + `"`,
		} {
			if err := read([]byte(raw)); err == nil || err.Error() != want {
				t.Errorf("%s: %q: %v, want %s", magic, raw, err, want)
			}
		}
	}
	if _, err := d.Decode(fewSamples().Append(nil)); err == nil {
		t.Error("the ledger's form was taken for the wire's")
	}
	if _, _, err := ReadSamples(e.Encode(nil, fewSamples())); err == nil {
		t.Error("the wire's form was taken for the ledger's")
	}
}

// A bit that flips, or an end that is missing, is found, at every place.
func TestEveryDamageOfSamplesIsFound(t *testing.T) {
	few := fewSamples()
	var e SampleEncoder
	var d SampleDecoder
	whole := e.Encode(nil, few.frame(0))
	if _, err := d.Decode(whole); err != nil {
		t.Fatal(err)
	}
	e.Acked()
	decode := func(b []byte) error { _, err := d.Decode(b); return err }
	for name, tt := range map[string]struct {
		raw  []byte
		open func([]byte) error
	}{
		"samples":    {few.Append(nil), func(b []byte) error { _, _, err := ReadSamples(b); return err }},
		"head":       {few.Append(nil), func(b []byte) error { _, _, err := ReadSamplesHead(b); return err }},
		"whole":      {whole, decode},
		"difference": {e.Encode(nil, few.frame(1)), decode},
	} {
		for i := range tt.raw {
			for bit := range 8 {
				bad := bytes.Clone(tt.raw)
				bad[i] ^= 1 << bit
				if err := tt.open(bad); err == nil || errors.Is(err, ErrBase) {
					t.Fatalf("%s: byte %d, bit %d flipped: %v", name, i, bit, err)
				}
			}
			if err := tt.open(tt.raw[:i]); err == nil || errors.Is(err, ErrBase) {
				t.Fatalf("%s: cut off at %d of %d bytes: %v", name, i, len(tt.raw), err)
			}
		}
		if err := tt.open(tt.raw); err != nil {
			t.Errorf("%s: the sound one: %v", name, err)
		}
	}
}

func TestAbsentIsNoOtherNaN(t *testing.T) {
	for v, want := range map[uint64]bool{
		0x7ff0000000000002: true, 0x7ff0000000000001: false, 0x7ff8000000000002: false, 0xfff0000000000002: false, 0x7ff0000000000000: false, 0: false,
	} {
		if got := IsAbsent(math.Float64frombits(v)); got != want {
			t.Errorf("%#x absent: %t", v, got)
		}
	}
	if !IsAbsent(Absent) || Absent == Absent { //nolint:staticcheck // that it is a NaN is the point
		t.Error("Absent is not what it should be")
	}
}

package report

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// drawText draws a text of 1 to most bytes that shares its beginning with others.
func drawText(r *rand.Rand, most int) string {
	text := strings.Repeat([]string{"a", "ab", "node_", "留", "é"}[r.IntN(5)], 1+r.IntN(3)) + strconv.Itoa(r.IntN(50))
	if r.IntN(20) == 0 {
		text += strings.Repeat("z", most)
	}
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}

func drawLabels(r *rand.Rand, prefix string, most int) (labels []Attr) {
	for range r.IntN(most + 1) {
		labels = append(labels, Attr{prefix + drawText(r, maxMetric-len(prefix)), drawText(r, maxLabel)})
	}
	slices.SortFunc(labels, func(a, b Attr) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(labels, func(a, b Attr) bool { return a.Name == b.Name })
}

func drawSchema(r *rand.Rand) *Schema {
	var series []Series
	for i := range 1 + r.IntN(40) {
		s := Series{drawText(r, maxMetric), drawLabels(r, "l", []int{0, 2, 32}[r.IntN(3)])}
		if len(s.Labels) < maxLabels {
			s.Labels = append(s.Labels, Attr{"zz", strconv.Itoa(i)}) // they must differ
		} else {
			s.Name = strconv.Itoa(i)
		}
		series = append(series, s)
	}
	return NewSchema(series)
}

// drawFrames draws frames of which most values stand still.
func drawFrames(r *rand.Rand, series, n int, from int64) (frames []Frame) {
	values := make([]float64, series)
	for range n {
		from += 1 + r.Int64N(1<<r.IntN(30)+1)
		values = slices.Clone(values)
		for i := range values {
			if r.IntN(3) == 0 {
				values[i] = drawValue(r)
			}
		}
		frames = append(frames, Frame{from, values})
	}
	return frames
}

func drawSamples(r *rand.Rand) *Samples {
	s := &Samples{Agent: drawText(r, maxAgent), Sent: r.Int64N(latest), Labels: drawLabels(r, "own", 32), Schema: drawSchema(r)}
	for i := range s.Lane {
		s.Lane[i] = byte(r.Uint32())
	}
	s.Frames = drawFrames(r, len(s.Schema.series), 1+r.IntN(20), r.Int64N(latest/2))
	return s
}

func TestRandomSamplesInTheLedger(t *testing.T) {
	for seed := range uint64(150) {
		want := drawSamples(rand.New(rand.NewPCG(seed, 4)))
		raw := want.Append([]byte("before"))[len("before"):]
		got := readSamples(t, raw)
		sameSamples(t, got, want)
		if again := got.Append(nil); !bytes.Equal(again, raw) {
			t.Fatalf("seed %d: what was read encodes otherwise", seed)
		}
		checkSamples(t, got)
	}
}

// A sender goes on and on; answers are lost, the reader restarts, schemas and
// labels change. What arrives is what was sent.
func TestRandomSamplesOnTheWire(t *testing.T) {
	whole, deltas := 0, 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 5))
		s := drawSamples(r)
		var e SampleEncoder
		d := new(SampleDecoder)
		for range 40 {
			switch r.IntN(20) {
			case 0:
				s.Schema = drawSchema(r)
			case 1:
				s.Labels = drawLabels(r, "own", 5)
			case 2:
				d = new(SampleDecoder)
			case 3:
				e = SampleEncoder{}
			}
			s.Frames = drawFrames(r, len(s.Schema.series), 1+r.IntN(4), r.Int64N(latest/2))
			raw := e.Encode(nil, s)
			got, err := d.Decode(raw)
			if errors.Is(err, ErrBase) {
				e.Reset()
				raw = e.Encode(nil, s)
				got, err = d.Decode(raw)
			}
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			sameSamples(t, &got, s)
			checkSamples(t, &got)
			if isDelta(raw) {
				deltas++
			} else {
				whole++
			}
			if r.IntN(3) > 0 {
				e.Acked()
			}
		}
	}
	if whole < 300 || deltas < 300 {
		t.Errorf("%d were sent whole, %d as differences: not much of a test", whole, deltas)
	}
}

func TestSchemasAreNamedByWhatTheyHold(t *testing.T) {
	ids := map[[16]byte]string{}
	for name, series := range map[string][]Series{
		"one":             {{"a", nil}},
		"another name":    {{"b", nil}},
		"two":             {{"a", nil}, {"b", nil}},
		"in other order":  {{"b", nil}, {"a", nil}},
		"a label":         {{"a", []Attr{{"b", "c"}}}},
		"turned round":    {{"a", []Attr{{"c", "b"}}}},
		"moved":           {{"a", nil}, {"b", []Attr{{"a", "c"}}}},
		"words run on":    {{"ab", []Attr{{"c", "d"}}}},
		"words run on, 2": {{"a", []Attr{{"bc", "d"}}}},
	} {
		s, again := NewSchema(series), NewSchema(series)
		if s.ID() != again.ID() {
			t.Errorf("%s: made again it is another", name)
		}
		if other, both := ids[s.ID()]; both {
			t.Errorf("%s and %s have one id", name, other)
		}
		ids[s.ID()] = name
	}
}

package report

import (
	"math"
	"math/rand/v2"
	"testing"
)

// strange are the float64s at which codings go wrong.
var strange = []float64{
	0, math.Copysign(0, -1), 1, -1, 0.1, 0.2, 0.3, 0.1 + 0.2, 1.0 / 3, 1e-9, 1.5e-9, 1e-10, 123456.789, -0.01, 1024, 1023, 1025, -1024,
	maxExact - 1, maxExact, maxExact + 2, -maxExact, -maxExact - 2, 1024 * maxExact, 1024 * (maxExact + 2), -1024 * maxExact, 1e15 + 0.3, 9007199254740.993,
	math.MaxInt64, math.MinInt64, math.MaxUint64, math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, 0x1p-1022, 0x1p-1030,
	math.Inf(1), math.Inf(-1), math.NaN(), Absent, math.Float64frombits(absentBits | 1<<63), math.Float64frombits(0x7ff0000000000001),
	math.Float64frombits(0x7ff8dead0000beef), math.Float64frombits(math.MaxUint64), math.Nextafter(1, 2), math.Nextafter(0.01, 1), 4.35, 1.005, 2.675,
}

// drawValue draws what hosts measure, and what they never would.
func drawValue(r *rand.Rand) float64 {
	scale := scales[r.IntN(len(scales))]
	switch r.IntN(6) {
	case 0:
		return strange[r.IntN(len(strange))]
	case 1:
		return math.Float64frombits(r.Uint64())
	case 2:
		return float64(r.Int64N(1<<r.IntN(54)+1)) / scale
	case 3:
		return -float64(r.Int64N(1<<r.IntN(54)+1)) / scale
	case 4:
		return float64(r.IntN(1000)) * scale
	}
	return r.NormFloat64() * math.Pow(2, float64(r.IntN(200)-100))
}

func checkValues(t *testing.T, before, values []float64) (coded []byte) {
	t.Helper()
	coded = appendValues(nil, before, values)
	got := make([]float64, len(values))
	copy(got, before)
	c := cursor{b: coded}
	c.readValues(got)
	if c.bad || len(c.b) != 0 {
		t.Fatalf("%x after %x do not decode: %d of %d bytes are left", values, before, len(c.b), len(coded))
	}
	for i, v := range values {
		if math.Float64bits(got[i]) != math.Float64bits(v) {
			t.Fatalf("%x came back as %x; before it stood %x", math.Float64bits(v), math.Float64bits(got[i]), before[i])
		}
	}
	if most := 1 + 9*len(values); len(coded) > most {
		t.Fatalf("%d values take %d bytes, at most %d", len(values), len(coded), most)
	}
	return coded
}

func TestEveryValueAfterEveryOther(t *testing.T) {
	for _, before := range strange {
		for _, v := range strange {
			checkValues(t, []float64{before}, []float64{v})
		}
	}
	checkValues(t, nil, strange)
}

func TestRandomValues(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		before, values := make([]float64, 1+r.IntN(300)), make([]float64, 0, 300)
		still := r.Float64()
		for i := range before {
			before[i] = drawValue(r)
			v := drawValue(r)
			if r.Float64() < still {
				v = before[i]
			}
			values = append(values, v)
		}
		checkValues(t, before, values)
	}
}

// What is coded for a change of one value, so that a coding that has become
// larger is seen.
func TestSizeOfAChange(t *testing.T) {
	for _, tt := range []struct {
		name       string
		before, to float64
		want       int
	}{
		{"nothing", 7.3, 7.3, 0},
		{"a counter", 1234567890123, 1234567890123 + 63, 2},
		{"a counter, further", 1234567890123, 1234567890123 + 8191, 3},
		{"memory by a page", 8 << 30, 8<<30 - 4096, 2},
		{"a time in hundredths", 98765.43, 98765.93, 2},
		{"a time in millionths", 98765.432101, 98765.432132, 2},
		{"a whole number after a fraction", 0.333333333333333, 1, 2},
		{"absent", 5, Absent, 1},
		{"there again", Absent, 5, 2},
		{"a reset", 1 << 40, 0, 6},
		{"a third", 5, 1.0 / 3, 9},
		{"negative zero", 0, math.Copysign(0, -1), 9},
	} {
		coded := checkValues(t, []float64{tt.before}, []float64{tt.to})
		if got := len(coded) - 1; got != tt.want {
			t.Errorf("%s: %d bytes, want %d: %x", tt.name, got, tt.want, coded)
		}
	}
	before := newHost(1).samples(1).Frames[0].Values
	if coded := checkValues(t, before, before); len(coded) != 1 {
		t.Errorf("a frame like the one before takes %d bytes", len(coded))
	}
}

func FuzzSampleValues(f *testing.F) {
	for _, v := range strange {
		f.Add(math.Float64bits(v), math.Float64bits(v+1), uint16(14))
		f.Add(math.Float64bits(-v), math.Float64bits(v), uint16(300))
	}
	f.Fuzz(func(t *testing.T, before, after uint64, at uint16) {
		was := make([]float64, int(at)+1)
		was[at] = math.Float64frombits(before)
		values := append([]float64(nil), was...)
		values[at] = math.Float64frombits(after)
		checkValues(t, was, values)
	})
}

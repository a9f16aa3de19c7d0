package report

import (
	"encoding/binary"
	"math"
)

// The values of a frame are the differences from another frame, or from zeros:
// a byte for each value that changed, with what it is above and how many stood
// still before it below (15: a uvarint says how many more), then
//
//	0..10   a varint: by how much the value, as a multiple of 1/scales[i],
//	        differs from the multiple nearest to the one before
//	13      the end of the frame
//	14      nothing: Absent
//	15      eight bytes: the value's bits
//
// Counters and sizes are whole numbers, times are hundredths or millionths: as
// such multiples they are exact, and so are their differences. A scale serves
// only if what comes back has the same bits.
const (
	opEnd    = 13
	opAbsent = 14
	opBits   = 15

	longSkip = 15
	maxExact = 1 << 53 // every whole number up to it is a float64
)

var scales = [...]float64{1.0 / 1024, 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// near is the whole number nearest to v times scale; 0 where a float64 holds
// none exactly.
func near(v, scale float64) int64 {
	if x := v * scale; math.Abs(x) <= maxExact { // never true of a NaN
		return int64(math.RoundToEven(x))
	}
	return 0
}

// appendValues codes values as differences from before, or from zeros if that
// is nil.
func appendValues(dst []byte, before, values []float64) []byte {
	skip := 0
	for i, v := range values {
		was := 0.0
		if before != nil {
			was = before[i]
		}
		if math.Float64bits(v) == math.Float64bits(was) {
			skip++
			continue
		}
		dst = appendValue(dst, skip, was, v)
		skip = 0
	}
	return append(dst, opEnd<<4)
}

func appendValue(dst []byte, skip int, was, v float64) []byte {
	bits := math.Float64bits(v)
	if bits == absentBits {
		return appendOp(dst, opAbsent, skip)
	}
	for i, scale := range scales {
		n := near(v, scale)
		if math.Float64bits(float64(n)/scale) == bits {
			return binary.AppendVarint(appendOp(dst, byte(i), skip), n-near(was, scale))
		}
	}
	return binary.LittleEndian.AppendUint64(appendOp(dst, opBits, skip), bits)
}

func appendOp(dst []byte, op byte, skip int) []byte {
	if skip < longSkip {
		return append(dst, op<<4|byte(skip))
	}
	return binary.AppendUvarint(append(dst, op<<4|longSkip), uint64(skip-longSkip))
}

// readValues turns values, which hold the frame before, into the next one.
func (c *cursor) readValues(values []float64) {
	for i := 0; ; i++ {
		head := c.byte()
		skip, op := uint64(head&15), head>>4
		if skip == longSkip {
			skip += min(c.uvarint(), MaxSeries)
		}
		if op == opEnd {
			c.bad = c.bad || skip != 0
			return
		}
		if c.bad || skip >= uint64(len(values)-i) {
			c.bad = true
			return
		}
		i += int(skip)
		values[i] = c.value(op, values[i])
	}
}

func (c *cursor) value(op byte, was float64) float64 {
	switch {
	case op == opAbsent:
		return Absent
	case op == opBits:
		return math.Float64frombits(c.uint64())
	case int(op) >= len(scales):
		c.bad = true
		return 0
	}
	n := near(was, scales[op]) + c.varint()
	if n > maxExact || n < -maxExact {
		c.bad = true
	}
	return float64(n) / scales[op]
}

func (c *cursor) varint() int64 {
	u := c.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

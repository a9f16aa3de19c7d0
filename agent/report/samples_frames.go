package report

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// appendFrames codes frames, the first as the difference from values (nil for
// zeros) at the time from, the others from the one before each.
func appendFrames(dst []byte, from int64, values []float64, s *Samples) []byte {
	for _, f := range s.Frames {
		if len(f.Values) != len(s.Schema.series) {
			panic(fmt.Sprintf("report: a frame of %d values under a schema of %d series", len(f.Values), len(s.Schema.series)))
		}
		dst = binary.AppendVarint(dst, f.Time-from)
		dst = appendValues(dst, values, f.Values)
		from, values = f.Time, f.Values
	}
	return dst
}

// readFrames reads n frames of so many series that appendFrames coded.
func (c *cursor) readFrames(n uint64, from int64, values []float64, series int) ([]Frame, error) {
	if err := checkCounts(n, series); err != nil {
		return nil, err
	}
	if n > uint64(len(c.b)/2) {
		return nil, fmt.Errorf("frames: %w: %d are named, %d bytes are left", errShape, n, len(c.b))
	}
	frames := make([]Frame, n)
	for i := range frames {
		time := from + c.varint()
		if values = slices.Clone(values); values == nil {
			values = make([]float64, series)
		}
		c.readValues(values)
		err := checkTime(time)
		if c.bad {
			err = errShape
		}
		if err == nil && i > 0 && time <= from {
			err = fmt.Errorf("%d ms is not later than the frame before", time)
		}
		if err != nil {
			return nil, inField("frames", inField(index(i), err))
		}
		frames[i] = Frame{time, values}
		from = time
	}
	return frames, nil
}

func checkCounts(frames uint64, series int) error {
	switch {
	case frames == 0:
		return errors.New("no frames")
	case frames > MaxFrames:
		return fmt.Errorf("%d frames, at most %d", frames, MaxFrames)
	case frames*uint64(series) > MaxValues:
		return fmt.Errorf("%d frames of %d series are more than %d values", frames, series, MaxValues)
	}
	return nil
}

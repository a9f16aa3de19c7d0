package chart

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"
)

// FuzzDraw draws any numbers at any times into any size.
func FuzzDraw(f *testing.F) {
	bits := func(values ...float64) (out []byte) {
		for _, v := range values {
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
		}
		return out
	}
	f.Add(uint8(80), uint8(24), uint8(0), int64(0), int64(3600), uint8(1), bits(1, 2, 3))
	f.Add(uint8(20), uint8(5), uint8(1), int64(1.7e9), int64(1), uint8(11), bits(math.Inf(1), math.NaN(), 0, -1))
	f.Add(uint8(80), uint8(24), uint8(2), int64(-1), int64(1e9), uint8(2), bits(-math.MaxFloat64, math.MaxFloat64))
	f.Add(uint8(0), uint8(0), uint8(3), int64(0), int64(0), uint8(3), bits(5e-324, 0, 5e-324, 1e-320))
	f.Add(uint8(99), uint8(9), uint8(4), int64(0), int64(86400*400), uint8(1), bits(1e300, 1e300*(1+1e-15)))
	f.Add(uint8(99), uint8(9), uint8(0), int64(1e12), int64(60), uint8(1), bits(1e15, 1e15+1, 0.1+0.2, 0.3))
	f.Fuzz(func(t *testing.T, width, height, unit uint8, from, span int64, series uint8, raw []byte) {
		if from < -1e11 || from > 1e11 || span < 0 || span > 1e10 {
			return // not times that PromQL knows
		}
		c := Chart{
			From: time.Unix(from, 0).UTC(), To: time.Unix(from+span, 0).UTC(), Step: time.Second,
			Unit: Unit{Kind(unit % 5), unit&64 != 0}, Width: int(width), Height: int(height), Color: unit&128 != 0,
		}
		lines := make([]Series, series%20)
		for i := 0; len(raw) >= 8 && len(lines) > 0; i++ {
			s := &lines[i%len(lines)]
			s.Name = strings.Repeat("名", i%7)
			s.Points = append(s.Points, Point{c.From.UnixMilli() + int64(i)*700, math.Float64frombits(binary.LittleEndian.Uint64(raw))})
			raw = raw[8:]
		}
		fits(t, c, c.Draw(lines))
	})
}

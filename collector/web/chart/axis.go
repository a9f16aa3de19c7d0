package chart

import (
	"math"
	"time"
)

// An axis is the value axis: what is at its bottom and top, and where its lines
// are.
type axis struct {
	low, high float64
	ticks     []float64
	unit      scale // in which the ticks are said
}

// y is where a value is drawn, in pixels from the top of the plot.
func (a axis) y(v float64) int {
	y := math.Round((a.high - v) / (a.high - a.low) * plotHeight)
	return int(min(max(y, 0), plotHeight))
}

// valueAxis is an axis with about four lines that shows all that is drawn, and
// zero.
func (c Chart) valueAxis(g grid) axis {
	least, most, ok := g.bounds(g.group > 1 && c.spreads())
	if !ok {
		least, most = 0, 0
	}
	low, high := min(0, least), max(0, most, c.Top)
	if high-low < math.SmallestNonzeroFloat64*1e12 { // nothing but zero, or as good as
		low, high = 0, 1
	}
	unit := c.Unit.scale(max(high, -low))
	step := nice((high-low)/unit.of/3) * unit.of
	a := axis{low: math.Floor(low/step) * step, high: math.Ceil(high/step-1e-9) * step, unit: unit}
	for i := 0; i <= 6; i++ {
		v := a.low + float64(i)*step
		if v > a.high+step/2 {
			break
		}
		a.ticks = append(a.ticks, v)
	}
	return a
}

// nice is the least of 1, 2, 2.5 and 5 times a power of ten that is not below v.
func nice(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1, 2, 2.5, 5} {
		if v <= n*power*(1+1e-9) {
			return n * power
		}
	}
	return 10 * power
}

// A moment is a place on the time axis.
type moment struct {
	at   float64 // part of the width
	text string
}

// timeSteps are the distances of moments, in minutes, up to a day.
var timeSteps = [...]int{1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720}

const day = 24 * 60

// moments are round times in the zone between two times, at most six.
func moments(from, to time.Time, zone *time.Location) (out []moment) {
	span := to.Sub(from)
	if span <= 0 {
		return nil
	}
	step := stepFor(span)
	from = from.In(zone)
	year, month, date := from.Date()
	// Minutes are counted from midnight, so that they are round where clocks
	// were set, too.
	for i := 0; ; i++ {
		t := time.Date(year, month, date, 0, i*step, 0, 0, zone)
		if t.After(to) || len(out) > 12 {
			return out
		}
		at := float64(t.Sub(from)) / float64(span)
		if at < 0 || len(out) > 0 && at <= out[len(out)-1].at {
			continue
		}
		text := t.Format("15:04")
		if t.Hour() == 0 && t.Minute() == 0 {
			text = t.Format("01-02")
		}
		out = append(out, moment{at, text})
	}
}

// stepFor is a distance, in minutes, at which at most six moments fit.
func stepFor(span time.Duration) int {
	for _, s := range timeSteps {
		if span <= 6*time.Duration(s)*time.Minute {
			return s
		}
	}
	days := int(span/(6*24*time.Hour)) + 1
	return days * day
}

package chart

import "math"

// valueAxis maps values to rows.
type valueAxis struct {
	low, high float64
	ticks     []valueTick
}

type valueTick struct {
	row   int
	label string
}

// dot is the dot of a finite value, counted from the top.
func (a valueAxis) dot(v float64, k *canvas) int {
	part := (a.high - v) / (a.high - a.low)
	if math.IsInf(a.high-a.low, 0) {
		part = (a.high/2 - v/2) / (a.high/2 - a.low/2)
	}
	if !(part > 0) { // or not a number, where the range is empty
		return 0
	}
	return int(math.Round(min(part, 1) * float64(k.height()-1)))
}

// valueAxis spans all finite values of the lines, from one round number to
// another.
func (c Chart) valueAxis(lines []line, rows int) valueAxis {
	low, high := c.extent(lines)
	factor, suffix := c.Unit.scale(max(math.Abs(low), math.Abs(high)))
	step := niceStep(low/factor, high/factor, rows)
	first, last := math.Floor(low/factor/step), math.Ceil(high/factor/step)
	a := valueAxis{low: first * step * factor, high: last * step * factor}
	if !finite(step) || !finite(a.low) || !finite(a.high) || a.low >= a.high || last-first > 100 || max(-first, last) > 1e15 {
		// Too large, or too close together, for round numbers.
		a.low, a.high = low, high
		a.ticks = []valueTick{{0, c.Unit.Format(high)}, {rows - 1, c.Unit.Format(low)}}
		return a
	}
	decimals := max(0, int(-math.Floor(math.Log10(step)+1e-9)))
	count := int(last - first)
	for i := range count + 1 {
		row := int(math.Round(float64(count-i) / float64(count) * float64(rows-1)))
		a.ticks = append(a.ticks, valueTick{row, tickText((first+float64(i))*step, decimals) + suffix})
	}
	return a
}

// tickText writes numbers of one axis alike.
func tickText(v float64, decimals int) string {
	if size := math.Abs(v); size >= 1e7 || decimals > 6 {
		return digits(v, 6)
	}
	return fixed(v, decimals)
}

// extent is the range to show, which is never empty. Where zero is near, it is
// part of it. Less than a percent is not shown as if it were much.
func (c Chart) extent(lines []line) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, l := range lines {
		for _, p := range l.Points {
			if finite(p.Value) {
				low, high = min(low, p.Value), max(high, p.Value)
			}
		}
	}
	percent := map[Kind]float64{Percent: 1, Ratio: 0.01}[c.Unit.Kind]
	switch {
	case low > high:
		return 0, 1 // nothing finite
	case low >= 0 && high-low < percent:
		return max(0, high-percent), max(high, percent)
	case low == high:
		return around(low)
	case low > 0 && low < high/2:
		low = 0
	case high < 0 && high > low/2:
		high = 0
	}
	return low, high
}

// around is the range around the only value there is.
func around(v float64) (low, high float64) {
	margin := math.Abs(v) / 10
	low, high = v-margin, v+margin
	switch {
	case v == 0:
		return 0, 1
	case finite(low) && finite(high) && low < v && v < high:
		return low, high
	case v > 0:
		return 0, v
	}
	return v, 0
}

// niceStep is 1, 2 or 5 times a power of ten, such that a tick has at least two
// rows, or one where there are few.
func niceStep(low, high float64, rows int) float64 {
	ticks := float64(max(1, min((rows-1)/2, 8)))
	raw := (high/2 - low/2) / ticks * 2
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, n := range []float64{1, 2, 5} {
		if n*power >= raw*(1-1e-9) {
			return n * power
		}
	}
	return 10 * power
}

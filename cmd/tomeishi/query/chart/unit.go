package chart

import (
	"math"
	"strconv"
	"strings"
)

// A Unit is what numbers count.
type Unit struct {
	Kind Kind
	Rate bool // of each second
}

// A Kind of unit.
type Kind uint8

// The kinds of units.
const (
	Plain Kind = iota
	Bytes
	Seconds
	Percent // of 100
	Ratio   // of 1, shown as percent
)

// step is a size from which on numbers are shown in a larger unit.
type step struct {
	from, factor float64
	suffix       string
}

// steps are those of a unit, the largest first.
func (u Unit) steps() []step {
	switch u.Kind {
	case Bytes:
		return []step{
			{1 << 60, 1 << 60, "EiB"},
			{1 << 50, 1 << 50, "PiB"},
			{1 << 40, 1 << 40, "TiB"},
			{1 << 30, 1 << 30, "GiB"},
			{1 << 20, 1 << 20, "MiB"},
			{1 << 10, 1 << 10, "KiB"},
			{0, 1, "B"},
		}
	case Seconds:
		return []step{
			{2 * 86400, 86400, "d"},
			{2 * 3600, 3600, "h"},
			{2 * 60, 60, "min"},
			{1, 1, "s"},
			{1e-3, 1e-3, "ms"},
			{1e-6, 1e-6, "µs"},
			{math.SmallestNonzeroFloat64, 1e-9, "ns"},
			{0, 1, "s"},
		}
	case Percent:
		return []step{{0, 1, "%"}}
	case Ratio:
		return []step{{0, 0.01, "%"}}
	case Plain:
	}
	return []step{
		{1e15, 1e15, "P"},
		{1e12, 1e12, "T"},
		{1e9, 1e9, "G"},
		{1e6, 1e6, "M"},
		{1e4, 1e3, "k"},
		{0, 1, ""},
	}
}

// scale is by what numbers up to size are divided, and what follows them.
func (u Unit) scale(size float64) (factor float64, suffix string) {
	for _, s := range u.steps() {
		if math.Abs(size) >= s.from {
			factor, suffix = s.factor, s.suffix
			break
		}
	}
	if u.Rate {
		suffix += "/s"
	}
	if suffix != "" {
		suffix = " " + suffix
	}
	return factor, suffix
}

// Format is a value in three digits, with its unit.
func (u Unit) Format(v float64) string { return u.format(v, 3) }

// format is Format in at least three digits.
func (u Unit) format(v float64, n int) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 0):
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	factor, suffix := u.scale(v)
	return digits(v/factor, max(n, 3)) + suffix
}

// digits is a number in n digits; one before the point is never left out.
func digits(v float64, n int) string {
	size := math.Abs(v)
	if size >= 1e6 || size != 0 && size < 1e-3 {
		return strconv.FormatFloat(v, 'g', n, 64)
	}
	before := 0
	for limit := 1.0; size >= limit; limit *= 10 {
		before++
	}
	return fixed(v, max(0, n-before))
}

// fixed is a number with at most so many digits after the point.
func fixed(v float64, decimals int) string {
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		return "0"
	}
	return text
}

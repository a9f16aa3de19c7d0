package chart

import (
	"math"
	"strconv"
)

// A Unit is what values count.
type Unit string

// The units.
const (
	Count          Unit = "count"
	Ratio          Unit = "ratio" // 1 is 100 %
	Bytes          Unit = "bytes"
	BytesPerSecond Unit = "bytes/s"
	Seconds        Unit = "seconds"
	PerSecond      Unit = "per s"
)

// A scale is a step of a unit: so many are one of it.
type scale struct {
	of   float64
	name string
}

// scales are the steps of a unit, the largest first. The last is for all that is
// smaller.
func (u Unit) scales() []scale {
	switch u {
	case Ratio:
		return []scale{{0.01, " %"}}
	case Bytes:
		return []scale{{1 << 50, " PiB"}, {1 << 40, " TiB"}, {1 << 30, " GiB"}, {1 << 20, " MiB"}, {1 << 10, " KiB"}, {1, " B"}}
	case BytesPerSecond:
		return []scale{{1e12, " TB/s"}, {1e9, " GB/s"}, {1e6, " MB/s"}, {1e3, " kB/s"}, {1, " B/s"}}
	case Seconds:
		return []scale{{86400, " d"}, {3600, " h"}, {60, " min"}, {1, " s"}, {1e-3, " ms"}, {1e-6, " µs"}}
	case PerSecond:
		return []scale{{1e9, " G/s"}, {1e6, " M/s"}, {1e3, " k/s"}, {1, " /s"}}
	case Count:
	}
	return []scale{{1e12, " T"}, {1e9, " G"}, {1e6, " M"}, {1e3, " k"}, {1, ""}}
}

// scale is the one in which people say a value as large as v.
func (u Unit) scale(v float64) scale {
	all := u.scales()
	for _, s := range all[:len(all)-1] {
		if math.Abs(v) >= s.of*0.9995 { // what would be rounded up to it
			return s
		}
	}
	return all[len(all)-1]
}

// Text is a value as people write it, in three digits: 1.5 GiB, 23 %, 40 ms.
func (u Unit) Text(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	s := u.scale(v)
	if u == Seconds && v == 0 {
		s = scale{1, " s"}
	}
	return digits(v/s.of) + s.name
}

// digits is a number in three digits, more before the point if it has more.
func digits(v float64) string {
	a := math.Abs(v)
	decimals := 0
	switch {
	case a >= 1e15:
		return strconv.FormatFloat(v, 'g', 3, 64)
	case a < 9.995:
		decimals = 2
	case a < 99.95:
		decimals = 1
	}
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if decimals > 0 {
		for text[len(text)-1] == '0' {
			text = text[:len(text)-1]
		}
		if text[len(text)-1] == '.' {
			text = text[:len(text)-1]
		}
	}
	if text == "-0" {
		return "0"
	}
	return text
}

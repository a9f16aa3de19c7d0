package strictyaml

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// units of a duration as Prometheus writes it, the longest first.
var units = [...]struct {
	name   string
	length time.Duration
}{
	{"y", 365 * 24 * time.Hour},
	{"w", 7 * 24 * time.Hour},
	{"d", 24 * time.Hour},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
	{"ms", time.Millisecond},
}

var errDuration = errors.New("a duration is written like 30s, 15m, 24h or 1d12h")

// ParseDuration reads a duration as Prometheus does.
func ParseDuration(s string) (time.Duration, error) {
	if s == "0" {
		return 0, nil
	}
	if s == "" {
		return 0, errDuration
	}
	total, next := time.Duration(0), 0
	for s != "" {
		digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
		n, err := strconv.ParseInt(s[:digits], 10, 64)
		if err != nil {
			return 0, errDuration
		}
		s = s[digits:]
		name := s[:len(s)-len(strings.TrimLeft(s, "ywdhms"))]
		for ; next < len(units) && units[next].name != name; next++ {
		}
		if next == len(units) {
			return 0, errDuration
		}
		length := units[next].length
		if n > int64((math.MaxInt64-total)/length) {
			return 0, errors.New("this duration is too long")
		}
		total += time.Duration(n) * length
		s, next = s[len(name):], next+1
	}
	return total, nil
}

// DurationText is the shortest text that ParseDuration reads as d.
func DurationText(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range units[2:] {
		if n := d / u.length; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + u.name)
			d -= n * u.length
		}
	}
	return b.String()
}

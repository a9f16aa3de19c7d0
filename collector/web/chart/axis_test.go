package chart

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestText(t *testing.T) {
	for _, c := range []struct {
		u    Unit
		v    float64
		want string
	}{
		{Bytes, 0, "0 B"},
		{Bytes, 1023, "1023 B"},
		{Bytes, 1023.9, "1 KiB"},
		{Bytes, 1.5 * (1 << 30), "1.5 GiB"},
		{Bytes, 100 * (1 << 20), "100 MiB"},
		{BytesPerSecond, 1234567, "1.23 MB/s"},
		{BytesPerSecond, 999.9, "1 kB/s"},
		{Ratio, 0.234, "23.4 %"},
		{Ratio, 1, "100 %"},
		{Ratio, 0.00001, "0 %"},
		{Seconds, 0, "0 s"},
		{Seconds, 0.04, "40 ms"},
		{Seconds, -90, "-1.5 min"},
		{Seconds, 200000, "2.31 d"},
		{PerSecond, 12, "12 /s"},
		{Count, 12345, "12.3 k"},
		{Count, 0.5, "0.5"},
		{Count, -0.0001, "0"},
		{Count, 1e30, "1e+18 T"},
		{Count, math.NaN(), "–"},
		{Count, math.Inf(-1), "–"},
	} {
		if got := c.u.Text(c.v); got != c.want {
			t.Errorf("%s %g is %q, want %q", c.u, c.v, got, c.want)
		}
	}
}

func TestAxis(t *testing.T) {
	for _, c := range []struct {
		unit   Unit
		top    float64
		values []float64
		want   string
	}{
		{Ratio, 1, []float64{.2, .3}, "0 50 100"},
		{Count, 0, []float64{0, 0}, "0 0.5 1"},
		{Count, 0, []float64{7, 7}, "0 2.5 5 7.5"},
		{Count, 0, []float64{-3, 5}, "-5 0 5"},
		{Bytes, 0, []float64{3 << 30, 15 << 30}, "0 5 10 15"},
		{Bytes, 0, []float64{1000}, "0 500 1000"},
		{Seconds, 0, []float64{0.004}, "0 2 4"},
		{Count, 0, nil, "0 0.5 1"},
	} {
		ch := Chart{Unit: c.unit, Top: c.top, From: noon, To: noon.Add(time.Minute), Step: time.Second, Lines: []Line{line("x", time.Second, c.values...)}}
		a := ch.valueAxis(ch.grid())
		var got []string
		for _, v := range a.ticks {
			got = append(got, digits(v/a.unit.of))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s of %v has %q, want %q", c.unit, c.values, s, c.want)
		}
	}
}

func TestMoments(t *testing.T) {
	tokyo, berlin := zone(t, "Asia/Tokyo"), zone(t, "Europe/Berlin")
	for _, c := range []struct {
		name string
		from time.Time
		span time.Duration
		zone *time.Location
		want string
	}{
		{"an hour", noon.Add(5 * time.Minute), time.Hour, tokyo, "21:10 21:20 21:30 21:40 21:50 22:00"},
		{"over midnight", noon, 6 * time.Hour, tokyo, "21:00 22:00 23:00 11-21 01:00 02:00 03:00"},
		{"a day", noon, 24 * time.Hour, tokyo, "11-21 06:00 12:00 18:00"},
		{"a week", noon, 7 * 24 * time.Hour, tokyo, "11-22 11-24 11-26"},
		{"the clocks are put back", time.Date(2026, 10, 24, 22, 30, 0, 0, time.UTC), 5 * time.Hour, berlin, "01:00 02:00 03:00 04:00"},
		{"the clocks are put forward", time.Date(2026, 3, 28, 23, 30, 0, 0, time.UTC), 5 * time.Hour, berlin, "01:00 03:00 04:00 05:00 06:00"},
		{"nothing", noon, 0, tokyo, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			last := -1.0
			for _, m := range moments(c.from, c.from.Add(c.span), c.zone) {
				got = append(got, m.text)
				if m.at <= last || m.at > 1 {
					t.Errorf("%s is at %g after %g", m.text, m.at, last)
				}
				last = m.at
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("got %q, want %q", s, c.want)
			}
		})
	}
}

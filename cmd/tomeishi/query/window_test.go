package query

import (
	"strings"
	"testing"
	"time"
)

func TestWindow(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, tt := range []struct {
		span, step, end string
		dots            int
		want            time.Duration // step
	}{
		{"1h", "", "", 160, 30 * time.Second},
		{"5m", "", "", 160, 2 * time.Second},
		{"1s", "", "", 160, time.Second},
		{"7d", "", "-1d", 160, 2 * time.Hour},
		{"1y", "", "", 160, 3 * 24 * time.Hour},
		{"10y", "", "", 10_999, 12 * time.Hour},
		{"1h", "15s", "", 160, 15 * time.Second},
		{"10999s", "1s", "", 160, time.Second},
		{"100ms", "10ms", "", 160, 10 * time.Millisecond},
		{"1m", "1h", "", 160, time.Hour},
	} {
		w, err := newWindow(tt.span, tt.step, tt.end, now, tt.dots)
		if err != nil || w.step != tt.want {
			t.Errorf("%+v: step %s %v, want %s", tt, w.step, err, tt.want)
			continue
		}
		if n := int(w.to.Sub(w.from)/w.step) + 1; n > maxPoints {
			t.Errorf("%+v: %d points", tt, n)
		}
	}
	for _, tt := range [][4]string{
		{"1x", "", "", "--range takes a duration"},
		{"0s", "", "", "--range takes a duration"},
		{"-5m", "", "", "--range takes a duration"},
		{"1h", "0", "", "--step takes a duration"},
		{"1h", "", "soon", "--end takes a time"},
		{"11000s", "1s", "", "--step 1s makes 11001 points of 11000s, more than 11000: use --step 2s or longer"},
		{"1d", "1ms", "", "use --step 10s or longer"},
		{"100y", "", "1700000000", "begins before 1970"},
		{"999999999y", "", "", "--range takes a duration"},
	} {
		if _, err := newWindow(tt[0], tt[1], tt[2], now, 160); err == nil || !strings.Contains(err.Error(), tt[3]) {
			t.Errorf("%q: %v, want %q", tt[:3], err, tt[3])
		}
	}
}

package term

import (
	"strings"
	"testing"
	"time"
)

func TestMoment(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for text, want := range map[string]time.Time{
		"":                          now,
		"now":                       now,
		"-5m":                       now.Add(-5 * time.Minute),
		"-1d12h":                    now.Add(-36 * time.Hour),
		"1700000000":                time.Unix(1_700_000_000, 0),
		"1700000000.25":             time.UnixMilli(1_700_000_000_250),
		"2026-11-21T14:00:00Z":      time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC),
		"2026-11-21T14:00:00+09:00": time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC),
	} {
		if got, err := Moment("--time", text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"tomorrow", "5m", "-", "--5m", "-5", "1e300", "NaN", "2026-11-21", "2026-13-01T00:00:00Z"} {
		if got, err := Moment("--time", text, now); err == nil || !strings.Contains(err.Error(), "--time takes a time such as") {
			t.Errorf("%q: %v %v, want an error", text, got, err)
		}
	}
}

package chart

import (
	"math"
	"testing"
	"time"
)

func TestFormat(t *testing.T) {
	for _, tt := range []struct {
		unit Unit
		v    float64
		want string
	}{
		{Unit{}, 0, "0"},
		{Unit{}, 1, "1"},
		{Unit{}, 0.42, "0.42"},
		{Unit{}, 1234, "1234"},
		{Unit{}, 12345, "12.3 k"},
		{Unit{}, -12345678, "-12.3 M"},
		{Unit{}, 0.000012, "1.2e-05"},
		{Unit{}, 1e300, "1e+285 P"},
		{Unit{}, math.NaN(), "NaN"},
		{Unit{}, math.Inf(-1), "-Inf"},
		{Unit{Rate: true}, 12345, "12.3 k/s"},
		{Unit{Kind: Bytes}, 1023, "1023 B"},
		{Unit{Kind: Bytes}, 1536, "1.5 KiB"},
		{Unit{Kind: Bytes}, 16654315520, "15.5 GiB"},
		{Unit{Bytes, true}, 3 << 20, "3 MiB/s"},
		{Unit{Kind: Seconds}, 0.00123, "1.23 ms"},
		{Unit{Kind: Seconds}, 119, "119 s"},
		{Unit{Kind: Seconds}, 5400, "90 min"},
		{Unit{Kind: Seconds}, 864000, "10 d"},
		{Unit{Kind: Seconds}, 0, "0 s"},
		{Unit{Kind: Percent}, 99.5, "99.5 %"},
		{Unit{Kind: Ratio}, 0.5, "50 %"},
	} {
		if got := tt.unit.Format(tt.v); got != tt.want {
			t.Errorf("%+v: Format(%g) = %q, want %q", tt.unit, tt.v, got, tt.want)
		}
	}
}

// Ticks stand at round local times, also where the clock is changed.
func TestTimeTicks(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here: ", err)
	}
	kathmandu := time.FixedZone("+0545", 5*3600+45*60)
	for name, tt := range map[string]struct {
		from time.Time
		span time.Duration
		cols int
		want []string
	}{
		"seconds":       {time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), 20 * time.Second, 40, []string{"03:04:10", "03:04:20"}},
		"a part":        {time.Date(2026, 1, 2, 3, 4, 5, 1, time.UTC), time.Millisecond, 40, []string{"03:04:05"}},
		"odd zone":      {time.Date(2026, 1, 2, 3, 4, 5, 0, kathmandu), 3 * time.Hour, 30, []string{"04:00", "05:00", "06:00"}},
		"days":          {time.Date(2026, 3, 27, 12, 0, 0, 0, berlin), 4 * 24 * time.Hour, 45, []string{"Mar 28", "Mar 29", "Mar 30", "Mar 31"}},
		"summer begins": {time.Date(2026, 3, 29, 0, 30, 0, 0, berlin), 4 * time.Hour, 40, []string{"01:00", "03:00", "04:00", "05:00"}},
		"winter begins": {time.Date(2026, 10, 25, 0, 30, 0, 0, berlin), 8 * time.Hour, 40, []string{"02:00", "04:00", "06:00"}},
		"years":         {time.Date(2020, 3, 1, 0, 0, 0, 0, time.UTC), 6 * 365 * 24 * time.Hour, 80, nil},
	} {
		t.Run(name, func(t *testing.T) {
			ticks := timeTicks(tt.from, tt.from.Add(tt.span), tt.cols)
			var got []string
			last := -1
			for _, tick := range ticks {
				if tick.col <= last || tick.col >= tt.cols {
					t.Errorf("ticks %v: column %d after %d of %d", ticks, tick.col, last, tt.cols)
				}
				last = tick.col
				got = append(got, tick.label)
			}
			if tt.want == nil {
				if len(got) < 3 {
					t.Errorf("got %q, want more", got)
				}
				return
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Fatalf("got %q, want %q", got, tt.want)
				}
			}
		})
	}
}

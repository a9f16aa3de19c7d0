package strictyaml

import (
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "30s": 30 * time.Second, "1m30s": 90 * time.Second, "1d12h": 36 * time.Hour, "500ms": 500 * time.Millisecond,
		"1y2w3d4h5m6s7ms": (365+14+3)*24*time.Hour + 4*time.Hour + 5*time.Minute + 6*time.Second + 7*time.Millisecond,
		"":                -1, "5": -1, "5x": -1, "s": -1, "1s1h": -1, "1h1h": -1, "-1s": -1, "1.5h": -1, "1 h": -1, "99999999999999999999h": -1, "300y": -1,
	} {
		got, err := ParseDuration(text)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("ParseDuration(%q) = %s, want %s", text, got, want)
		}
		if want > 0 {
			if again, err := ParseDuration(DurationText(want)); err != nil || again != want {
				t.Errorf("DurationText(%s) = %q", want, DurationText(want))
			}
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "1": 1, "17B": 17, "512MiB": 512 << 20, "1 GiB": 1 << 30, "2TiB": 2 << 40, "3KB": 3000, "4 TB": 4e12,
		"": -1, "MiB": -1, "1 parsec": -1, "-1": -1, "1.5GiB": -1, "1gib": -1, "1GiB 2": -1, "1 B B": -1, "9999999TiB": -1, "99999999999999999999": -1,
	} {
		got, err := ParseSize(text)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("ParseSize(%q) = %d, want %d", text, got, want)
		}
	}
}

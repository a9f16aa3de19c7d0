package web

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestContrast compares every color of text with the grounds that it stands on,
// by day and by night.
func TestContrast(t *testing.T) {
	css, err := staticFiles.ReadFile("static/app.css")
	if err != nil {
		t.Fatal(err)
	}
	day, night, _ := strings.Cut(string(css), ":root[data-theme=dark]")
	day, _, _ = strings.Cut(day, "@media")
	for name, text := range map[string]string{"day": day, "night": night} {
		colors := map[string]float64{}
		for _, found := range regexp.MustCompile(`--([a-z0-9-]+): #([0-9a-f]{3,6});`).FindAllStringSubmatch(text, -1) {
			if _, ok := colors[found[1]]; !ok {
				colors[found[1]] = luminance(t, found[2])
			}
		}
		pairs := [][2]string{{"on-accent", "accent"}, {"on-bad", "bad"}, {"paper", "ink"}}
		for _, ink := range []string{"ink", "mute", "accent", "bad", "warn", "good", "info"} {
			for _, ground := range []string{"paper", "card", "sunk"} {
				pairs = append(pairs, [2]string{ink, ground})
			}
		}
		for _, of := range []string{"bad", "warn", "good", "info"} {
			pairs = append(pairs, [2]string{of, of + "-ground"}, [2]string{"ink", of + "-ground"}, [2]string{"mute", of + "-ground"})
		}
		for _, p := range pairs {
			ink, ok := colors[p[0]]
			ground, ok2 := colors[p[1]]
			if !ok || !ok2 {
				t.Fatalf("%s: no color %s or %s", name, p[0], p[1])
			}
			if got := (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05); got < 4.5 {
				t.Errorf("%s: %s on %s has a contrast of %.2f, want 4.5", name, p[0], p[1], got)
			}
		}
	}
}

// luminance is the relative luminance of a color as WCAG 2 defines it.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		c := float64(n>>(16-8*i)&0xff) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

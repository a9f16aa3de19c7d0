package chart

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	points = 240
	every  = 15 * time.Second
)

var begin = time.Date(2026, 11, 21, 23, 10, 0, 0, time.FixedZone("JST", 9*3600))

// of makes a series of a function from 0 to 1; what it skips is absent.
func of(name string, f func(x float64) (y float64, ok bool)) Series {
	s := Series{Name: name}
	for i := range points + 1 {
		if y, ok := f(float64(i) / points); ok {
			s.Points = append(s.Points, Point{begin.Add(time.Duration(i) * every).UnixMilli(), y})
		}
	}
	return s
}

func wave(name string, low, high, turns float64) Series {
	return of(name, func(x float64) (float64, bool) {
		return low + (high-low)*(1-math.Cos(2*math.Pi*turns*x))/2, true
	})
}

func constant(name string, v float64) Series {
	return of(name, func(float64) (float64, bool) { return v, true })
}

func many(n int) (out []Series) {
	for i := range n {
		out = append(out, wave(fmt.Sprintf(`instance="host%02d"`, i), float64(i), float64(i)+20, 1+float64(i)/4))
	}
	return out
}

func steps(x float64) (float64, bool) { return math.Floor(x*5) * (20 << 20), true }

func spikes(x float64) (float64, bool) {
	if i := int(math.Round(x * points)); i%60 == 30 {
		return 4.2, true
	}
	return 0.01, true
}

func gaps(x float64) (float64, bool) {
	switch {
	case x > 0.3 && x < 0.5:
		return 0, false
	case x > 0.7 && x < 0.8:
		return math.NaN(), true
	}
	return 100 * x, true
}

func infinite(x float64) (float64, bool) {
	switch {
	case x > 0.2 && x < 0.3:
		return math.Inf(1), true
	case x > 0.6 && x < 0.62:
		return math.Inf(-1), true
	}
	return math.Sin(10 * x), true
}

func TestDraw(t *testing.T) {
	one := func(s Series) []Series { return []Series{s} }
	single := Series{Name: "up", Points: []Point{{begin.Add(30 * time.Minute).UnixMilli(), 1}}}
	for name, tt := range map[string]struct {
		series []Series
		change func(*Chart)
	}{
		"none":      {nil, nil},
		"nan":       {[]Series{constant("a", math.NaN()), {Name: "b"}}, nil},
		"single":    {one(single), nil},
		"constant":  {one(constant("node_load1", 0.42)), nil},
		"zero":      {one(constant("errors", 0)), nil},
		"wave":      {one(wave(`{instance="box"}`, 3, 97, 3)), func(c *Chart) { c.Unit = Unit{Kind: Percent} }},
		"steps":     {one(of("disk", steps)), func(c *Chart) { c.Unit = Unit{Kind: Bytes} }},
		"spikes":    {one(of("latency", spikes)), func(c *Chart) { c.Unit = Unit{Kind: Seconds} }},
		"gaps":      {one(of("gaps", gaps)), nil},
		"infinite":  {one(of("infinite", infinite)), nil},
		"negative":  {one(wave("offset", -0.004, -0.0031, 2)), func(c *Chart) { c.Unit = Unit{Kind: Seconds} }},
		"large":     {one(wave("counter", 123456789, 123456999, 2)), nil},
		"two":       {many(2), func(c *Chart) { c.Title = `job="node"` }},
		"ten":       {many(10), nil},
		"colors":    {many(3), func(c *Chart) { c.Color = true }},
		"more":      {many(17), nil},
		"tiny":      {one(wave(`{instance="box"}`, 3, 97, 3)), func(c *Chart) { c.Width, c.Height = 20, 5 }},
		"tiny many": {many(12), func(c *Chart) { c.Width, c.Height = 20, 5 }},
		"tiny none": {one(constant("a", math.NaN())), func(c *Chart) { c.Width, c.Height = 20, 5 }},
		"long name": {one(wave(strings.Repeat("node_memory_", 6), 0, 1<<30, 2)), func(c *Chart) { c.Unit = Unit{Kind: Bytes} }},
		"nearly":    {one(wave("busy", 99.84, 100, 2)), func(c *Chart) { c.Unit = Unit{Kind: Percent} }},
		"rate":      {one(wave("eth0", 0, 3<<20, 2)), func(c *Chart) { c.Unit = Unit{Bytes, true} }},
		"wide name": {one(wave(strings.Repeat("取引所", 30), 0, 1, 2)), func(c *Chart) { c.Unit = Unit{Kind: Ratio} }},
	} {
		t.Run(name, func(t *testing.T) {
			c := Chart{From: begin, To: begin.Add(points * every), Step: every, Width: 80, Height: 23}
			if tt.change != nil {
				tt.change(&c)
			}
			got := c.Draw(tt.series)
			fits(t, c, got)
			golden(t, name, got)
		})
	}
}

// fits fails if the picture is larger than asked.
func fits(t *testing.T, c Chart, got string) {
	t.Helper()
	rows := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
	if len(rows) > max(c.Height, MinHeight) {
		t.Errorf("%d rows, want at most %d", len(rows), c.Height)
	}
	for _, row := range rows {
		if n := term.Columns(uncolored(row)); n > max(c.Width, MinWidth) {
			t.Errorf("%d columns, want at most %d: %q", n, c.Width, row)
		}
	}
}

func uncolored(s string) string {
	for {
		head, rest, ok := strings.Cut(s, "\x1b[")
		if !ok {
			return s
		}
		_, tail, _ := strings.Cut(rest, "m")
		s = head + tail
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", strings.ReplaceAll(name, " ", "-")+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, string(want)); diff != "" {
		t.Errorf("%s (-got +want, write it anew with -update):\n%s", file, diff)
	}
}

package chart

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"html/template"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// line has a value each step from noon on; NaN is one that did not come.
func line(name string, step time.Duration, values ...float64) Line {
	l := Line{Name: name}
	for i, v := range values {
		if !math.IsNaN(v) {
			l.At = append(l.At, noon.Add(step*time.Duration(i)).UnixMilli())
			l.Values = append(l.Values, v)
		}
	}
	return l
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestGolden(t *testing.T) {
	nan := math.NaN()
	tokyo := zone(t, "Asia/Tokyo")
	hour := func(lines ...Line) Chart {
		return Chart{Title: "A <signal> & more", Unit: Bytes, From: noon, To: noon.Add(time.Hour), Step: 5 * time.Minute, Zone: tokyo, Lines: lines}
	}
	stack := hour(line("user", 5*time.Minute, .1, .2, .3, nan, .1, .1, .1, .1, .1, .1, .1, .1, .1), line("system", 5*time.Minute, .1, .1, nan, nan, .3))
	stack.Stacked, stack.Unit, stack.Top, stack.Limits = true, Ratio, 1, []float64{.9, 2}
	grouped := Chart{Title: "Grouped", Unit: PerSecond, From: noon, To: noon.Add(10 * time.Hour), Step: time.Minute, Lines: []Line{line("x", time.Minute, walk(601)...)}}
	for _, c := range []struct {
		name string
		svg  template.HTML
	}{
		{"gap", hour(line(`"><script>`, 5*time.Minute, 1<<30, 2<<30, nan, nan, 3<<30, nan, 1<<29, 0, 0, 1<<30, 1<<30, 1<<31)).SVG()},
		{"stack", stack.SVG()},
		{"grouped", grouped.SVG()},
		{"empty", hour().SVG()},
		{"unknown", hour(Line{Name: "rx"}, Line{Name: "tx"}).SVG()},
		{"spark", hour(line("x", 5*time.Minute, 1, 2, 3, nan, nan, 2, 1)).Spark()},
		{"spark_unknown", hour().Spark()},
	} {
		t.Run(c.name, func(t *testing.T) {
			wellFormed(t, string(c.svg))
			file := filepath.Join("testdata", c.name+".svg")
			if *update {
				if err := os.WriteFile(file, []byte(c.svg), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if string(want) != string(c.svg) {
				t.Errorf("got\n%s\nwant\n%s", c.svg, want)
			}
		})
	}
}

func walk(n int) []float64 {
	rnd := rand.New(rand.NewPCG(1, 2))
	out, v := make([]float64, n), 500.0
	for i := range out {
		v = max(0, v+rnd.Float64()*80-40)
		out[i] = v
	}
	return out
}

// wellFormed reads the picture as XML, and looks for what the content security
// policy would stop.
func wellFormed(t testing.TB, svg string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	d.Entity = map[string]string{}
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in %s", err, svg)
		}
		if e, ok := tok.(xml.StartElement); ok {
			if e.Name.Local == "script" || e.Name.Local == "style" {
				t.Errorf("there is an element %s", e.Name.Local)
			}
			for _, a := range e.Attr {
				if a.Name.Local == "style" || strings.HasPrefix(a.Name.Local, "on") {
					t.Errorf("there is an attribute %s", a.Name.Local)
				}
			}
		}
	}
	if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
		t.Errorf("a number that is none: %s", svg)
	}
}

// drawn are the points of a path: column and pixel.
func drawn(t testing.TB, d string) map[int]int {
	t.Helper()
	out := map[int]int{}
	for _, run := range regexp.MustCompile(`M(\d+) (\d+)l([^M]*)`).FindAllStringSubmatch(d, -1) {
		x, _ := strconv.Atoi(run[1])
		y, _ := strconv.Atoi(run[2])
		out[x] = y
		numbers := regexp.MustCompile(`-?\d+`).FindAllString(run[3], -1)
		for i := 0; i+1 < len(numbers); i += 2 {
			dx, _ := strconv.Atoi(numbers[i])
			dy, _ := strconv.Atoi(numbers[i+1])
			x, y = x+dx, y+dy
			out[x] = y
		}
	}
	return out
}

// TestPath reads what was drawn back, and compares it with the values.
func TestPath(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	values := make([]float64, 180)
	for i := range values {
		values[i] = float64(rnd.IntN(100))
		if rnd.IntN(4) == 0 {
			values[i] = math.NaN()
		}
	}
	c := Chart{Title: "x", Unit: Count, From: noon, To: noon.Add(179 * time.Second), Step: time.Second, Lines: []Line{line("x", time.Second, values...)}}
	svg := string(c.SVG())
	match := regexp.MustCompile(`class="l0" d="([^"]*)" data-v="([^"]*)"`).FindStringSubmatch(svg)
	if match == nil {
		t.Fatal(svg)
	}
	points := drawn(t, match[1])
	said := strings.Split(match[2], ",")
	for i, v := range values {
		y, ok := points[i]
		if ok == math.IsNaN(v) {
			t.Fatalf("column %d is drawn: %v, its value is %g", i, ok, v)
		}
		if ok && y != int(math.Round((100-v)/100*plotHeight)) {
			t.Errorf("column %d with %g is drawn at %d", i, v, y)
		}
		text := ""
		if i < len(said) {
			text = said[i]
		}
		if want := strconv.FormatFloat(v, 'g', -1, 64); ok && text != want || !ok && text != "" {
			t.Errorf("column %d with %g says %q", i, v, text)
		}
	}
}

// TestSize has the largest pictures that pages show.
func TestSize(t *testing.T) {
	for _, lines := range []int{1, 2, 4, 8, 30} {
		c := Chart{Title: "Disk space used", Unit: Ratio, Top: 1, From: noon, To: noon.Add(199 * time.Minute), Step: time.Minute}
		for i := range lines {
			v := walk(200)
			for k := range v {
				v[k] = v[k]/1000 + rand.Float64()
			}
			c.Lines = append(c.Lines, line(fmt.Sprintf("/var/lib/volume-%d", i), time.Minute, v...))
		}
		for _, stacked := range []bool{false, true} {
			c.Stacked = stacked
			if n := len(c.SVG()); n > 10<<10 || lines <= 4 && !stacked && n > 8<<10 {
				t.Errorf("%d lines, stacked %v: %d bytes", lines, stacked, n)
			}
		}
		if n := len(c.Spark()); n > 800 {
			t.Errorf("a spark has %d bytes", n)
		}
	}
}

// TestGrouped has more values than columns: the least and the most are drawn,
// so that a short peak is not lost.
func TestGrouped(t *testing.T) {
	values := make([]float64, 1441)
	values[700] = 1000
	c := Chart{Title: "x", Unit: Count, From: noon, To: noon.Add(1440 * time.Minute), Step: time.Minute, Lines: []Line{line("x", time.Minute, values...)}}
	svg := string(c.SVG())
	for _, want := range []string{`class="b0"`, "most 1 k"} {
		if !strings.Contains(svg, want) {
			t.Errorf("it lacks %s", want)
		}
	}
	if top := regexp.MustCompile(`class="b0" d="M0 140l((?:1 -?\d+ ?|1-\d+ ?)+)V`).FindString(svg); !strings.Contains(top, "1-140") {
		t.Errorf("the peak is not drawn: %s", top)
	}
}

func FuzzChart(f *testing.F) {
	f.Add(0.0, 1.0, math.NaN(), int64(60), int64(3600), uint8(3), true)
	f.Add(math.Inf(1), -math.MaxFloat64, math.MaxFloat64, int64(1), int64(200000), uint8(1), false)
	f.Add(5e-324, 5e-324, 5e-324, int64(0), int64(-5), uint8(0), false)
	f.Add(1e300, 1e300, -1e300, int64(3), int64(4), uint8(9), true)
	f.Fuzz(func(t *testing.T, a, b, c float64, step, span int64, n uint8, stacked bool) {
		if span > 40*86400 || span < -10 {
			return
		}
		ch := Chart{
			Title: "x", Unit: []Unit{Count, Ratio, Bytes, BytesPerSecond, Seconds, PerSecond}[n%6], Stacked: stacked, Limits: []float64{a},
			From: noon, To: noon.Add(time.Duration(span) * time.Second), Step: time.Duration(step) * time.Second,
		}
		for i := range n % 10 {
			l := line("l", time.Duration(step)*time.Second, a, b, c, b, a, float64(i))
			l.Values = l.Values[:max(0, len(l.Values)-int(i))]
			ch.Lines = append(ch.Lines, l)
		}
		svg := string(ch.SVG())
		wellFormed(t, svg)
		if len(svg) > 14<<10 {
			t.Errorf("%d bytes", len(svg))
		}
		for _, d := range regexp.MustCompile(`class="l\d" d="([^"]*)"`).FindAllStringSubmatch(svg, -1) {
			for x, y := range drawn(t, d[1]) {
				if y < 0 || y > plotHeight || x < 0 || x >= maxColumns {
					t.Errorf("drawn at %d, %d", x, y)
				}
			}
		}
		wellFormed(t, string(ch.Spark()))
	})
}

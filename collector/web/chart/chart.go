// Package chart draws series as SVG: lines, stacks and sparks, over a time axis
// in a time zone and a value axis with units.
//
// It promises that what is not known is drawn as not known: where there is no
// value there is a gap that says so, never a zero and never a line across. A
// picture has a bounded size whatever it is given, holds no style of its own
// (classes only, so that it obeys the page's colors and its content security
// policy), and says in words what it shows. It knows nothing of where values
// come from.
package chart

import (
	"fmt"
	"html/template"
	"time"
)

// A Line is one series: its times in Unix milliseconds, rising, and as many
// values. NaN and infinite values are no values.
type Line struct {
	Name   string
	At     []int64
	Values []float64
}

// A Chart is a picture of some lines between two times, both included.
type Chart struct {
	Title    string
	Unit     Unit
	From, To time.Time
	Step     time.Duration // between two values of a line
	Zone     *time.Location
	Lines    []Line
	Stacked  bool      // lines stand on each other
	Top      float64   // that the value axis shows at least, 1 for a whole; 0 for what is needed
	Limits   []float64 // lines to look at, as far as the axis shows them
	// T says a text of the catalog, For a duration; nil is English.
	T   func(text string, args ...any) string
	For func(time.Duration) string
}

const (
	maxLines   = 6
	maxColumns = 200
	minColumns = 48
	// points bounds what is drawn and said of all lines together, which keeps a
	// picture near 8 KB.
	points = 1440

	plotTop    = 14
	plotHeight = 140
	height     = plotTop + plotHeight + 18
)

// SVG is the picture with its caption, as a figure.
func (c Chart) SVG() template.HTML {
	if c.T == nil {
		c.T = fmt.Sprintf
	}
	if c.For == nil {
		c.For = func(d time.Duration) string { return Seconds.Text(d.Seconds()) }
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	more := max(0, len(c.Lines)-maxLines)
	c.Lines = c.Lines[:len(c.Lines)-more]
	g := c.grid()
	d := drawing{c: c, g: g, axis: c.valueAxis(g)}
	d.figure(more)
	return template.HTML(d.b.String()) //nolint:gosec // what comes from outside is escaped where it is written
}

// edges is how many rows of numbers are written if values are spread: each
// line's picture and its values, the area below a single one, and the spread.
func (c Chart) edges(spread bool) int {
	n := 2 * max(1, len(c.Lines))
	if len(c.Lines) == 1 {
		n++
	}
	if spread && c.spreads() {
		n += 2 * len(c.Lines)
	}
	return n
}

// spreads tells whether the least and the most of a column are drawn.
func (c Chart) spreads() bool { return len(c.Lines) <= 2 && !c.Stacked }

// Package chart draws numbers over time as text, for a terminal.
//
// It promises that the same input gives the same text, that no line is wider
// and the whole not higher than asked, and that a gap stays a gap: what is
// absent or NaN is not bridged. It reads neither the clock nor the terminal,
// and does not make hostile names harmless.
package chart

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

// The smallest picture, in columns and rows.
const (
	MinWidth  = 20
	MinHeight = 5
)

// maxSeries is how many series are drawn at most.
const maxSeries = 10

// A Point is a value at a time.
type Point struct {
	Time  int64 // Unix milliseconds
	Value float64
}

// A Series is a line to draw.
type Series struct {
	Name   string  // one line of printable text
	Points []Point // in order of time
}

// A Chart says how to draw.
type Chart struct {
	// From and To are the ends of the time axis, whose labels are in the
	// location of From.
	From, To time.Time
	// Step is the usual distance of points: over a longer one no line is drawn.
	Step time.Duration
	Unit Unit
	// Title is what all series have in common; empty for none.
	Title         string
	Width, Height int  // in columns and rows
	Color         bool // tells series apart by colors, else by marks
}

// Draw draws the series; of more than ten those with the largest last values.
func (c Chart) Draw(series []Series) string {
	c.Width, c.Height = max(c.Width, MinWidth), max(c.Height, MinHeight)
	lines := summarize(series)
	drawable := slices.ContainsFunc(lines, line.drawable)
	l := c.divide(len(lines), drawable)
	shown := lines[:l.legend]
	wrap := len(lines) == 1 && l.header && !c.oneRow(lines[0])
	if wrap {
		l.plot--
	}
	var b strings.Builder
	if l.header {
		c.header(&b)
	}
	if drawable {
		c.plot(&b, shown, l)
	} else {
		b.WriteString(term.Clip(nothing(len(lines)), c.Width) + "\n")
	}
	c.legend(&b, shown, wrap)
	if more := len(lines) - len(shown); more > 0 {
		b.WriteString(term.Clip(fmt.Sprintf("and %d more, with smaller last values", more), c.Width) + "\n")
	}
	return b.String()
}

func nothing(n int) string {
	if n == 0 {
		return "nothing to draw: there are no series"
	}
	return "nothing to draw: no value is a number"
}

// line is a series with what the legend says about it.
type line struct {
	Series
	last, min, max float64 // NaN if there is no number
}

func (l line) drawable() bool { return !math.IsNaN(l.min) }

// summarize finds each series' extremes; the largest last value comes first,
// and what has none at the end.
func summarize(series []Series) []line {
	lines := make([]line, 0, len(series))
	for _, s := range series {
		l := line{s, math.NaN(), math.NaN(), math.NaN()}
		for _, p := range s.Points {
			l.last = p.Value
			if math.IsNaN(p.Value) {
				continue
			}
			if !l.drawable() {
				l.min, l.max = p.Value, p.Value
			}
			l.min, l.max = min(l.min, p.Value), max(l.max, p.Value)
		}
		lines = append(lines, l)
	}
	slices.SortStableFunc(lines, func(a, b line) int {
		// NaN is smaller than every number here.
		return cmp.Or(cmp.Compare(b.last, a.last), strings.Compare(a.Name, b.Name))
	})
	return lines
}

// layout says how many rows each part has.
type layout struct {
	header bool
	rule   bool // a line with ticks between the plot and the times
	plot   int
	legend int // series in it, which are those that are drawn
}

// divide divides the height. The plot keeps a third of it, and at least two
// rows.
func (c Chart) divide(n int, drawable bool) layout {
	l := layout{header: c.Height >= 10, rule: c.Height >= 8}
	left := c.Height - 1 // the times, or the sentence that there is nothing
	if l.header {
		left--
	}
	if l.rule && drawable {
		left--
	}
	room := left - max(2, c.Height/3)
	l.legend = min(n, maxSeries, max(room, 1))
	left -= l.legend
	if l.legend < n {
		if l.legend == room && room > 1 {
			l.legend--
			left++
		}
		left-- // how many more
	}
	l.plot = left
	return l
}

// header says which times are drawn, and what all series share.
func (c Chart) header(b *strings.Builder) {
	from, to := c.From, c.To.In(c.From.Location())
	layout := "15:04:05"
	if from.Format(time.DateOnly) != to.Format(time.DateOnly) {
		layout = time.DateTime
	}
	text := from.Format(time.DateTime) + " to " + to.Format(layout+" -07:00")
	if c.Step > 0 {
		text += ", every " + shortDuration(c.Step)
	}
	if c.Title != "" {
		text += "   " + c.Title
	}
	b.WriteString(term.Clip(text, c.Width) + "\n")
}

// shortDuration is time.Duration's text without the zeros at its end.
func shortDuration(d time.Duration) string {
	text := d.String()
	if s, ok := strings.CutSuffix(text, "m0s"); ok {
		text = s + "m"
	}
	if s, ok := strings.CutSuffix(text, "h0m"); ok {
		text = s + "h"
	}
	return text
}

// marks tell series apart where there are no colors.
const marks = "*+xo#@%=~&"

// colors tell series apart where there are. They are the numbers of ANSI.
func colors() [maxSeries]int { return [...]int{36, 33, 32, 35, 31, 34, 96, 93, 92, 95} }

// paint puts text into the color of a series.
func (c Chart) paint(series int, text string) string {
	if !c.Color {
		return text
	}
	return "\x1b[" + strconv.Itoa(colors()[series]) + "m" + text + "\x1b[0m"
}

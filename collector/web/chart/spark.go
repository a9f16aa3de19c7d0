package chart

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

const (
	sparkColumns = 40
	sparkHeight  = 24
)

// Spark is the first line as a small picture without axes, from zero to Top or
// to its most. Its last value is for the page to say.
func (c Chart) Spark() template.HTML {
	if c.T == nil {
		c.T = fmt.Sprintf
	}
	if len(c.Lines) != 1 {
		c.Lines = append(c.Lines, Line{})[:1]
	}
	c.Stacked = false
	if span := c.To.Sub(c.From); c.Step > 0 && span > 0 { // values of one column are drawn as one
		c.Step = max(c.Step, span/(sparkColumns-1))
	}
	g := c.grid()
	d := drawing{c: c, g: g}
	least, most, ok := g.bounds(false)
	d.put(`<svg class="spark" role="img" aria-label="`, esc(c.sparkWords(g, ok)), `" viewBox="0 0 `, strconv.Itoa(max(1, g.columns()-1)), ` `,
		strconv.Itoa(sparkHeight), `" preserveAspectRatio="none">`)
	if ok {
		low, high := min(0, least), max(most, c.Top)
		if high <= low {
			high = low + 1
		}
		y := func(col column) int {
			at := math.Round(1 + (high-col.at)/(high-low)*(sparkHeight-2))
			return int(min(max(at, 1), sparkHeight-1))
		}
		d.put(`<path class="f" d="`, area(g.lines[0], y, func(column) int { return sparkHeight }), `"/><path class="l" d="`, path(g.lines[0], y), `"/>`)
	}
	if holes := g.holes(); len(holes) > 0 {
		var b strings.Builder
		for _, h := range holes {
			b.WriteString("M" + strconv.Itoa(h.from) + " 12H" + strconv.Itoa(min(h.to+1, g.columns()-1)))
		}
		d.put(`<path class="h" d="`, b.String(), `"/>`)
	}
	d.put(`</svg>`)
	return template.HTML(d.b.String()) //nolint:gosec // what comes from outside is escaped where it is written
}

func (c Chart) sparkWords(g grid, known bool) string {
	if !known {
		return c.T("no data")
	}
	least, most, _ := g.bounds(true)
	return c.Unit.Text(least) + " – " + c.Unit.Text(most)
}

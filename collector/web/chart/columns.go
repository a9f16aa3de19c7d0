package chart

import (
	"math"
	"time"
)

// A grid is the columns of a picture: so many values, or groups of values, one
// beside the other at the same distance.
type grid struct {
	first time.Time     // middle of the first column
	step  time.Duration // between two columns
	group int           // values in a column
	lines [][]column    // by line and column
}

// A column is the values of one line that fall into it.
type column struct {
	n             int
	sum, min, max float64
	at            float64 // what is drawn: the mean, and in a stack what is below it
}

func (c column) mean() float64 { return c.sum / float64(c.n) }

func (g grid) columns() int {
	if len(g.lines) == 0 {
		return 0
	}
	return len(g.lines[0])
}

// last is the middle of the last column.
func (g grid) last() time.Time { return g.first.Add(g.step * time.Duration(max(0, g.columns()-1))) }

// grid sorts the values into columns.
func (c Chart) grid() grid {
	span := c.To.Sub(c.From)
	if c.Step <= 0 || span <= 0 || span/c.Step > 1_000_000 {
		return grid{first: c.From, step: max(span, 1), group: 1}
	}
	values := int(span/c.Step) + 1
	group := 1
	if most := min(maxColumns, points/c.edges(false)); values > most {
		most = max(minColumns, min(maxColumns, points/c.edges(true)))
		group = (values + most - 1) / most
	}
	columns := (values + group - 1) / group
	g := grid{
		first: c.From.Add(c.Step * time.Duration(group-1) / 2),
		step:  c.Step * time.Duration(group), group: group,
	}
	for _, l := range c.Lines {
		g.lines = append(g.lines, c.columnsOf(l, group, columns))
	}
	if c.Stacked {
		g.stack()
	}
	return g
}

func (c Chart) columnsOf(l Line, group, columns int) []column {
	out := make([]column, columns)
	from, step := c.From.UnixMilli(), max(1, c.Step.Milliseconds())
	for i, at := range l.At[:min(len(l.At), len(l.Values))] {
		v := l.Values[i]
		if math.IsNaN(v) || math.Abs(v) > math.MaxFloat64/1e6 || at < from-step/2 {
			continue // a few may be added without reaching infinity
		}
		k := (at - from + step/2) / step / int64(group)
		if k >= int64(columns) {
			continue
		}
		out[k].add(v)
	}
	for k := range out {
		if out[k].n > 0 {
			out[k].at = out[k].mean()
		}
	}
	return out
}

func (c *column) add(v float64) {
	if c.n == 0 {
		c.min, c.max = v, v
	}
	c.n++
	c.sum += v
	c.min, c.max = min(c.min, v), max(c.max, v)
}

// stack puts each line on those before it. Where a line has no value it adds
// nothing; where none has, nothing is known.
func (g grid) stack() {
	for k := range g.columns() {
		below := 0.0
		for _, l := range g.lines {
			below += l[k].at
			l[k].at = below
		}
	}
}

// known tells whether any line has a value in the column.
func (g grid) known(k int) bool {
	for _, l := range g.lines {
		if l[k].n > 0 {
			return true
		}
	}
	return false
}

// A hole is a run of columns without any value, both ends included.
type hole struct{ from, to int }

func (g grid) holes() (out []hole) {
	for k := range g.columns() {
		switch {
		case g.known(k):
		case len(out) > 0 && out[len(out)-1].to == k-1:
			out[len(out)-1].to = k
		default:
			out = append(out, hole{k, k})
		}
	}
	return out
}

// bounds are the least and the most that is drawn; ok is false if nothing is.
func (g grid) bounds(spread bool) (least, most float64, ok bool) {
	least, most = math.Inf(1), math.Inf(-1)
	for _, l := range g.lines {
		for _, c := range l {
			if c.n == 0 {
				continue
			}
			ok = true
			least, most = min(least, c.at), max(most, c.at)
			if spread {
				least, most = min(least, c.min), max(most, c.max)
			}
		}
	}
	return least, most, ok
}

package chart

import (
	"strconv"
	"strings"
)

// lines draws the lines; in a stack the last one first, which holds all.
func (d *drawing) lines() {
	n := len(d.g.lines)
	for j := range n {
		i := j
		if d.c.Stacked {
			i = n - 1 - j
		}
		l, class := d.g.lines[i], strconv.Itoa(i)
		mean := func(c column) int { return d.axis.y(c.at) }
		if d.g.group > 1 && d.c.spreads() {
			d.put(`<path class="b`, class, `" d="`,
				area(l, func(c column) int { return d.axis.y(c.max) }, func(c column) int { return d.axis.y(c.min) }), `"/>`)
		}
		switch {
		case d.c.Stacked:
			d.put(`<path class="a`, class, `" d="`, area(d.stacked(i), mean, func(column) int { return d.axis.y(0) }), `"`)
		case n == 1:
			d.put(`<path class="f0" d="`, area(l, mean, func(column) int { return d.axis.y(max(0, d.axis.low)) }), `"/>`)
			fallthrough
		default:
			d.put(`<path class="l`, class, `" d="`, path(l, mean), `"`)
		}
		d.put(` data-v="`, d.values(l), `"/>`)
	}
}

// stacked is a line of a stack: it goes on where another is known.
func (d *drawing) stacked(line int) []column {
	out := make([]column, d.g.columns())
	for k := range out {
		out[k] = d.g.lines[line][k]
		if d.g.known(k) {
			out[k].n = max(1, out[k].n)
		}
	}
	return out
}

// values are the line's values in the axis's unit, with nothing between two
// commas where there is none.
func (d *drawing) values(l []column) string {
	var b strings.Builder
	for k, c := range l {
		if k > 0 {
			b.WriteByte(',')
		}
		if c.n > 0 {
			b.WriteString(short(c.mean() / d.axis.unit.of))
		}
	}
	return strings.TrimRight(b.String(), ",")
}

// short is a number in three digits, as short as it can be written.
func short(v float64) string {
	text := strconv.FormatFloat(v, 'g', 3, 64)
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		text = strconv.FormatFloat(f, 'g', -1, 64)
	}
	return text
}

// path is a line through what is known. What is known alone is a dot.
func path(l []column, y func(column) int) string {
	var b strings.Builder
	for k, last := 0, 0; k < len(l); k++ {
		if l[k].n == 0 {
			continue
		}
		at := y(l[k])
		if k > 0 && l[k-1].n > 0 {
			pair(&b, 1, at-last)
		} else {
			b.WriteString("M" + strconv.Itoa(k) + " " + strconv.Itoa(at) + "l")
			if k+1 == len(l) || l[k+1].n == 0 {
				b.WriteString("0 0")
			}
		}
		last = at
	}
	return b.String()
}

// pair adds one step to a path, with no more than is needed to read it.
func pair(b *strings.Builder, dx, dy int) {
	s := b.String()
	if last := s[len(s)-1]; last != 'l' && (dx >= 0) {
		b.WriteByte(' ')
	}
	b.WriteString(strconv.Itoa(dx))
	if dy >= 0 {
		b.WriteByte(' ')
	}
	b.WriteString(strconv.Itoa(dy))
}

// area is what is between two edges, run by run.
func area(l []column, upper, lower func(column) int) string {
	var b strings.Builder
	for k := 0; k < len(l); {
		end := k
		for end < len(l) && l[end].n > 0 {
			end++
		}
		if end-k > 1 {
			run(&b, l, k, end, upper, lower)
		}
		k = max(end, k+1)
	}
	return b.String()
}

func run(b *strings.Builder, l []column, from, end int, upper, lower func(column) int) {
	last := upper(l[from])
	b.WriteString("M" + strconv.Itoa(from) + " " + strconv.Itoa(last) + "l")
	for k := from + 1; k < end; k++ {
		at := upper(l[k])
		pair(b, 1, at-last)
		last = at
	}
	flat := true
	for k := from; k < end; k++ {
		flat = flat && lower(l[k]) == lower(l[from])
	}
	base := lower(l[end-1])
	b.WriteString("V" + strconv.Itoa(base))
	if flat {
		b.WriteString("H" + strconv.Itoa(from) + "z")
		return
	}
	b.WriteString("l")
	for k := end - 2; k >= from; k-- {
		at := lower(l[k])
		pair(b, -1, at-base)
		base = at
	}
	b.WriteString("z")
}

package chart

import (
	"math"
	"strings"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

// legend names the lines, with their last, smallest and largest values as far
// as there is room; wrapped, the name of the only one has a row of its own.
func (c Chart) legend(b *strings.Builder, lines []line, wrap bool) {
	rows := make([][]string, len(lines))
	wide := make([]int, 3)
	name := 0
	for i, l := range lines {
		rows[i] = c.numbers(l)
		for j, text := range rows[i] {
			wide[j] = max(wide[j], term.Columns(text))
		}
		name = max(name, term.Columns(l.Name))
	}
	if wrap {
		b.WriteString(c.paint(0, c.key(0, 1)) + " " + term.Clip(lines[0].Name, c.Width-3) + "\n")
		b.WriteString(term.Clip("  "+strings.Join(rows[0], ""), c.Width) + "\n")
		return
	}
	// Names keep at least half of the row.
	numbers, room := 0, c.Width-3
	for ; numbers < len(wide); numbers++ {
		next := room - wide[numbers]
		if next < min(name, c.Width/2) && numbers > 0 || next < 4 {
			break
		}
		room = next
	}
	name = min(name, room)
	for i, l := range lines {
		var row strings.Builder
		row.WriteString(c.paint(i, c.key(i, len(lines))) + " " + pad(term.Clip(l.Name, name), name))
		for j, number := range rows[i][:numbers] {
			head := len("  last ")
			if j > 0 {
				head = len("  min ")
			}
			row.WriteString(number[:head] + padLeft(number[head:], wide[j]-head))
		}
		b.WriteString(strings.TrimRight(row.String(), " ") + "\n")
	}
}

// numbers are what the legend says of a line.
func (c Chart) numbers(l line) []string {
	n := l.digits()
	return []string{"  last " + c.Unit.format(l.last, n), "  min " + c.Unit.format(l.min, n), "  max " + c.Unit.format(l.max, n)}
}

// oneRow tells whether a name and its numbers fit into one row.
func (c Chart) oneRow(l line) bool {
	return term.Columns("⠤⠤ "+l.Name+strings.Join(c.numbers(l), "")) <= c.Width
}

// digits are as many as tell the smallest and the largest value apart.
func (l line) digits() int {
	size, span := max(math.Abs(l.min), math.Abs(l.max)), l.max-l.min
	if !finite(size) || span <= 0 {
		return 3
	}
	return min(2+int(math.Ceil(math.Log10(size/span))), 12)
}

// key is how a line looks, in two columns.
func (c Chart) key(series, of int) string {
	if c.Color || of == 1 {
		return "⠤⠤"
	}
	return strings.Repeat(marks[series:series+1], 2)
}

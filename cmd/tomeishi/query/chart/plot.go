package chart

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

// plot draws the lines between their axes.
func (c Chart) plot(b *strings.Builder, lines []line, l layout) {
	y := c.valueAxis(lines, l.plot)
	gutter := 0
	for _, t := range y.ticks {
		gutter = max(gutter, term.Columns(t.label))
	}
	gutter = min(gutter, c.Width/2-2)
	k := newCanvas(c.Width-gutter-2, l.plot, c.Color || len(lines) == 1)
	// The first of the legend is drawn last, over the others.
	for i, one := range slices.Backward(lines) {
		c.draw(k, y, one.Points, i)
	}
	label := make([]string, l.plot)
	for _, t := range y.ticks {
		label[t.row] = t.label
	}
	for row := range l.plot {
		edge := "│"
		if label[row] != "" {
			edge = "┤"
		}
		text := padLeft(term.Clip(label[row], gutter), gutter) + " " + edge + k.text(row, c.paint)
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	c.timeAxis(b, gutter+2, k.cols, l.rule)
}

// draw draws one series.
func (c Chart) draw(k *canvas, y valueAxis, points []Point, series int) {
	from, span := c.From.UnixMilli(), max(c.To.UnixMilli()-c.From.UnixMilli(), 1)
	at := func(p Point) int {
		return int(math.Round(float64(p.Time-from) / float64(span) * float64(k.width()-1)))
	}
	// A point may come half a step late.
	far := (c.Step + c.Step/2).Milliseconds()
	joined := func(i int) bool {
		return i > 0 && i < len(points) && points[i].Time-points[i-1].Time <= far &&
			finite(points[i].Value) && finite(points[i-1].Value)
	}
	for i, p := range points {
		x := at(p)
		if x < 0 || x >= k.width() {
			continue
		}
		switch {
		case math.IsInf(p.Value, 1):
			k.mark(x, 0, series, '^')
		case math.IsInf(p.Value, -1):
			k.mark(x, k.rows-1, series, 'v')
		case math.IsNaN(p.Value):
		case joined(i):
			q := points[i-1]
			k.line(max(at(q), 0), y.dot(q.Value, k), x, y.dot(p.Value, k), series)
		case !joined(i + 1):
			k.alone(x, y.dot(p.Value, k), series)
		}
	}
}

// alone draws a point without neighbors so large that it is seen.
func (k *canvas) alone(x, y, series int) {
	x, y = x-x%k.sx, min(y, k.height()-k.sx)
	for dx := range k.sx {
		for dy := range k.sx {
			k.set(x+dx, y+dy, series)
		}
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// timeAxis writes the labels of the times below the plot.
func (c Chart) timeAxis(b *strings.Builder, left, cols int, rule bool) {
	ticks := timeTicks(c.From, c.To, cols)
	edge := []rune(strings.Repeat("─", cols))
	text := []byte(strings.Repeat(" ", left+cols))
	free := 0 // the first column at which a label may begin
	for _, t := range ticks {
		edge[t.col] = '┬'
		start := left + t.col - len(t.label)/2
		start = max(min(start, left+cols-len(t.label)), 0)
		if start < free {
			continue
		}
		copy(text[start:], t.label)
		free = start + len(t.label) + 2
	}
	if rule {
		b.WriteString(strings.Repeat(" ", left-1) + "└" + string(edge) + "\n")
	}
	b.WriteString(strings.TrimRight(string(text), " ") + "\n")
}

// timeTick is a label of the time axis, in ASCII.
type timeTick struct {
	col   int
	label string
}

// timeSteps are the distances at which times may be labeled.
func timeSteps() []time.Duration {
	const day = 24 * time.Hour
	return []time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
		day, 2 * day, 7 * day, 14 * day, 28 * day, 91 * day, 182 * day, 364 * day, 10 * 364 * day,
	}
}

// timeTicks chooses round times of the location of from, as many as have room.
func timeTicks(from, to time.Time, cols int) []timeTick {
	span := max(to.Sub(from), time.Millisecond)
	var ticks []timeTick
	for _, s := range timeSteps() {
		layout := timeLayout(s)
		if float64(span)/float64(s)*float64(len(layout)+3) > float64(cols) && s < 10*364*24*time.Hour {
			continue
		}
		for t := roundUp(from, s); !t.After(to); t = roundUp(t.Add(s/2+1), s) {
			label := t.Format(layout)
			if s >= time.Minute && s < 24*time.Hour && label == "00:00" {
				label = t.Format("Jan 02") // a day begins
			}
			at := float64(t.Sub(from)) / float64(span)
			ticks = append(ticks, timeTick{int(math.Round(at * float64(cols-1))), label})
		}
		break
	}
	if len(ticks) == 0 {
		ticks = append(ticks, timeTick{0, from.Format(time.TimeOnly)})
	}
	return ticks
}

func timeLayout(s time.Duration) string {
	switch {
	case s < time.Minute:
		return time.TimeOnly
	case s < 24*time.Hour:
		return "15:04"
	case s < 28*24*time.Hour:
		return "Jan 02"
	}
	return time.DateOnly
}

// roundUp is the first local time from t on that is a multiple of step.
func roundUp(t time.Time, step time.Duration) time.Time {
	_, zone := t.Zone()
	shift := time.Duration(zone) * time.Second
	up := t.Add(shift).Truncate(step).Add(-shift)
	if up.Before(t) {
		up = up.Add(step)
	}
	// Where the clock is changed meanwhile, hours are kept and days move.
	_, after := up.Zone()
	if moved := up.Add(shift - time.Duration(after)*time.Second); step > time.Hour && !moved.Before(t) {
		return moved
	}
	return up
}

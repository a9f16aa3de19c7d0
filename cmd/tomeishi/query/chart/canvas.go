package chart

import "strings"

// canvas is a grid of cells, each of one character, which are made of dots:
// two by four in braille, or one.
type canvas struct {
	cols, rows int
	sx, sy     int // dots of a cell
	dots       []uint8
	series     []int8 // that drew last in the cell; -1 for none
	over       []byte // a character instead of dots; 0 for none
}

func newCanvas(cols, rows int, braille bool) *canvas {
	k := &canvas{cols: cols, rows: rows, sx: 1, sy: 1}
	if braille {
		k.sx, k.sy = 2, 4
	}
	n := cols * rows
	k.dots, k.series, k.over = make([]uint8, n), make([]int8, n), make([]byte, n)
	for i := range k.series {
		k.series[i] = -1
	}
	return k
}

// width and height are in dots.
func (k *canvas) width() int  { return k.cols * k.sx }
func (k *canvas) height() int { return k.rows * k.sy }

// brailleBit is the bit of a dot in Unicode's braille patterns.
func brailleBit(x, y int) uint8 {
	if y == 3 {
		return 0x40 << x
	}
	return 1 << (y + 3*x)
}

// set draws a dot; y counts from the top. What is outside is not drawn.
func (k *canvas) set(x, y, series int) {
	if x < 0 || y < 0 || x >= k.width() || y >= k.height() {
		return
	}
	cell := y/k.sy*k.cols + x/k.sx
	k.dots[cell] |= brailleBit(x%k.sx, y%k.sy)
	k.series[cell] = int8(series)
}

// mark puts a character over the dots of a cell.
func (k *canvas) mark(x, row, series int, char byte) {
	cell := row*k.cols + min(x/k.sx, k.cols-1)
	k.over[cell], k.series[cell] = char, int8(series)
}

// line draws a straight line.
func (k *canvas) line(x0, y0, x1, y1, series int) {
	dx, dy := abs(x1-x0), -abs(y1-y0)
	sx, sy := sign(x1-x0), sign(y1-y0)
	for e := dx + dy; ; {
		k.set(x0, y0, series)
		if x0 == x1 && y0 == y1 {
			return
		}
		twice := 2 * e
		if twice >= dy {
			e += dy
			x0 += sx
		}
		if twice <= dx {
			e += dx
			y0 += sy
		}
	}
}

func abs(n int) int { return max(n, -n) }

func sign(n int) int { return max(-1, min(n, 1)) }

// text is a row of cells; paint puts what one series drew into its color.
func (k *canvas) text(row int, paint func(series int, text string) string) string {
	var b strings.Builder
	for col := 0; col < k.cols; {
		var run strings.Builder
		series := k.series[row*k.cols+col]
		for ; col < k.cols && k.series[row*k.cols+col] == series; col++ {
			run.WriteRune(k.cell(row*k.cols + col))
		}
		if series >= 0 {
			b.WriteString(paint(int(series), run.String()))
		} else {
			b.WriteString(run.String())
		}
	}
	return b.String()
}

func (k *canvas) cell(i int) rune {
	switch {
	case k.series[i] < 0:
		return ' '
	case k.over[i] != 0:
		return rune(k.over[i])
	case k.sx == 1:
		return rune(marks[k.series[i]])
	}
	return 0x2800 + rune(k.dots[i]) // braille without dots is the first
}

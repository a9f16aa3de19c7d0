package term

import (
	"strings"
	"unicode"
)

// wide are the runes that take two columns.
func wide() *unicode.RangeTable {
	return &unicode.RangeTable{
		R16: []unicode.Range16{
			{Lo: 0x1100, Hi: 0x115f, Stride: 1}, // Hangul Jamo
			{Lo: 0x2e80, Hi: 0x303e, Stride: 1}, // CJK radicals, punctuation
			{Lo: 0x3041, Hi: 0xa4cf, Stride: 1}, // kana, CJK, Yi
			{Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, // Hangul
			{Lo: 0xf900, Hi: 0xfaff, Stride: 1}, // CJK compatibility
			{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1},
			{Lo: 0xff00, Hi: 0xff60, Stride: 1}, // full width forms
			{Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
		},
		R32: []unicode.Range32{
			{Lo: 0x1f300, Hi: 0x1f64f, Stride: 1}, // emoji
			{Lo: 0x1f900, Hi: 0x1f9ff, Stride: 1},
			{Lo: 0x20000, Hi: 0x3fffd, Stride: 1},
		},
	}
}

func runeColumns(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case unicode.Is(wide(), r):
		return 2
	}
	return 1
}

// Columns is how many columns of a terminal a printable text takes.
func Columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

// Clip shortens a text to so many columns, leaving out its middle.
func Clip(s string, columns int) string {
	if Columns(s) <= columns {
		return s
	}
	if columns <= 1 {
		return strings.Repeat("…", max(columns, 0))
	}
	runes := []rune(s)
	head, tail := 0, len(runes)
	for left := columns - 1; ; {
		// The head gets what is left over: names begin with what matters.
		front := tail-head > 0 && (head == 0 || Columns(string(runes[:head])) <= Columns(string(runes[tail:])))
		next := tail - 1
		if front {
			next = head
		}
		if left -= runeColumns(runes[next]); left < 0 {
			break
		}
		if front {
			head++
		} else {
			tail--
		}
	}
	return string(runes[:head]) + "…" + string(runes[tail:])
}

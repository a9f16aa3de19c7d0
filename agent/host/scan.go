package host

import (
	"bytes"
	"errors"
	"fmt"
	"math"
)

var (
	errEmpty = errors.New("is empty")
	errTorn  = errors.New("its last line has no end")
)

// notUnderstood is the error of a line.
func notUnderstood(line []byte) error {
	return fmt.Errorf("line %.60q is not understood", line)
}

// lines calls each with every whole line. A bad line does not hide the others:
// the first error is returned at the end.
func lines(raw []byte, each func(line []byte) error) error {
	var first error
	for len(raw) > 0 {
		end := bytes.IndexByte(raw, '\n')
		if end < 0 {
			if first == nil {
				first = errTorn
			}
			break
		}
		if err := each(raw[:end]); err != nil && first == nil {
			first = err
		}
		raw = raw[end+1:]
	}
	return first
}

// word cuts the first word off a line; it is empty at the end.
func word(line []byte) (first, rest []byte) {
	i := 0
	for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
		i++
	}
	from := i
	for i < len(line) && line[i] != ' ' && line[i] != '\t' {
		i++
	}
	return line[from:i], line[i:]
}

// number reads a whole number of the kernel's.
func number(word []byte) (float64, bool) {
	digits, negative := bytes.CutPrefix(word, []byte("-"))
	if len(digits) == 0 {
		return 0, false
	}
	var n uint64
	for _, c := range digits {
		d := uint64(c - '0')
		if d > 9 || n > (math.MaxUint64-d)/10 {
			return 0, false
		}
		n = 10*n + d
	}
	if negative {
		return -float64(n), true
	}
	return float64(n), true
}

// numbers reads the numbers of a line into out and tells how many there are,
// at most len(out). ok is false if one of them is none.
func numbers(line []byte, out []float64) (n int, ok bool) {
	for n < len(out) {
		var w []byte
		if w, line = word(line); len(w) == 0 {
			return n, true
		}
		if out[n], ok = number(w); !ok {
			return n, false
		}
		n++
	}
	return n, true
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

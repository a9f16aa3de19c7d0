package host

import (
	"bytes"
	"strconv"
)

// newLoadavg reads three averages, then the threads from "running/all".
func newLoadavg(t *table) func([]byte) error {
	group := t.group("node_load1", "node_load5", "node_load15", "node_processes_threads")
	return func(raw []byte) error {
		return lines(raw, func(line []byte) error {
			var v [4]float64
			var w []byte
			rest := line
			for i := range 3 {
				var err error
				w, rest = word(rest)
				if v[i], err = strconv.ParseFloat(string(w), 64); err != nil {
					return notUnderstood(line)
				}
			}
			w, _ = word(rest)
			_, all, _ := bytes.Cut(w, []byte("/"))
			var ok bool
			if v[3], ok = number(all); !ok {
				return notUnderstood(line)
			}
			copy(group.get(nil), v[:])
			return nil
		})
	}
}

// newFilefd reads how many file handles are allocated, free (always 0) and
// possible.
func newFilefd(t *table) func([]byte) error {
	group := t.group("node_filefd_allocated", "node_filefd_maximum")
	return func(raw []byte) error {
		return lines(raw, func(line []byte) error {
			var v [3]float64
			if n, ok := numbers(line, v[:]); !ok || n < 3 {
				return notUnderstood(line)
			}
			copy(group.get(nil), []float64{v[0], v[2]})
			return nil
		})
	}
}

// newNumber reads a file of one number.
func newNumber(t *table, name string) func([]byte) error {
	group := t.group(name)
	return func(raw []byte) error {
		return lines(raw, func(line []byte) error {
			v, ok := firstNumber(line)
			if !ok {
				return notUnderstood(line)
			}
			group.set(nil, v)
			return nil
		})
	}
}

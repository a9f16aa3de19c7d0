package host

import "bytes"

// keyed reads files in which each line is a key and, somewhere behind it, the
// value of one metric.
func keyed(metrics *rows, value func(rest []byte) (float64, bool)) func([]byte) error {
	return func(raw []byte) error {
		return lines(raw, func(line []byte) error { return metrics.line(line, value) })
	}
}

func (k *rows) line(line []byte, value func(rest []byte) (float64, bool)) error {
	key, rest := word(line)
	cells := k.get(bytes.TrimSuffix(key, []byte(":")))
	if cells == nil {
		return nil
	}
	v, ok := value(rest)
	if !ok {
		return notUnderstood(line)
	}
	cells[0] = v
	return nil
}

// firstNumber is the value of most keys.
func firstNumber(rest []byte) (float64, bool) {
	text, _ := word(rest)
	return number(text)
}

package strictyaml

import (
	"errors"
	"strconv"
	"strings"
)

// A Size is a number of bytes.
type Size int64

var sizes = map[string]Size{
	"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
	"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
}

const maxSize = 1 << 62

var errSize = errors.New("a size is written like 512MiB or 1GiB")

// ParseSize reads a size: a whole number and its unit.
func ParseSize(s string) (Size, error) {
	digits := s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
	unit, known := sizes[strings.TrimPrefix(s[len(digits):], " ")]
	n, err := strconv.ParseInt(digits, 10, 64)
	if !known || err != nil || Size(n) > maxSize/unit {
		return 0, errSize
	}
	return Size(n) * unit, nil
}

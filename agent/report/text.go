package report

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// str validates a string at s.i. With decode it returns its value, which stays
// valid as long as the input and until reset.
func (s *scanner) str(decode bool) (string, error) {
	start := s.i + 1
	ascii := true
	for i := start; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			s.i = i + 1
			text := s.b[start:i]
			if !ascii && !utf8.Valid(text) {
				return "", errUTF8
			}
			return stringOf(text), nil
		case c == '\\':
			return s.escaped(start, i, decode)
		case c < ' ':
			s.i = i
			return "", errControl
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	s.i = len(s.b)
	return "", errEnd
}

// escaped goes on with a string whose first backslash is at i.
func (s *scanner) escaped(start, i int, decode bool) (string, error) {
	from := len(s.buf)
	s.buf = append(s.buf, s.b[start:i]...)
	for i < len(s.b) {
		switch c := s.b[i]; {
		case c == '"':
			s.i = i + 1
			text := s.buf[from:]
			if !utf8.Valid(text) {
				return "", errUTF8
			}
			if !decode {
				s.buf = s.buf[:from]
				return "", nil
			}
			return stringOf(text), nil
		case c == '\\':
			n, err := s.escape(i)
			if err != nil {
				s.i = i
				return "", err
			}
			i += n
		case c < ' ':
			s.i = i
			return "", errControl
		default:
			s.buf = append(s.buf, c)
			i++
		}
	}
	s.i = len(s.b)
	return "", errEnd
}

// escape decodes the escape at i into s.buf and returns its length.
func (s *scanner) escape(i int) (int, error) {
	if i+1 >= len(s.b) {
		return 0, errEnd
	}
	if c := s.b[i+1]; c != 'u' {
		plain := bytes.IndexByte([]byte(`"\/bfnrt`), c)
		if plain < 0 {
			return 0, fmt.Errorf("offset %d: unknown escape", i)
		}
		s.buf = append(s.buf, "\"\\/\b\f\n\r\t"[plain])
		return 2, nil
	}
	r, err := hex4(s.b[i+2:])
	if err != nil {
		return 0, err
	}
	if !utf16.IsSurrogate(r) {
		s.buf = utf8.AppendRune(s.buf, r)
		return 6, nil
	}
	if i+7 >= len(s.b) || s.b[i+6] != '\\' || s.b[i+7] != 'u' {
		return 0, errSurrogate
	}
	low, err := hex4(s.b[i+8:])
	if err != nil {
		return 0, err
	}
	pair := utf16.DecodeRune(r, low)
	if pair == utf8.RuneError {
		return 0, errSurrogate
	}
	s.buf = utf8.AppendRune(s.buf, pair)
	return 12, nil
}

func hex4(b []byte) (rune, error) {
	if len(b) < 4 {
		return 0, errEnd
	}
	n, err := strconv.ParseUint(stringOf(b[:4]), 16, 16)
	if err != nil {
		return 0, errors.New(`\u needs four hexadecimal digits`)
	}
	return rune(n), nil
}

// stringOf views b as a string without copying; the caller keeps b unchanged
// for as long as the string lives.
func stringOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

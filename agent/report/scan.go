package report

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"
)

// maxDepth bounds nesting, so that no input can exhaust the stack.
const maxDepth = 64

// scanner validates JSON (RFC 8259) in one pass and refuses what two readers
// could understand differently: duplicate keys, invalid UTF-8, lone surrogates,
// and numbers where money stands.
type scanner struct {
	b []byte
	i int
	// keys is a stack of the keys of all objects that are open.
	keys []string
	// buf is room for decoded strings; what is decoded stays valid until reset.
	buf []byte
}

var (
	errEnd       = errors.New("the JSON text ends too early")
	errDepth     = fmt.Errorf("nested deeper than %d levels", maxDepth)
	errUTF8      = errors.New("a string is not valid UTF-8")
	errControl   = errors.New("a control character in a string must be escaped")
	errSurrogate = errors.New(`a \u escape is half of a surrogate pair`)
	errMoney     = errors.New(`money must be a string such as "1.10", not a JSON number`)
)

func (s *scanner) reset(b []byte) {
	s.b, s.i = b, 0
	s.keys, s.buf = s.keys[:0], s.buf[:0]
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.i == len(s.b) {
		return 0
	}
	return s.b[s.i]
}

func (s *scanner) unexpected(want string) error {
	if s.i >= len(s.b) {
		return errEnd
	}
	r, _ := utf8.DecodeRune(s.b[s.i:])
	return fmt.Errorf("offset %d: found %q, want %s", s.i, r, want)
}

func (s *scanner) expect(c byte, want string) error {
	if s.peek() != c {
		return s.unexpected(want)
	}
	s.i++
	return nil
}

// end says that nothing may follow.
func (s *scanner) end() error {
	if s.space(); s.i < len(s.b) {
		return s.unexpected("the end of the JSON text")
	}
	return nil
}

// value validates one value and leaves s.i after it. name is the key that it
// stands under.
func (s *scanner) value(depth int, name string) error {
	switch c := s.peek(); {
	case c == '{':
		return s.object(depth)
	case c == '[':
		return s.array(depth, name)
	case c == '"':
		_, err := s.str(false)
		return err
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == 'n':
		return s.literal("null")
	case c == '-' || c >= '0' && c <= '9':
		if IsMoney(name) {
			return errMoney
		}
		return s.number()
	}
	return s.unexpected("a JSON value")
}

func (s *scanner) literal(lit string) error {
	if !bytes.HasPrefix(s.b[s.i:], bytesOf(lit)) {
		return s.unexpected(lit)
	}
	s.i += len(lit)
	return nil
}

// array takes the name it stands under: money in an array is money too.
func (s *scanner) array(depth int, name string) error {
	if depth == maxDepth {
		return errDepth
	}
	s.i++
	if s.peek() == ']' {
		s.i++
		return nil
	}
	for n := 0; ; n++ {
		if err := s.value(depth+1, name); err != nil {
			return inField(index(n), err)
		}
		switch s.peek() {
		case ',':
			s.i++
		case ']':
			s.i++
			return nil
		default:
			return s.unexpected("',' or ']'")
		}
	}
}

func (s *scanner) object(depth int) error {
	return s.members(depth, func(name string) error { return s.value(depth+1, name) })
}

// members walks an object and calls each with every key; each must consume the
// value.
func (s *scanner) members(depth int, each func(name string) error) error {
	if depth == maxDepth {
		return errDepth
	}
	s.i++
	if s.peek() == '}' {
		s.i++
		return nil
	}
	seen := keySet{s: s, from: len(s.keys)}
	for {
		if s.peek() != '"' {
			return s.unexpected("a key in quotes")
		}
		name, err := s.str(true)
		if err != nil {
			return err
		}
		if !seen.add(name) {
			return inField(name, errors.New("this key stands twice in one object"))
		}
		if err := s.expect(':', "':'"); err != nil {
			return inField(name, err)
		}
		if err := each(name); err != nil {
			return inField(name, err)
		}
		switch s.peek() {
		case ',':
			s.i++
		case '}':
			s.i++
			s.keys = s.keys[:seen.from]
			return nil
		default:
			return s.unexpected("',' or '}'")
		}
	}
}

// number validates the number grammar; its value is read later, exactly, by
// whoever needs it.
func (s *scanner) number() error {
	if s.b[s.i] == '-' {
		s.i++
	}
	switch {
	case s.i == len(s.b):
		return errEnd
	case s.b[s.i] == '0':
		s.i++
	case s.digits() == 0:
		return s.unexpected("a digit")
	}
	if s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		if s.digits() == 0 {
			return s.unexpected("a digit after the point")
		}
	}
	if s.i < len(s.b) && s.b[s.i]|0x20 == 'e' {
		s.i++
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		if s.digits() == 0 {
			return s.unexpected("a digit of the exponent")
		}
	}
	return nil
}

func (s *scanner) digits() (n int) {
	for s.i < len(s.b) && s.b[s.i]-'0' <= 9 {
		s.i++
		n++
	}
	return n
}

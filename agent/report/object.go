package report

import (
	"errors"
	"strings"
)

// CheckObject checks that text is one JSON object and nothing else, as strictly
// as events are checked, so that every reader understands it in the same way.
// key says what is wrong with a key of it, nil if nothing is. The error is a
// *FieldError.
func CheckObject(text []byte, key func(name string) error) error {
	s := scanner{b: text}
	err := s.wholeObject(key)
	var f *FieldError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &f):
		f.Field = strings.Clone(f.Field) // it may alias the text
		return f
	}
	return &FieldError{Err: err}
}

func (s *scanner) wholeObject(key func(name string) error) error {
	if s.peek() != '{' {
		return s.unexpected("a JSON object")
	}
	err := s.members(0, func(name string) error {
		if err := key(name); err != nil {
			return err
		}
		return s.value(1, name)
	})
	if err != nil {
		return err
	}
	return s.end()
}

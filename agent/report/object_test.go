package report

import (
	"errors"
	"testing"
)

func TestCheckObject(t *testing.T) {
	key := func(name string) error {
		if name != "a" && name != "b" {
			return errors.New("unknown key")
		}
		return nil
	}
	for _, c := range []struct{ text, field, problem string }{
		{`{}`, "", ""},
		{` {"a": 1, "b": {"x": [true]}} `, "", ""},
		{`{"a":1,"a":2}`, "a", "this key stands twice in one object"},
		{`{"a":{"x":1,"x":2}}`, "a.x", "this key stands twice in one object"},
		{`{"a":1,"\u0061":2}`, "a", "this key stands twice in one object"},
		{`{"A":1}`, "A", "unknown key"},
		{"{\"a\":\"\xff\"}", "a", "a string is not valid UTF-8"},
		{`{"a":1} {}`, "", "offset 8: found '{', want the end of the JSON text"},
		{`[]`, "", "offset 0: found '[', want a JSON object"},
		{`null`, "", "offset 0: found 'n', want a JSON object"},
		{`{"a":`, "a", "the JSON text ends too early"},
		{``, "", "the JSON text ends too early"},
	} {
		err := CheckObject([]byte(c.text), key)
		var f *FieldError
		switch {
		case c.problem == "" && err != nil, c.problem != "" && !errors.As(err, &f):
			t.Errorf("%s: %v", c.text, err)
		case f != nil && (f.Field != c.field || f.Err.Error() != c.problem):
			t.Errorf("%s: field %q: %v", c.text, f.Field, f.Err)
		}
	}
}

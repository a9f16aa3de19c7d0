package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/agent/report"
)

const maxOrder = 64 << 10 // bytes of a decision's body

// readJSON reads a small JSON object into the struct that v points to, as
// strictly as events are read; an empty body is an empty object.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOrder))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return report.ErrTooLarge
	case err != nil:
		return &report.FieldError{Err: errors.New("read the body: " + err.Error())}
	case len(text) == 0:
		return nil
	}
	keys := keysOf(v)
	err = report.CheckObject(text, func(name string) error {
		if !slices.Contains(keys, name) {
			return errors.New("nothing is known by this key here; the keys are " + strings.Join(keys, ", "))
		}
		return nil
	})
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields() // of what is inside too: "rule" for "rules" would name others
	err = d.Decode(v)
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return &report.FieldError{Field: kind.Field, Err: errors.New("found " + inJSON(kind.Value) + ", want " + wanted(kind.Type))}
	}
	if err != nil { // a key inside that is not known
		return &report.FieldError{Err: errors.New(strings.TrimPrefix(err.Error(), "json: "))}
	}
	return nil
}

// keysOf are the keys of the struct that v points to.
func keysOf(v any) (keys []string) {
	for f := range reflect.TypeOf(v).Elem().Fields() {
		keys = append(keys, f.Tag.Get("json"))
	}
	return keys
}

// inJSON is what encoding/json found, with an article.
func inJSON(found string) string {
	switch first, _, _ := strings.Cut(found, " "); first {
	case "array", "object":
		return "an " + first
	case "bool":
		return "a boolean"
	}
	return "a " + found
}

// wanted says in words of JSON what goes into a field of this type.
func wanted(t reflect.Type) string {
	if t.Kind() == reflect.Uint64 {
		return "a whole number"
	}
	if t.Kind() == reflect.Bool {
		return "true or false"
	}
	if t.Kind() == reflect.Map {
		return "an object of strings"
	}
	return "a string"
}

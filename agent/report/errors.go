package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// A FieldError says which field of a request is wrong, and why. Field is a
// path such as "time", "[17].data.amount", or empty for the whole.
type FieldError struct {
	Field string
	Err   error
}

func (e *FieldError) Error() string {
	if e.Field == "" {
		return e.Err.Error()
	}
	return e.Field + ": " + e.Err.Error()
}

func (e *FieldError) Unwrap() error { return e.Err }

// Reasons to refuse a request, besides a wrong field.
var (
	ErrTooLarge  = errors.New("too large")
	ErrMediaType = errors.New("unsupported content type")
)

func index(n int) string { return "[" + strconv.Itoa(n) + "]" }

// inField prefixes the path of err by one more step.
func inField(step string, err error) error {
	var f *FieldError
	if !errors.As(err, &f) {
		return &FieldError{Field: clip(step), Err: err}
	}
	switch {
	case f.Field == "":
		f.Field = clip(step)
	case f.Field[0] == '[':
		f.Field = clip(step) + f.Field
	default:
		f.Field = clip(step) + "." + f.Field
	}
	return f
}

// clip shortens a step of a path that only an attacker would write.
func clip(step string) string {
	const most = 80
	if len(step) <= most {
		return step
	}
	return strings.ToValidUTF8(step[:most], "") + "…"
}

// Problem is the body of every refusal under /v1.
type Problem struct {
	Error string `json:"error"`
	Field string `json:"field,omitempty"`
}

// Refuses tells whether an error is what is wrong with a request, which the same
// request would find again.
func Refuses(err error) bool {
	_, field := errors.AsType[*FieldError](err)
	return field || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrMediaType)
}

// WriteError answers err with the status it stands for: 400 for a wrong field,
// 413, 415, and 500 for anything else.
func WriteError(w http.ResponseWriter, err error) {
	code, p := http.StatusInternalServerError, Problem{Error: err.Error()}
	var f *FieldError
	switch {
	case errors.Is(err, ErrTooLarge):
		code = http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrMediaType):
		code = http.StatusUnsupportedMediaType
	case errors.As(err, &f):
		code = http.StatusBadRequest
	}
	if errors.As(err, &f) {
		p = Problem{Error: f.Err.Error(), Field: f.Field}
	}
	WriteJSON(w, code, p)
}

// WriteJSON answers v as JSON. A failed write means that the client has gone.
func WriteJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		return
	}
}

func fieldErrorf(field, format string, args ...any) error {
	return &FieldError{Field: field, Err: fmt.Errorf(format, args...)}
}

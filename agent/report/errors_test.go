package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWriteError(t *testing.T) {
	wrong := func() error { return fieldErrorf("time", "far ahead") }
	for _, tt := range []struct {
		name string
		err  error
		code int
		want Problem
	}{
		{"a field", wrong(), 400, Problem{"far ahead", "time"}},
		{"a wrapped field", fmt.Errorf("post: %w", wrong()), 400, Problem{"far ahead", "time"}},
		{"a field in a batch", inField(index(17), wrong()), 400, Problem{"far ahead", "[17].time"}},
		{"a step of an array", inField("data", inField("amount", inField(index(0), errMoney))), 400, Problem{errMoney.Error(), "data.amount[0]"}},
		{"an event too large", inField(index(1), tooLarge("event", 5, 4)), 413, Problem{"too large: event of 5 bytes, at most 4", "[1]"}},
		{"a body too large", tooLarge("body", 5, 4), 413, Problem{"too large: body of 5 bytes, at most 4", ""}},
		{"a media type", fmt.Errorf("%w: %q", ErrMediaType, "a/b"), 415, Problem{`unsupported content type: "a/b"`, ""}},
		{"anything else", io.ErrUnexpectedEOF, 500, Problem{"unexpected EOF", ""}},
	} {
		w := httptest.NewRecorder()
		WriteError(w, tt.err)
		var got Problem
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Errorf("%s: the body is no JSON: %v", tt.name, err)
		}
		if w.Code != tt.code || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s, want %d as JSON", tt.name, w.Code, w.Header().Get("Content-Type"), tt.code)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

func TestFieldErrorSaysWhereAndUnwraps(t *testing.T) {
	cause := errors.New("why")
	if got := (&FieldError{"time", cause}).Error(); got != "time: why" {
		t.Errorf("got %q", got)
	}
	if got := (&FieldError{"", cause}).Error(); got != "why" {
		t.Errorf("got %q", got)
	}
	if !errors.Is(&FieldError{"time", cause}, cause) {
		t.Error("the cause is not found in it")
	}
}

package entry

import (
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"testing"
)

func TestFateOf(t *testing.T) {
	for _, c := range []struct {
		err    error
		want   error
		status int
		after  string
	}{
		{fmt.Errorf("propose: %w", ErrFull), ErrFull, 429, "5"},
		{fmt.Errorf("%w: %w", ErrUnknown, io.EOF), ErrUnknown, 503, "1"},
		{ErrNotStored, ErrNotStored, 503, "1"},
		{fmt.Errorf("%w: %w", ErrUnknown, ErrNotStored), ErrUnknown, 503, "1"}, // the worse of two
	} {
		f, ok := FateOf(c.err)
		w := httptest.NewRecorder()
		f.Retry(w)
		if !ok || !errors.Is(f.Err, c.want) || f.Status != c.status || w.Header().Get("Retry-After") != c.after {
			t.Errorf("%v: %+v, %v", c.err, f, ok)
		}
	}
	if f, ok := FateOf(io.EOF); ok {
		t.Errorf("io.EOF: %+v", f)
	}
}

package report

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadAsk(t *testing.T) {
	for _, c := range []struct {
		query string
		want  map[string]string
		field string
		bad   bool
	}{
		{"", map[string]string{}, "", false},
		{"request=w-1&customer=c", map[string]string{"request": "w-1", "customer": "c"}, "", false},
		{"request=w-1&watch=3", map[string]string{"request": "w-1"}, "", false},
		{"request=w-1&asset=BTC&amount=0.50", map[string]string{"request": "w-1", "asset": "BTC", "amount": "0.50"}, "", false},
		{"amount=1e3", nil, "amount", true},
		{"amount=-1", nil, "amount", true},
		{"amount=1,5", nil, "amount", true},
		{"amount=" + strings.Repeat("9", 39), nil, "amount", true},
		{"amount=1&amount=2", nil, "amount", true},
		{"asset=", nil, "asset", true},
		{"request=w-1;x=1", nil, "", true},
		{"request=w-1%", nil, "", true},
		{"request=%zz", nil, "", true},
		{"request=", nil, "request", true},
		{"reqest=w-1", nil, "reqest", true},
		{"Request=w-1", nil, "Request", true},
		{"request=w-2&request=w-1", nil, "request", true},
	} {
		got, err := ReadAsk(c.query, "watch")
		var field *FieldError
		if c.bad != errors.As(err, &field) || c.bad && field.Field != c.field {
			t.Errorf("%q: %v, want field %q", c.query, err, c.field)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", c.query, d)
		}
	}
}

func TestCheck(t *testing.T) {
	good := Event{ID: "1", Source: "s", Type: "t"}
	for _, c := range []struct {
		name   string
		change func(*Event)
		bad    bool
	}{
		{"sound", func(*Event) {}, false},
		{"no id", func(e *Event) { e.ID = "" }, true},
		{"no source", func(e *Event) { e.Source = "" }, true},
		{"control character", func(e *Event) { e.ID = "a\x1b" }, true},
		{"not UTF-8", func(e *Event) { e.Subject = "\xff" }, true},
	} {
		e := good
		c.change(&e)
		var b Builder
		b.Add(&good)
		b.Add(&e)
		if err := b.Batch().Check(); (err != nil) != c.bad {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

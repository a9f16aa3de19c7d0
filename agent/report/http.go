package report

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"
)

// The content types of POST /v1/events beside the binary binding, which has
// none of its own.
const (
	StructuredType = "application/cloudevents+json"
	BatchType      = "application/cloudevents-batch+json"
	LinesType      = "application/x-ndjson"
)

// ReadRequest adds the events of a POST /v1/events to b. It takes the four
// bindings: structured, batch, NDJSON (one structured event a line) and binary
// (attributes in ce- headers). now is the time of receipt; stamp holds
// attributes that the receiver vouches for.
//
// All or nothing: after an error b must be reset. The error is a *FieldError,
// ErrTooLarge or ErrMediaType.
func ReadRequest(h http.Header, body []byte, now time.Time, stamp []Attr, b *Builder) error {
	if len(body) > MaxBody {
		return tooLarge("body", len(body), MaxBody)
	}
	d := decoder{now: now, stamp: stamp, out: b}
	err := d.request(h, body)
	var f *FieldError
	switch {
	case errors.As(err, &f):
		f.Field = strings.Clone(f.Field) // it may alias the body
		return f
	case err == nil || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrMediaType):
		return err
	}
	return &FieldError{Err: err}
}

func (d *decoder) request(h http.Header, body []byte) error {
	if enc := h.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return fmt.Errorf("%w: Content-Encoding %.40q; send the body as it is", ErrMediaType, enc)
	}
	if n := len(h.Values("Content-Type")); n > 1 {
		return fmt.Errorf("%w: the Content-Type header stands %d times", ErrMediaType, n)
	}
	contentType := h.Get("Content-Type")
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil && contentType != "" {
		return fmt.Errorf("%w: %.80q is not a media type", ErrMediaType, contentType)
	}
	text := media == StructuredType || media == BatchType || media == LinesType || isJSON(media)
	if set := strings.ToLower(params["charset"]); text && set != "" && set != "utf-8" && set != "us-ascii" {
		return fmt.Errorf("%w: charset %.40q; JSON is sent in UTF-8", ErrMediaType, set)
	}
	switch media {
	case StructuredType:
		return d.one(body)
	case BatchType:
		return d.batch(body)
	case LinesType:
		return d.lines(body)
	}
	// application/cloudevents+xml and its like are whole events, not data.
	binary := len(h.Values("Ce-Specversion")) > 0 || len(h.Values("Ce-Id")) > 0
	if !binary || strings.HasPrefix(media, "application/cloudevents") {
		return fmt.Errorf("%w: %.80q; send %s for one event, %s for an array, %s for one event a line, or the attributes as ce- headers",
			ErrMediaType, contentType, StructuredType, BatchType, LinesType)
	}
	return d.binary(h, contentType, body)
}

func tooLarge(what string, n, limit int) error {
	return fmt.Errorf("%w: %s of %d bytes, at most %d", ErrTooLarge, what, n, limit)
}

package report

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// binary reads the event whose attributes are headers and whose data is the body.
func (d *decoder) binary(h http.Header, contentType string, body []byte) error {
	if len(body) > MaxEvent {
		return tooLarge("event", len(body), MaxEvent)
	}
	ev := Event{DataType: contentType}
	var version string
	// Sorted, since errors must not depend on the order of a map.
	for _, key := range ceHeaders(h) {
		name := strings.ToLower(key)[len("ce-"):]
		if n := len(h[key]); n != 1 {
			return fieldErrorf(name, "the header stands %d times", n)
		}
		value, err := headerValue(h[key][0])
		if err != nil {
			return fieldErrorf(name, "not percent-encoded as the HTTP binding wants: %w", err)
		}
		if name == "specversion" {
			version = value
		} else if err := d.header(&ev, name, value); err != nil {
			return inField(name, err)
		}
	}
	if len(body) > 0 {
		ev.Data = body
		if ev.JSON() {
			if err := checkJSON(body); err != nil {
				return inField("data", err)
			}
		}
	}
	return d.finish(&ev, version)
}

func (d *decoder) header(ev *Event, name, value string) (err error) {
	switch name {
	case "id":
		ev.ID = value
	case "source":
		ev.Source = value
	case "type":
		ev.Type = value
	case "subject":
		ev.Subject = value
	case "time":
		ev.Time, err = parseTime(value, d.now)
	case "datacontenttype":
		err = errContentType
	default:
		if !extName(name) || name == "data" {
			return errExtName
		}
		ev.Ext = append(ev.Ext, Attr{name, value})
	}
	return err
}

func ceHeaders(h http.Header) (keys []string) {
	for key := range h {
		if strings.HasPrefix(key, "Ce-") && http.CanonicalHeaderKey(key) == key {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// headerValue undoes what the HTTP binding does to a value: it may be a quoted
// string, and is percent-encoded once.
func headerValue(v string) (string, error) {
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		var plain strings.Builder
		for i := 1; i < len(v)-1; i++ {
			if v[i] == '\\' && i+1 < len(v)-1 {
				i++
			}
			plain.WriteByte(v[i])
		}
		v = plain.String()
	}
	return url.PathUnescape(v)
}

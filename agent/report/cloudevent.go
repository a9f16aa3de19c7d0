package report

import (
	"encoding/base64"
	"errors"
	"time"
)

const (
	// MaxBody bounds the body of one request, in bytes.
	MaxBody = 8 << 20
	// MaxEvent bounds one event as sent, in bytes.
	MaxEvent = 1 << 20
	// MaxAhead is how far ahead of the receiver's clock an event's time may be.
	MaxAhead = 5 * time.Minute
)

// decoder turns CloudEvents into a Builder's events.
type decoder struct {
	scanner
	now   time.Time
	stamp []Attr
	out   *Builder
	ext   []Attr
}

// structured reads one event in JSON at s.i and adds it.
func (d *decoder) structured() error {
	start := d.peekAt()
	if d.peek() != '{' {
		return d.unexpected("a CloudEvent, which is a JSON object")
	}
	ev := Event{Ext: d.ext[:0]}
	var version string
	var base64Data []byte
	var hasData, hasBase64 bool
	err := d.members(0, func(name string) (err error) {
		switch name {
		case "specversion":
			version, err = d.attr()
		case "id":
			ev.ID, err = d.attr()
		case "source":
			ev.Source, err = d.attr()
		case "type":
			ev.Type, err = d.attr()
		case "subject":
			ev.Subject, err = d.attr()
		case "datacontenttype":
			ev.DataType, err = d.attr()
		case "time":
			ev.Time, err = d.time()
		case "data":
			hasData = true
			ev.Data, err = d.data()
		case "data_base64":
			base64Data, err = d.base64()
			hasBase64 = base64Data != nil
		default:
			err = d.extension(&ev, name)
		}
		return err
	})
	d.ext = ev.Ext
	if err != nil {
		return err
	}
	if d.i-start > MaxEvent {
		return tooLarge("event", d.i-start, MaxEvent)
	}
	if hasBase64 {
		if hasData {
			return fieldErrorf("data_base64", "an event has data or data_base64, not both")
		}
		if ev.Data = base64Data; ev.JSON() {
			if err := checkJSON(ev.Data); err != nil {
				return inField("data_base64", err)
			}
		}
	} else if hasData && !ev.JSON() {
		ev.Data = textOf(ev.Data)
	}
	return d.finish(&ev, version)
}

func (d *decoder) peekAt() int {
	d.space()
	return d.i
}

// attr reads an attribute: a string; null counts as absent.
func (d *decoder) attr() (string, error) {
	switch d.peek() {
	case '"':
		return d.str(true)
	case 'n':
		return "", d.literal("null")
	}
	return "", d.unexpected("a string")
}

func (d *decoder) time() (int64, error) {
	if d.peek() == 'n' {
		return 0, d.literal("null")
	}
	text, err := d.attr()
	if err != nil {
		return 0, err
	}
	return parseTime(text, d.now)
}

func (d *decoder) data() ([]byte, error) {
	start := d.peekAt()
	err := d.value(1, "")
	return d.b[start:d.i], err
}

// base64 is nil for null, which counts as absent.
func (d *decoder) base64() ([]byte, error) {
	if d.peek() == 'n' {
		return nil, d.literal("null")
	}
	text, err := d.attr()
	if err != nil {
		return nil, err
	}
	out, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, errors.New("not base64, with padding and nothing behind its last bit")
	}
	return out, nil
}

// checkJSON checks a JSON text that came outside of a JSON event.
func checkJSON(text []byte) error {
	s := scanner{b: text}
	if err := s.value(1, ""); err != nil {
		return err
	}
	return s.end()
}

// textOf is what a JSON string says, for data that is not JSON; other values
// stand as they are.
func textOf(data []byte) []byte {
	if len(data) == 0 || data[0] != '"' {
		return data
	}
	s := scanner{b: data}
	text, err := s.str(true)
	if err != nil {
		return data
	}
	return append([]byte{}, text...)
}

// extension reads an extension attribute: a string, boolean or number, kept as
// it is written.
func (d *decoder) extension(ev *Event, name string) error {
	if !extName(name) {
		return errExtName
	}
	var value string
	switch c := d.peek(); c {
	case '"', 'n':
		text, err := d.attr()
		if err != nil {
			return err
		}
		value = text
	case '{', '[':
		return errors.New("an extension attribute is a string, a number or a boolean; structures belong in data")
	default:
		start := d.i
		if err := d.value(1, ""); err != nil {
			return err
		}
		value = stringOf(d.b[start:d.i])
	}
	ev.Ext = append(ev.Ext, Attr{name, value})
	return nil
}

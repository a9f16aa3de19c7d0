package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxAttr = 4096 // bytes of one attribute
	maxExt  = 64   // extension attributes of one event
	maxName = 64   // bytes of an extension attribute's name
	maxTime = 64   // bytes of a time
)

var (
	errControlAttr = errors.New("holds a control character")
	errContentType = errors.New("in the binary binding this is the header Content-Type")
	errExtName     = fmt.Errorf("not an attribute of CloudEvents: names of extensions are lower-case letters and digits, at most %d; the application's own fields belong in data", maxName)
)

// finish checks what all bindings share and adds the event.
func (d *decoder) finish(ev *Event, version string) error {
	if version == "" {
		return fieldErrorf("specversion", `missing or empty, want "1.0"`)
	}
	if version != "1.0" {
		return fieldErrorf("specversion", `found %.40q, want "1.0"`, version)
	}
	for _, a := range [...]struct {
		name, value string
		must        bool
	}{
		{"id", ev.ID, true},
		{"source", ev.Source, true},
		{"type", ev.Type, true},
		{"subject", ev.Subject, false},
		{"datacontenttype", ev.DataType, false},
	} {
		if a.must && a.value == "" {
			return fieldErrorf(a.name, "missing or empty")
		}
		if err := checkAttr(a.value); err != nil {
			return &FieldError{a.name, err}
		}
	}
	if IsOwn(ev.Type) {
		return fieldErrorf("type", "the types that begin with %s are what agents say of themselves", ownTypes)
	}
	if len(ev.Ext) > maxExt {
		return fieldErrorf("", "%d extension attributes, at most %d", len(ev.Ext), maxExt)
	}
	for _, a := range ev.Ext {
		if err := checkAttr(a.Value); err != nil {
			return &FieldError{a.Name, err}
		}
	}
	ev.Seen = d.now.UnixNano()
	d.stampOn(ev)
	d.out.Add(ev)
	return nil
}

// stampOn puts the receiver's own attributes on the event. What an application
// claims under their names, or under those that only an agent vouches for, goes.
func (d *decoder) stampOn(ev *Event) {
	ev.Ext = slices.DeleteFunc(ev.Ext, func(a Attr) bool { return a.Name == AgentAttr || a.Name == PeerAttr })
	for _, st := range d.stamp {
		ev.Ext = slices.DeleteFunc(ev.Ext, func(a Attr) bool { return a.Name == st.Name })
		ev.Ext = append(ev.Ext, st)
	}
	ev.Ext = slices.DeleteFunc(ev.Ext, func(a Attr) bool { return a.Value == "" })
	slices.SortFunc(ev.Ext, func(a, b Attr) int { return strings.Compare(a.Name, b.Name) })
	d.ext = ev.Ext
}

func extName(name string) bool {
	for _, c := range bytesOf(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return name != "" && len(name) <= maxName
}

func checkAttr(v string) error {
	if len(v) > maxAttr {
		return fmt.Errorf("%d bytes long, at most %d", len(v), maxAttr)
	}
	ascii := true
	for i := range len(v) {
		if v[i] < ' ' || v[i] == 0x7f {
			return errControlAttr
		}
		ascii = ascii && v[i] < utf8.RuneSelf
	}
	if ascii {
		return nil
	}
	if !utf8.ValidString(v) {
		return errUTF8
	}
	for _, r := range v {
		if r >= 0x80 && r < 0xa0 { // the C1 controls
			return errControlAttr
		}
	}
	return nil
}

// earliest is the first time whose nanoseconds an int64 can hold without
// touching the value that means "absent".
var earliest = time.Date(1970, 1, 1, 0, 0, 1, 0, time.UTC)

func parseTime(text string, now time.Time) (int64, error) {
	t, ok := rfc3339(text)
	if !ok {
		return 0, fmt.Errorf("found %.60q, want a time such as %s", text, now.UTC().Format(time.RFC3339))
	}
	if ahead := t.Sub(now); ahead > MaxAhead {
		return 0, fmt.Errorf("%s is %s ahead of this clock; at most %s is accepted", text, ahead.Round(time.Second), MaxAhead)
	}
	if t.Before(earliest) {
		return 0, fmt.Errorf("%s is before 1970", text)
	}
	return t.UnixNano(), nil
}

// rfc3339 reads a time as the RFC has it. Go's parser differs: it takes an hour
// of one digit, a comma for the point, and +24:00 and +23:60, and it takes neither
// t and z nor a leap second, which here is the second after it.
func rfc3339(text string) (time.Time, bool) {
	const seconds = len("2006-01-02T15:04:")
	if len(text) < seconds+3 || len(text) > maxTime || text[len("2006-01-02T15")] != ':' || strings.Contains(text, ",") {
		return time.Time{}, false
	}
	text = strings.ToUpper(text)
	if zone := text[len(text)-5:]; !strings.HasSuffix(text, "Z") && (zone[:2] > "23" || zone[3:] > "59") {
		return time.Time{}, false
	}
	var leap time.Duration
	if text[seconds:seconds+2] == "60" {
		text, leap = text[:seconds]+"59"+text[seconds+2:], time.Second
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	return t.Add(leap), err == nil
}

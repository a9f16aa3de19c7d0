// Package report is the wire between an application, its agent and the collector.
//
// It promises that what was accepted here reads the same everywhere after:
// events are checked once, at the edge, and travel as batches whose bytes,
// digest and order never change; samples keep every bit of their values, also
// where only differences travel. It knows nothing of rules, disks or networks.
package report

import (
	"errors"
	"strings"
)

// An Event is one fact in the terms of CloudEvents 1.0. Its strings and Data
// may alias the buffer it was read from.
type Event struct {
	ID, Source, Type, Subject string
	// Time is the application's time in Unix nanoseconds; 0 when it gave none.
	Time int64
	// Seen is when the agent, or the collector's own intake, received the
	// event, in Unix nanoseconds.
	Seen int64
	// DataType is datacontenttype as sent; empty means application/json.
	DataType string
	// Data is JSON text unless DataType says otherwise; nil when absent.
	Data []byte
	// Ext holds the extension attributes, sorted by name.
	Ext []Attr
}

// An Attr is one extension attribute.
type Attr struct{ Name, Value string }

// When is the event's time: the application's, or else the time of receipt.
func (e *Event) When() int64 {
	if e.Time != 0 {
		return e.Time
	}
	return e.Seen
}

// check is what holds for every event, also for one that came in a block:
// names by which it is counted and shown.
func (e *Event) check() error {
	if e.ID == "" || e.Source == "" || e.Type == "" {
		return errors.New("an event without id, source or type")
	}
	for _, v := range [...]string{e.ID, e.Source, e.Type, e.Subject} {
		if err := checkAttr(v); err != nil {
			return err
		}
	}
	return nil
}

// JSON tells whether Data is JSON text.
func (e *Event) JSON() bool { return isJSON(e.DataType) }

func isJSON(mediaType string) bool {
	if mediaType == "" {
		return true
	}
	t, _, _ := strings.Cut(mediaType, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	return t == "application/json" || t == "text/json" || strings.HasSuffix(t, "+json")
}

// IsMoney tells whether a data field of this name holds money: an exact
// decimal, which JSON must carry as a string.
func IsMoney(name string) bool {
	return name == "amount" || name == "fee" || strings.HasSuffix(name, "_amount")
}

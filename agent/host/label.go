package host

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tomeishi/tomeishi/agent/report"
)

const (
	maxLabel  = 1024 // bytes of a label's value, as in package report
	maxDevice = 128  // bytes of a disk's or an interface's name
)

func isControl(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }

// deviceName tells whether a name can be a label.
func deviceName(dev []byte) bool {
	return len(dev) > 0 && len(dev) <= maxDevice && utf8.Valid(dev) && !bytes.ContainsFunc(dev, isControl)
}

// printable makes a label of what may hold any byte: one that is no text stands
// as \xff, so that two names stay two.
func printable(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, isControl) {
		return s
	}
	var out strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 || isControl(r) {
			for _, c := range []byte(s[:n]) {
				fmt.Fprintf(&out, `\x%02x`, c)
			}
		} else {
			out.WriteString(s[:n])
		}
		s = s[n:]
	}
	return out.String()
}

// labels makes labels of names and values in turn, sorted by name. Empty ones
// are left out: to Prometheus they are the same.
func labels(pairs ...string) []report.Attr {
	var out []report.Attr
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, report.Attr{Name: pairs[i], Value: pairs[i+1]})
		}
	}
	return out
}

// perDevice is the metrics of a kind whose key is a device.
func perDevice(names ...string) func(string) []report.Series {
	return func(device string) []report.Series {
		out := make([]report.Series, len(names))
		for i, name := range names {
			out[i] = report.Series{Name: name, Labels: []report.Attr{{Name: "device", Value: device}}}
		}
		return out
	}
}

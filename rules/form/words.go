package form

import (
	"strings"

	"github.com/tomeishi/tomeishi/rules/match"
)

// OfOne says of events that they belong to one key; empty if all do.
func OfOne(by []match.Key) string {
	var fields []string
	for _, k := range by {
		field := k.String()
		if k.Optional {
			field += " (or none)"
		}
		fields = append(fields, field)
	}
	switch len(fields) {
	case 0:
		return ""
	case 1:
		return " of one " + fields[0]
	}
	return " of one combination of " + And(fields)
}

// And joins words as a sentence does.
func And(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// OneLine is an expression without its line breaks.
func OneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

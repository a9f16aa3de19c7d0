package chart

import (
	"strings"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

// pad fills a text up with blanks.
func pad(s string, columns int) string {
	return s + strings.Repeat(" ", max(0, columns-term.Columns(s)))
}

func padLeft(s string, columns int) string {
	return strings.Repeat(" ", max(0, columns-term.Columns(s))) + s
}

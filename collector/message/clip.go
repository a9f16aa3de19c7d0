package message

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Short is a text of others on one line of at most so many bytes.
func Short(s string, most int) string { return oneLine(s, most) }

// oneLine is a text of others on one line of at most so many bytes, which are
// 3 or more: what would begin a line, move the cursor or turn the direction of
// writing is gone, and what is cut off ends in an ellipsis.
func oneLine(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= most {
		return s
	}
	end := most - len("…")
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return strings.TrimRight(s[:end], " ") + "…"
}

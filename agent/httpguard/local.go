package httpguard

import "strings"

// LocalPath tells whether a browser that is sent to next stays on this host.
// Browsers take // and a backslash for the beginning of another host, and pass
// over control characters before they look.
func LocalPath(next string) bool {
	strange := func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }
	return strings.HasPrefix(next, "/") && !strings.HasPrefix(next, "//") && !strings.ContainsFunc(next, strange)
}

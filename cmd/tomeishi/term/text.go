package term

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Plain makes text from elsewhere safe for a terminal: what could move the
// cursor or hide other text is shown as its escape.
func Plain(s string) string {
	if !strings.ContainsFunc(s, hostile) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hostile(r) {
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func hostile(r rune) bool {
	return r != '\n' && r != '\t' && !unicode.IsPrint(r) || r == utf8.RuneError
}

// Line is Plain on one line.
func Line(s string) string { return strings.ReplaceAll(Plain(s), "\n", " ") }

// Quote shows where a text begins and ends.
func Quote(s string) string { return strconv.Quote(s) }

// When shows a time of the collector's as this host's, and how long ago it was.
func When(stamp string) string {
	at, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		return Line(stamp)
	}
	return at.Local().Format("2006-01-02 15:04:05Z07:00") + " (" + Ago(time.Since(at)) + ")"
}

// Ago is how long ago something was.
func Ago(d time.Duration) string {
	switch {
	case d < 0:
		return "in " + span(-d)
	case d < time.Second:
		return "now"
	}
	return span(d) + " ago"
}

// span is a duration in its largest two units at most.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + "s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + "m"
	case d < 24*time.Hour:
		return strconv.Itoa(int(d.Hours())) + "h" + strconv.Itoa(int(d.Minutes())%60) + "m"
	}
	return strconv.Itoa(int(d.Hours())/24) + "d" + strconv.Itoa(int(d.Hours())%24) + "h"
}

// Few joins words, or says that there are none.
func Few(words []string) string {
	if len(words) == 0 {
		return "-"
	}
	return strings.Join(words, " ")
}

// Short is the beginning of a long id.
func Short(id string) string {
	if len(id) > 8 {
		return id[:8]
	}
	return id
}

// OrDash is a text, or a dash where there is none.
func OrDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Count is a number with its noun.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// Number is a number as text.
func Number(n uint64) string { return strconv.FormatUint(n, 10) }

// Plural is Count for large numbers.
func Plural(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Number(n) + " " + noun + "s"
}

// Bytes is a size in its largest unit.
func Bytes(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
}

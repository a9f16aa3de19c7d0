package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/chart"
)

// terminal is where a command reads and writes.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	color    bool // out is a terminal that shows colors
}

func newTerminal(in io.Reader, out, err io.Writer) *terminal {
	color := isTerminal(out) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return &terminal{in: in, out: out, err: err, color: color}
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// size is how many columns and rows there are: as the environment says, else as
// the terminal does, else as terminals used to have.
func (t *terminal) size() (columns, rows int) {
	columns, rows = 80, 24
	if f, ok := t.out.(*os.File); ok {
		if ws, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil && ws.Col > 0 && ws.Row > 0 {
			columns, rows = int(ws.Col), int(ws.Row)
		}
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		columns = n
	}
	if n, err := strconv.Atoi(os.Getenv("LINES")); err == nil && n > 0 {
		rows = n
	}
	return columns, rows
}

func (t *terminal) printf(format string, args ...any) { fmt.Fprintf(t.out, format, args...) }

// notef says something beside the output.
func (t *terminal) notef(format string, args ...any) { fmt.Fprintf(t.err, format, args...) }

// json prints the collector's answer, one object indented for people's eyes.
func (t *terminal) json(raw []byte) error {
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(raw), "", "  "); err != nil {
		return fmt.Errorf("the answer is not JSON: %w", err)
	}
	b.WriteByte('\n')
	_, err := t.out.Write(b.Bytes())
	return err
}

// Colors of states.
const (
	red   = "\x1b[31m"
	green = "\x1b[32m"
	reset = "\x1b[0m"
)

// state is the word for a state, red where something is stopped.
func (t *terminal) state(s string) string {
	if !t.color {
		return s
	}
	switch strings.ToLower(s) {
	case "open", "yes":
		return green + s + reset
	case "closed", "no", "off":
		return red + s + reset
	}
	return s
}

// table prints rows in aligned columns under a header. The last column is as
// wide as it is.
func (t *terminal) table(rows ...[]string) {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			row[i] = plain(cell)
			width[i] = max(width[i], chart.Columns(row[i]))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(t.state(cell))
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", width[i]-chart.Columns(cell)+2))
			}
		}
		t.printf("%s\n", strings.TrimRight(b.String(), " "))
	}
}

// plain makes text from elsewhere safe for a terminal: what could move the
// cursor or hide other text is shown as its escape.
func plain(s string) string {
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

// line is plain on one line.
func line(s string) string { return strings.ReplaceAll(plain(s), "\n", " ") }

func quote(s string) string { return strconv.Quote(s) }

// when shows a time of the collector's as this host's, and how long ago it was.
func when(stamp string) string {
	at, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		return line(stamp)
	}
	return at.Local().Format("2006-01-02 15:04:05Z07:00") + " (" + ago(time.Since(at)) + ")"
}

func ago(d time.Duration) string {
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

// few joins words, or says that there are none.
func few(words []string) string {
	if len(words) == 0 {
		return "-"
	}
	return strings.Join(words, " ")
}

// short is the beginning of a long id.
func short(id string) string {
	if len(id) > 8 {
		return id[:8]
	}
	return id
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

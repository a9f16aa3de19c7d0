package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

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

package term

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Terminal is where a command reads and writes.
type Terminal struct {
	In       io.Reader
	Out, Err io.Writer
	Color    bool // Out is a terminal that shows colors
}

// New is the terminal of these streams.
func New(in io.Reader, out, err io.Writer) *Terminal {
	color := IsTerminal(out) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return &Terminal{In: in, Out: out, Err: err, Color: color}
}

// IsTerminal tells whether w is a terminal.
func IsTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	// Only a terminal has a size; it is asked for alike on every Unix.
	_, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	return err == nil
}

// Size is how many columns and rows there are: as the environment says, else as
// the terminal does, else as terminals used to have.
func (t *Terminal) Size() (columns, rows int) {
	columns, rows = 80, 24
	if f, ok := t.Out.(*os.File); ok {
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

// Printf prints output.
func (t *Terminal) Printf(format string, args ...any) { fmt.Fprintf(t.Out, format, args...) }

// Notef says something beside the output.
func (t *Terminal) Notef(format string, args ...any) { fmt.Fprintf(t.Err, format, args...) }

// JSON prints the collector's answer, one object indented for people's eyes.
func (t *Terminal) JSON(raw []byte) error {
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(raw), "", "  "); err != nil {
		return fmt.Errorf("the answer is not JSON: %w", err)
	}
	b.WriteByte('\n')
	_, err := t.Out.Write(b.Bytes())
	return err
}

// Colors of states.
const (
	red   = "\x1b[31m"
	green = "\x1b[32m"
	reset = "\x1b[0m"
)

// State is the word for a state, red where something is stopped.
func (t *Terminal) State(s string) string {
	if !t.Color {
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

// Table prints rows in aligned columns under a header. The last column is as
// wide as it is.
func (t *Terminal) Table(rows ...[]string) {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			row[i] = Plain(cell)
			width[i] = max(width[i], Columns(row[i]))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(t.State(cell))
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", width[i]-Columns(cell)+2))
			}
		}
		t.Printf("%s\n", strings.TrimRight(b.String(), " "))
	}
}

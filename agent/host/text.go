package host

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/tomeishi/tomeishi/agent/report"
)

// WriteText writes a frame in Prometheus's text format, without times and
// without what is absent. Every series gets the common labels that it does not
// have itself. The error is w's, or that frame does not fit schema.
func WriteText(w io.Writer, schema *report.Schema, frame report.Frame, common []report.Attr) error {
	series := schema.Series()
	if len(series) != len(frame.Values) {
		return fmt.Errorf("a frame of %d values for %d series", len(frame.Values), len(series))
	}
	order := make([]int, 0, len(series))
	for i, v := range frame.Values {
		if !report.IsAbsent(v) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(series[a].Name, series[b].Name) })
	known := report.Signals()
	out := bufio.NewWriter(w)
	var line []byte
	last := ""
	for _, i := range order {
		s := &series[i]
		if s.Name != last {
			last = s.Name
			line = appendHead(line[:0], known, s.Name)
			out.Write(line) //nolint:errcheck // Flush returns the first error
		}
		line = appendSeries(line[:0], s, common)
		line = append(line, ' ')
		line = strconv.AppendFloat(line, frame.Values[i], 'g', -1, 64)
		line = append(line, '\n')
		out.Write(line) //nolint:errcheck // Flush returns the first error
	}
	return out.Flush()
}

func appendHead(dst []byte, known []report.Signal, name string) []byte {
	at, ok := slices.BinarySearchFunc(known, name, func(s report.Signal, name string) int { return strings.Compare(s.Name, name) })
	if !ok {
		return fmt.Appendf(dst, "# TYPE %s untyped\n", name)
	}
	help := strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(known[at].Help)
	return fmt.Appendf(dst, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, known[at].Type)
}

func appendSeries(dst []byte, s *report.Series, common []report.Attr) []byte {
	dst = append(dst, s.Name...)
	sep := byte('{')
	add := func(a report.Attr) {
		dst = append(append(append(dst, sep), a.Name...), '=', '"')
		dst = append(appendEscaped(dst, a.Value), '"')
		sep = ','
	}
	for _, a := range s.Labels {
		add(a)
	}
	for _, a := range common {
		if !slices.ContainsFunc(s.Labels, func(own report.Attr) bool { return own.Name == a.Name }) {
			add(a)
		}
	}
	if sep == ',' {
		dst = append(dst, '}')
	}
	return dst
}

func appendEscaped(dst []byte, value string) []byte {
	for i := range len(value) {
		switch c := value[i]; c {
		case '\\', '"':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

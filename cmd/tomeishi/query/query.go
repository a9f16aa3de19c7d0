// Package query asks a collector a question in PromQL, and draws the answer.
//
// It promises that exact numbers are printed exactly, and that no label of
// somebody else's can move the cursor of whoever reads it.
package query

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

const queryLong = `Ask a question in PromQL: of now, of a --time, or of a --range, which is drawn.

How busy each host's CPUs are, over the last hour:
  tomeishi query --range 1h '100 * (1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[1m])))'

How much space is left on the disks, the fullest first:
  tomeishi query 'sort(node_filesystem_avail_bytes / node_filesystem_size_bytes)'

What each network interface received on Friday evening, for a spreadsheet:
  tomeishi query --range 6h --end 2026-11-20T23:00:00+09:00 --csv 'rate(node_network_receive_bytes_total[1m])'

What is shown beside a value (GiB, ms, %) is guessed from the names of the metrics.
Times are this host's. A --range has at most 11,000 points: without --step the
shortest round step is taken that still shows.`

// Commands are the commands of this room.
func Commands(t *term.Terminal) []*cobra.Command { return []*cobra.Command{newQuery(t)} }

// queryFlags are the flags of query.
type queryFlags struct {
	time, span, step, end string
	width, height         int
	csv, json             bool
}

func newQuery(t *term.Terminal) *cobra.Command {
	s := &client.Server{}
	cmd := &cobra.Command{
		Use: "query EXPR", Short: "Ask the metrics a question in PromQL", Long: queryLong,
		Args: term.Takes("EXPR"),
	}
	f := &queryFlags{}
	fs := cmd.Flags()
	s.Flags(fs)
	fs.BoolVar(&f.json, "json", false, "print the collector's JSON")
	fs.StringVar(&f.time, "time", "", "ask about this `TIME`: RFC 3339, Unix seconds or -5m (default: now)")
	fs.StringVar(&f.span, "range", "", "ask about so much time up to --end, and draw it: `DURATION`")
	fs.StringVar(&f.step, "step", "", "the time between two points of a --range: `DURATION`")
	fs.StringVar(&f.end, "end", "", "the end of a --range: `TIME` (default: now)")
	fs.BoolVar(&f.csv, "csv", false, "print a --range as CSV: time, labels, value")
	fs.IntVar(&f.width, "width", 0, "columns of the output (default: the terminal's)")
	fs.IntVar(&f.height, "height", 0, "rows of the picture (default: the terminal's)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.check(args[0]); err != nil {
			return err
		}
		if f.span != "" {
			return queryRange(cmd.Context(), t, s, args[0], f)
		}
		at, err := term.Moment("--time", f.time, time.Now())
		if err != nil {
			return err
		}
		c, err := s.Dial()
		if err != nil {
			return err
		}
		form := url.Values{"query": {args[0]}, "time": {promTime(at)}}
		a, raw, err := askProm(cmd.Context(), c, "/api/v1/query", form)
		if err != nil || f.json {
			return t.OrJSON(raw, err)
		}
		remarks(t, a)
		return showInstant(t, a, args[0], f.width)
	}
	return cmd
}

// check finds flags that do not go together.
func (f *queryFlags) check(expr string) error {
	switch {
	case strings.TrimSpace(expr) == "":
		return term.Usagef("EXPR is empty: give an expression of PromQL, such as up")
	case f.span == "" && cmp.Or(f.step, f.end) != "":
		return term.Usagef("--step and --end belong to --range DURATION")
	case f.span == "" && f.csv:
		return term.Usagef("--csv belongs to --range DURATION; for an instant there is --json")
	case f.span != "" && f.time != "":
		return term.Usagef("--time is for an instant: a --range ends at --end")
	case f.csv && f.json:
		return term.Usagef("choose --csv or --json")
	case f.width < 0 || f.height < 0:
		return term.Usagef("--width and --height are numbers of columns and rows")
	}
	return nil
}

// remarks are what the collector says about the question, beside the answer.
func remarks(t *term.Terminal, a promAnswer) {
	for _, text := range a.Warnings {
		t.Notef("warning: %s\n", term.Line(text))
	}
	for _, text := range a.Infos {
		t.Notef("info: %s\n", term.Line(text))
	}
}

// showInstant prints what is true at one time.
func showInstant(t *term.Terminal, a promAnswer, expr string, width int) error {
	switch a.Data.Type {
	case "scalar":
		var s promSample
		if err := json.Unmarshal(a.Data.Result, &s); err != nil {
			return fmt.Errorf("the answer cannot be read: %w", err)
		}
		t.Printf("%s\n", exact(s.Value))
		return nil
	case "string":
		var at int64
		var text string
		if err := unmarshalPair(a.Data.Result, &at, &text); err != nil {
			return fmt.Errorf("the answer cannot be read: %w", err)
		}
		t.Printf("%s\n", term.Plain(text))
		return nil
	}
	series, err := a.series()
	switch {
	case err != nil:
		return err
	case len(series) == 0:
		t.Printf("no series\n")
	case a.Data.Type == "matrix":
		showSamples(t, series)
	default:
		showVector(t, series, expr, width)
	}
	return nil
}

func showVector(t *term.Terminal, series []promSeries, expr string, width int) {
	if len(series) == 1 {
		t.Printf("%s  %s\n", promLabels(series[0].Metric), strings.Join(series[0].text(unitOf(expr)), "  "))
		return
	}
	if width == 0 && term.IsTerminal(t.Out) {
		width, _ = t.Size()
	}
	common, rows := vectorTable(series, expr, width)
	if common != "" {
		t.Printf("%s\n", common)
	}
	t.Table(rows...)
}

// showSamples prints the samples of a range selector, each series by itself.
func showSamples(t *term.Terminal, series []promSeries) {
	const layout = "2006-01-02 15:04:05.000Z07:00"
	for i, s := range series {
		if i > 0 {
			t.Printf("\n")
		}
		t.Printf("%s\n", promLabels(s.Metric))
		for _, p := range s.Values {
			t.Printf("  %s  %s\n", time.UnixMilli(p.Time).Format(layout), exact(p.Value))
		}
		for _, h := range s.Histograms {
			t.Printf("  %s  %s\n", time.UnixMilli(h.Time).Format(layout), h.text(unitOfName(s.Metric["__name__"])))
		}
	}
}

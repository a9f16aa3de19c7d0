package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
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

// queryFlags are the flags of query.
type queryFlags struct {
	time, span, step, end string
	width, height         int
	csv, json             bool
}

func newQuery(t *terminal) *cobra.Command {
	s := &server{}
	cmd := &cobra.Command{
		Use: "query EXPR", Short: "Ask the metrics a question in PromQL", Long: queryLong,
		Args: takes("EXPR"),
	}
	f := &queryFlags{}
	fs := cmd.Flags()
	s.flags(fs)
	fs.BoolVar(&f.json, "json", false, "print the collector's JSON")
	fs.StringVar(&f.time, "time", "", "ask of this `TIME`: RFC 3339, Unix seconds or -5m (default: now)")
	fs.StringVar(&f.span, "range", "", "ask of so much time up to --end, and draw it: `DURATION`")
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
			return t.queryRange(cmd.Context(), s, args[0], f)
		}
		at, err := moment("--time", f.time, time.Now())
		if err != nil {
			return err
		}
		c, err := s.dial()
		if err != nil {
			return err
		}
		form := url.Values{"query": {args[0]}, "time": {promTime(at)}}
		a, raw, err := c.query(cmd.Context(), "/api/v1/query", form)
		if err != nil || f.json {
			return orJSON(t, raw, err)
		}
		t.remarks(a)
		return t.showInstant(a, args[0], f.width)
	}
	return cmd
}

// check finds flags that do not go together.
func (f *queryFlags) check(expr string) error {
	switch {
	case strings.TrimSpace(expr) == "":
		return usagef("EXPR is empty: give an expression of PromQL, such as up")
	case f.span == "" && cmp.Or(f.step, f.end) != "":
		return usagef("--step and --end belong to --range DURATION")
	case f.span == "" && f.csv:
		return usagef("--csv belongs to --range DURATION; for an instant there is --json")
	case f.span != "" && f.time != "":
		return usagef("--time is for an instant: a --range ends at --end")
	case f.csv && f.json:
		return usagef("choose --csv or --json")
	case f.width < 0 || f.height < 0:
		return usagef("--width and --height are numbers of columns and rows")
	}
	return nil
}

// remarks are what the collector says about the question, beside the answer.
func (t *terminal) remarks(a promAnswer) {
	for _, text := range a.Warnings {
		t.notef("warning: %s\n", line(text))
	}
	for _, text := range a.Infos {
		t.notef("info: %s\n", line(text))
	}
}

// showInstant prints what is true at one time.
func (t *terminal) showInstant(a promAnswer, expr string, width int) error {
	switch a.Data.Type {
	case "scalar":
		var s promSample
		if err := json.Unmarshal(a.Data.Result, &s); err != nil {
			return fmt.Errorf("the answer cannot be read: %w", err)
		}
		t.printf("%s\n", exact(s.Value))
		return nil
	case "string":
		var at int64
		var text string
		if err := unmarshalPair(a.Data.Result, &at, &text); err != nil {
			return fmt.Errorf("the answer cannot be read: %w", err)
		}
		t.printf("%s\n", plain(text))
		return nil
	}
	series, err := a.series()
	switch {
	case err != nil:
		return err
	case len(series) == 0:
		t.printf("no series\n")
	case a.Data.Type == "matrix":
		t.showSamples(series)
	default:
		t.showVector(series, expr, width)
	}
	return nil
}

func (t *terminal) showVector(series []promSeries, expr string, width int) {
	if len(series) == 1 {
		t.printf("%s  %s\n", promLabels(series[0].Metric), strings.Join(series[0].text(unitOf(expr)), "  "))
		return
	}
	if width == 0 && isTerminal(t.out) {
		width, _ = t.size()
	}
	common, rows := vectorTable(series, expr, width)
	if common != "" {
		t.printf("%s\n", common)
	}
	t.table(rows...)
}

// showSamples prints the samples of a range selector, each series by itself.
func (t *terminal) showSamples(series []promSeries) {
	const layout = "2006-01-02 15:04:05.000Z07:00"
	for i, s := range series {
		if i > 0 {
			t.printf("\n")
		}
		t.printf("%s\n", promLabels(s.Metric))
		for _, p := range s.Values {
			t.printf("  %s  %s\n", time.UnixMilli(p.Time).Format(layout), exact(p.Value))
		}
		for _, h := range s.Histograms {
			t.printf("  %s  %s\n", time.UnixMilli(h.Time).Format(layout), h.text(unitOfName(s.Metric["__name__"])))
		}
	}
}

package query

import (
	"context"
	"encoding/csv"
	"io"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/query/chart"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

// maxRows bounds the height of a picture that nobody asked for.
const maxRows = 30

// queryRange asks of a range of time and draws it.
func queryRange(ctx context.Context, t *term.Terminal, s *client.Server, expr string, f *queryFlags) error {
	columns, rows := t.Size()
	c := chart.Chart{Width: columns, Height: min(rows-1, maxRows), Color: t.Color} // a row for the prompt
	if f.width > 0 {
		c.Width = f.width
	}
	if f.height > 0 {
		c.Height = f.height
	}
	c.Width, c.Height = max(c.Width, chart.MinWidth), max(c.Height, chart.MinHeight)
	w, err := newWindow(f.span, f.step, f.end, time.Now(), min(2*c.Width, maxPoints-1))
	if err != nil {
		return err
	}
	cl, err := s.Dial()
	if err != nil {
		return err
	}
	form := url.Values{
		"query": {expr}, "start": {promTime(w.from)}, "end": {promTime(w.to)},
		"step": {strconv.FormatFloat(w.step.Seconds(), 'f', -1, 64)},
	}
	a, raw, err := askProm(ctx, cl, "/api/v1/query_range", form)
	if err != nil || f.json {
		return t.OrJSON(raw, err)
	}
	remarks(t, a)
	series, err := a.series()
	if err != nil {
		return err
	}
	drawn := slices.DeleteFunc(slices.Clone(series), func(s promSeries) bool { return len(s.Values) == 0 && len(s.Histograms) > 0 })
	if n := len(series) - len(drawn); n > 0 {
		t.Notef("%d of the series hold only native histograms, which are not shown here: ask for histogram_quantile(0.9, …)\n", n)
	}
	if f.csv {
		return writeCSV(t.Out, drawn)
	}
	if len(series) == 0 {
		t.Printf("no series between %s and %s\n", w.from.Format(time.RFC3339), w.to.Format(time.RFC3339))
		return nil
	}
	c.From, c.To, c.Step = w.from.Local(), w.to.Local(), w.step
	t.Printf("%s", drawRange(c, drawn, expr))
	return nil
}

// drawRange draws the series under names that tell them apart.
func drawRange(c chart.Chart, series []promSeries, expr string) string {
	sets := splitLabels(series)
	if len(sets.common) > 0 {
		c.Title = promLabels(sets.common)
	}
	c.Unit = unitOf(expr)
	var lines []chart.Series
	for _, s := range series {
		if name := s.Metric["__name__"]; name != "" {
			c.Unit = unitOfName(name)
		}
		one := chart.Series{Name: sets.own(s.Metric)}
		for _, p := range s.Values {
			one.Points = append(one.Points, chart.Point(p))
		}
		lines = append(lines, one)
	}
	return c.Draw(lines)
}

// writeCSV writes each point as a line: its time in UTC, the labels, the value.
func writeCSV(w io.Writer, series []promSeries) error {
	// Nothing is common, so that every label has its column.
	sets := labelSets{names: splitLabels(series).names}
	for name := range splitLabels(series).common {
		sets.names = append(sets.names, name)
	}
	slices.Sort(sets.names)
	slices.SortStableFunc(series, func(a, b promSeries) int { return sets.compare(a.Metric, b.Metric) })
	out := csv.NewWriter(w)
	if err := out.Write(slices.Concat([]string{"time"}, sets.names, []string{"value"})); err != nil {
		return err
	}
	for _, s := range series {
		row := make([]string, len(sets.names)+2)
		for i, name := range sets.names {
			row[i+1] = s.Metric[name]
		}
		for _, p := range s.Values {
			row[0] = time.UnixMilli(p.Time).UTC().Format("2006-01-02T15:04:05.999Z07:00")
			row[len(row)-1] = exact(p.Value)
			if err := out.Write(row); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

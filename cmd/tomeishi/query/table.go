package query

import (
	"slices"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/query/chart"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

// vectorTable is a vector as rows of a table, and what all have in common. It
// is as wide as it has to be if width is 0.
func vectorTable(series []promSeries, expr string, width int) (common string, rows [][]string) {
	sets := splitLabels(series)
	if len(sets.common) > 0 {
		common = promLabels(sets.common)
	}
	if !keepsOrder(expr) {
		slices.SortStableFunc(series, func(a, b promSeries) int { return sets.compare(a.Metric, b.Metric) })
	}
	values := valueColumns(series, unitOf(expr))
	left := width
	for _, row := range values[:1] {
		left -= term.Columns(strings.Join(row, "  "))
	}
	labels := sets.table(series)
	if width > 0 && !narrow(labels, left) {
		labels = sets.column(series, left-2)
	}
	for i := range labels {
		rows = append(rows, append(labels[i], values[i]...))
	}
	return common, rows
}

// table has a column for each label that differs, under its name.
func (s labelSets) table(series []promSeries) [][]string {
	head := []string{}
	for _, name := range s.names {
		if name == "__name__" {
			name = "metric"
		}
		head = append(head, term.Line(name))
	}
	rows := [][]string{head}
	for _, one := range series {
		row := []string{}
		for _, name := range s.names {
			row = append(row, term.OrDash(term.Line(one.Metric[name])))
		}
		rows = append(rows, row)
	}
	return rows
}

// column has all labels that differ in one.
func (s labelSets) column(series []promSeries, width int) [][]string {
	rows := [][]string{{"labels"}}
	for _, one := range series {
		rows = append(rows, []string{term.Clip(s.own(one.Metric), max(width, minCell))})
	}
	return rows
}

// valueColumns are the values, and what they mean where that is known, all of
// one width.
func valueColumns(series []promSeries, unit chart.Unit) [][]string {
	rows := [][]string{{"VALUE"}}
	columns := 1
	for _, one := range series {
		row := one.text(unit)
		columns = max(columns, len(row))
		rows = append(rows, row)
	}
	for column := range columns {
		wide := 0
		for i := range rows {
			if len(rows[i]) == column {
				rows[i] = append(rows[i], "")
			}
			wide = max(wide, term.Columns(rows[i][column]))
		}
		for i := range rows {
			blank := strings.Repeat(" ", wide-term.Columns(rows[i][column]))
			if column == 0 {
				rows[i][column] = blank + rows[i][column]
			} else {
				rows[i][column] += blank
			}
		}
	}
	return rows
}

// text is the value of an instant, and what it means where that is known.
func (s promSeries) text(unit chart.Unit) []string {
	switch name := s.Metric["__name__"]; {
	case s.Histogram != nil:
		return []string{s.Histogram.text(unit)}
	case s.Value == nil:
		return []string{"-"}
	case isTime(name) && s.Value.Value > 1e8:
		at := time.UnixMilli(int64(s.Value.Value * 1e3))
		return []string{exact(s.Value.Value), term.When(at.Format(time.RFC3339Nano))}
	case name != "":
		unit = unitOfName(name)
	}
	text := exact(s.Value.Value)
	if readable := unit.Format(s.Value.Value); unit.Kind != chart.Plain && readable != text {
		return []string{text, readable}
	}
	return []string{text}
}

// minCell is how narrow a label's column may become.
const minCell = 6

// narrow clips the widest columns until all fit, two blanks after each, or says
// that they do not.
func narrow(rows [][]string, width int) bool {
	wide := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			wide[i] = max(wide[i], term.Columns(cell))
		}
	}
	total := 2 * len(wide)
	for _, w := range wide {
		total += w
	}
	for ; total > width; total-- {
		widest := 0
		for i := range wide {
			if wide[i] > wide[widest] {
				widest = i
			}
		}
		if len(wide) == 0 || wide[widest] <= minCell {
			return false
		}
		wide[widest]--
	}
	for _, row := range rows {
		for i := range row {
			row[i] = term.Clip(row[i], wide[i])
		}
	}
	return true
}

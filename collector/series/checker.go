package series

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/tomeishi/tomeishi/rules"
)

// names is which names of metrics and labels are valid: Prometheus's default.
const names = model.UTF8Validation

// maxErrors of one file are told; the rest is a number.
const maxErrors = 20

type checker struct{ parser parser.Parser }

// NewChecker makes the checker that reads expressions and rule files as the
// evaluation will.
func NewChecker() rules.Checker { return checker{boundedParser{newParser()}} }

// boundedParser refuses what nobody writes before Prometheus's parser reads it,
// whose time grows with the square of how deep an expression is nested.
type boundedParser struct{ parser.Parser }

// ParseExpr reads an expression.
func (p boundedParser) ParseExpr(text string) (parser.Expr, error) {
	if err := checkTokens(text); err != nil {
		return nil, err
	}
	return p.Parser.ParseExpr(text)
}

// Expr is the first error of an expression, and at which character it is.
func (c checker) Expr(text string) (offset int, err error) {
	_, err = c.parser.ParseExpr(text)
	if err == nil {
		return 0, nil
	}
	errs, ok := errors.AsType[parser.ParseErrors](err)
	if !ok || len(errs) == 0 {
		return 0, err
	}
	first := errs[0]
	start := min(max(int(first.PositionRange.Start), 0), len(text))
	return utf8.RuneCountInString(text[:start]), first.Err
}

// File is every error of a file, as Prometheus words them, in the order of
// their lines.
func (c checker) File(f rules.File) error {
	_, errs := parseRules(f, c.parser)
	if len(errs) == 0 {
		return nil
	}
	slices.SortFunc(errs, byPlace) // Prometheus goes over maps: its order is another each time
	var told strings.Builder
	for i, err := range errs {
		if i == maxErrors {
			fmt.Fprintf(&told, "\n… and %d more", len(errs)-i)
			break
		}
		if i > 0 {
			told.WriteByte('\n')
		}
		told.WriteString(err.Error())
	}
	return errors.New(told.String())
}

// parseRules reads a file of rules exactly as Prometheus does.
func parseRules(f rules.File, p parser.Parser) (*rulefmt.RuleGroups, []error) {
	return rulefmt.Parse(f.Text, false, names, p, slog.New(slog.DiscardHandler))
}

func byPlace(a, b error) int {
	ta, tb := a.Error(), b.Error()
	lineA, columnA := lineColumn(ta)
	lineB, columnB := lineColumn(tb)
	return cmp.Or(cmp.Compare(lineA, lineB), cmp.Compare(columnA, columnB), cmp.Compare(ta, tb))
}

// lineColumn is the line and column that an error of Prometheus's begins with, or
// zero: not every one has them.
func lineColumn(text string) (line, column int) {
	if n, _ := fmt.Sscanf(text, "%d:%d:", &line, &column); n != 2 {
		return 0, 0
	}
	return line, column
}

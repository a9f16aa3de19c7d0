// Package syntax reads expressions and rule files as the evaluation will, and
// runs none: it needs no disk, no series and no collector.
//
// It promises that what it accepts is what Prometheus's parser accepts, except
// for what is nested deeper than anybody writes.
package syntax

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

// Names is which names of metrics and labels are valid: Prometheus's default.
const Names = model.UTF8Validation

// maxErrors of one file are told; the rest is a number.
const maxErrors = 20

// maxTokens bounds how deep an expression can be nested: Go's stack, and with it
// the process, ends at a gigabyte.
const maxTokens = 10_000

type checker struct{ parser parser.Parser }

// NewChecker makes the checker that reads expressions and rule files as the
// evaluation will.
func NewChecker() rules.Checker { return checker{boundedParser{NewParser()}} }

// NewParser makes Prometheus's parser, as all here use it.
func NewParser() parser.Parser { return parser.NewParser(parser.Options{}) }

// boundedParser refuses what nobody writes before Prometheus's parser reads it,
// whose time grows with the square of how deep an expression is nested.
type boundedParser struct{ parser.Parser }

// ParseExpr reads an expression.
func (p boundedParser) ParseExpr(text string) (parser.Expr, error) {
	if err := CheckTokens(text); err != nil {
		return nil, err
	}
	return p.Parser.ParseExpr(text)
}

// CheckTokens refuses what nobody writes.
func CheckTokens(text string) error {
	var item parser.Item
	lexer := parser.Lex(text)
	for range maxTokens {
		lexer.NextItem(&item)
		if item.Typ == parser.EOF || item.Typ == parser.ERROR {
			return nil // the parser says it better
		}
	}
	return fmt.Errorf("the expression has more than %d words and signs", maxTokens)
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
	return utf8.RuneCountInString(text[:start]), explain(first.Err)
}

// File is every error of a file, as Prometheus words them, in the order of
// their lines.
func (c checker) File(f rules.File) error {
	_, errs := ParseRules(f, c.parser)
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

// ParseRules reads a file of rules exactly as Prometheus does.
func ParseRules(f rules.File, p parser.Parser) (*rulefmt.RuleGroups, []error) {
	return rulefmt.Parse(f.Text, false, Names, p, slog.New(slog.DiscardHandler))
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

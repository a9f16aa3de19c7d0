package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/query/chart"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

// promAnswer is Prometheus's answer to a query.
type promAnswer struct {
	Data struct {
		Type   string          `json:"resultType"`
		Result json.RawMessage `json:"result"`
	} `json:"data"`
	Warnings []string `json:"warnings"`
	Infos    []string `json:"infos"`
}

// promSeries is one series of an answer: of an instant or of a range.
type promSeries struct {
	Metric     map[string]string `json:"metric"`
	Value      *promSample       `json:"value"`
	Values     []promSample      `json:"values"`
	Histogram  *promHistogram    `json:"histogram"`
	Histograms []promHistogram   `json:"histograms"`
}

// promSample is [seconds, "value"].
type promSample chart.Point

// UnmarshalJSON reads a sample.
func (s *promSample) UnmarshalJSON(raw []byte) error {
	var text string
	if err := unmarshalPair(raw, &s.Time, &text); err != nil {
		return err
	}
	var err error
	s.Value, err = strconv.ParseFloat(text, 64)
	return err
}

// unmarshalPair reads [seconds, value].
func unmarshalPair(raw []byte, ms *int64, value any) error {
	pair := []any{new(float64), value}
	if err := json.Unmarshal(raw, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return fmt.Errorf("a sample of %d parts", len(pair))
	}
	*ms = int64(math.Round(*pair[0].(*float64) * 1e3))
	return nil
}

// askProm asks a path of Prometheus's API.
func askProm(ctx context.Context, c *client.Client, path string, form url.Values) (promAnswer, []byte, error) {
	expr := form.Get("query")
	form.Set("timeout", strconv.FormatFloat(c.Timeout.Seconds(), 'f', -1, 64))
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	body, err := c.Ask(ctx, path, form.Encode())
	if err != nil {
		return promAnswer{}, nil, withCaret(err, expr)
	}
	var out promAnswer
	if err := json.Unmarshal(body, &out); err != nil || out.Data.Type == "" {
		return promAnswer{}, nil, fmt.Errorf("the answer of %s is not a collector's", c.At)
	}
	return out, body, nil
}

// First asks how an instant vector begins; ok is false where there is no answer.
func First(ctx context.Context, c *client.Client, expr string) (labels map[string]string, value float64, ok bool) {
	a, _, err := askProm(ctx, c, "/api/v1/query", url.Values{"query": {expr}})
	if err != nil || a.Data.Type != "vector" {
		return nil, 0, false
	}
	series, err := a.series()
	if err != nil || len(series) == 0 || series[0].Value == nil {
		return nil, 0, false
	}
	return series[0].Metric, series[0].Value.Value, true
}

// series decodes the series of a vector or a matrix.
func (a promAnswer) series() ([]promSeries, error) {
	var out []promSeries
	if err := json.Unmarshal(a.Data.Result, &out); err != nil {
		return nil, fmt.Errorf("the answer cannot be read: %w", err)
	}
	return out, nil
}

// promPlace is where Prometheus says that an expression is wrong.
var promPlace = regexp.MustCompile(`\b(\d+):(\d+): parse error`)

// withCaret shows the place of an error in the expression.
func withCaret(err error, expr string) error {
	var refused *client.RefusedError
	if !errors.As(err, &refused) {
		return err
	}
	m := promPlace.FindStringSubmatchIndex(refused.Text)
	if m == nil {
		return err
	}
	row, _ := strconv.Atoi(refused.Text[m[2]:m[3]]) // digits, as the pattern says
	col, _ := strconv.Atoi(refused.Text[m[4]:m[5]])
	lines := strings.Split(expr, "\n")
	if row < 1 || row > len(lines) || col < 1 || col > len(lines[row-1])+1 {
		return err
	}
	text := lines[row-1]
	var blank strings.Builder
	for _, r := range text[:col-1] {
		if r == '\t' {
			blank.WriteRune(r)
			continue
		}
		blank.WriteString(strings.Repeat(" ", term.Columns(term.Plain(string(r)))))
	}
	return fmt.Errorf("%s\n  %s\n  %s^", refused.Text[m[0]:], term.Line(text), blank.String())
}

// promTime is a time as Prometheus's API reads it.
func promTime(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1e3, 'f', 3, 64)
}

package series

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/rules"
)

// A unitFile is a file of Prometheus's unit tests for rules, as promtool reads
// it.
type unitFile struct {
	RuleFiles          []string       `yaml:"rule_files"`
	EvaluationInterval model.Duration `yaml:"evaluation_interval"`
	GroupEvalOrder     []string       `yaml:"group_eval_order"`
	Tests              []unitTest     `yaml:"tests"`
	FuzzyCompare       bool           `yaml:"fuzzy_compare"`
}

type unitTest struct {
	Name           string            `yaml:"name"`
	Interval       model.Duration    `yaml:"interval"`
	InputSeries    []unitSeries      `yaml:"input_series"`
	Alerts         []unitAlerts      `yaml:"alert_rule_test"`
	Exprs          []unitExpr        `yaml:"promql_expr_test"`
	ExternalLabels map[string]string `yaml:"external_labels"`
	ExternalURL    string            `yaml:"external_url"`
	Start          string            `yaml:"start_timestamp"`
}

type unitSeries struct {
	Series string `yaml:"series"`
	Values string `yaml:"values"`
}

type unitAlerts struct {
	EvalTime  model.Duration `yaml:"eval_time"`
	Alertname string         `yaml:"alertname"`
	Alerts    []struct {
		Labels      map[string]string `yaml:"exp_labels"`
		Annotations map[string]string `yaml:"exp_annotations"`
	} `yaml:"exp_alerts"`
}

type unitExpr struct {
	Expr     string         `yaml:"expr"`
	EvalTime model.Duration `yaml:"eval_time"`
	Samples  []struct {
		Labels    string  `yaml:"labels"`
		Value     float64 `yaml:"value"`
		Histogram string  `yaml:"histogram"`
	} `yaml:"exp_samples"`
}

func readUnitFile(path string) (f unitFile, files []rules.File, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return f, nil, err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		return f, nil, err
	}
	if f.EvaluationInterval == 0 {
		f.EvaluationInterval = model.Duration(time.Minute)
	}
	for _, name := range f.RuleFiles {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(path), name))
		if err != nil {
			return f, nil, err
		}
		files = append(files, rules.File{Name: name, Text: text})
	}
	return f, files, nil
}

// start is the time of the first sample.
func (u *unitTest) start() (time.Time, error) {
	if u.Start == "" {
		return time.Unix(0, 0).UTC(), nil
	}
	if seconds, err := strconv.ParseFloat(u.Start, 64); err == nil {
		return time.UnixMilli(int64(seconds * 1000)).UTC(), nil
	}
	return time.Parse(time.RFC3339, u.Start)
}

// length is how long the test goes on.
func (u *unitTest) length() (d time.Duration) {
	for _, a := range u.Alerts {
		d = max(d, time.Duration(a.EvalTime))
	}
	for _, e := range u.Exprs {
		d = max(d, time.Duration(e.EvalTime))
	}
	return d
}

// A unitSample is a sample to be appended.
type unitSample struct {
	labels labels.Labels
	at     time.Time
	value  parser.SequenceValue
}

// samples are those of all series, the earliest first.
func (u *unitTest) samples(p parser.Parser, interval time.Duration) (out []unitSample, err error) {
	start, err := u.start()
	if err != nil {
		return nil, err
	}
	for _, s := range u.InputSeries {
		ls, values, err := p.ParseSeriesDesc(s.Series + " " + s.Values)
		if err != nil {
			return nil, fmt.Errorf("series %s: %w", s.Series, err)
		}
		for i, v := range values {
			if !v.Omitted {
				out = append(out, unitSample{ls, start.Add(time.Duration(i) * interval), v})
			}
		}
	}
	slices.SortStableFunc(out, func(x, y unitSample) int { return x.at.Compare(y.at) })
	return out, nil
}

// told is an alert as text, to be compared.
func told(name string, ls, annotations map[string]string) string {
	all := map[string]string{"alertname": name}
	maps.Copy(all, ls)
	return labels.FromMap(all).String() + " " + labels.FromMap(annotations).String()
}

// sorted are texts in their order, one on each line.
func sorted(texts []string) string {
	slices.Sort(texts)
	return strings.Join(texts, "\n")
}

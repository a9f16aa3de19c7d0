package host

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/tomeishi/tomeishi/agent/report"
)

func TestWriteText(t *testing.T) {
	strange := "a\"b\\c\nd é/\uFFFD"
	series := []report.Series{
		{Name: "node_disk_io_now", Labels: labels("device", "sda")},
		{Name: "node_load1"},
		{Name: "node_disk_io_now", Labels: labels("device", strange)},
		{Name: "unheard_of"},
		{Name: "node_load5"},
		{Name: "node_disk_reads_completed_total", Labels: labels("device", "sda", "host", "own")},
	}
	frame := report.Frame{Time: 1, Values: []float64{1, math.Inf(1), 1.0 / 3, math.NaN(), report.Absent, 1e300}}
	var got strings.Builder
	if err := WriteText(&got, report.NewSchema(series), frame, labels("host", "h", "job", "node")); err != nil {
		t.Fatal(err)
	}
	want := `# HELP node_disk_io_now The number of I/Os currently in progress.
# TYPE node_disk_io_now gauge
node_disk_io_now{device="sda",host="h",job="node"} 1
node_disk_io_now{device="a\"b\\c\nd é/` + "\uFFFD" + `",host="h",job="node"} 0.3333333333333333
# HELP node_disk_reads_completed_total The total number of reads completed successfully.
# TYPE node_disk_reads_completed_total counter
node_disk_reads_completed_total{device="sda",host="own",job="node"} 1e+300
# HELP node_load1 1m load average.
# TYPE node_load1 gauge
node_load1{host="h",job="node"} +Inf
# TYPE unheard_of untyped
unheard_of{host="h",job="node"} NaN
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(got.String()))
	if err != nil {
		t.Fatal(err)
	}
	if v := families["node_disk_io_now"].GetMetric()[1].GetLabel()[0].GetValue(); v != strange {
		t.Errorf("read back %q, want %q", v, strange)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestWriteTextFails(t *testing.T) {
	schema := report.NewSchema([]report.Series{{Name: "node_load1"}})
	if err := WriteText(broken{}, schema, report.Frame{Values: []float64{1}}, nil); err == nil || err.Error() != "gone" {
		t.Errorf("error %v, want that of the writer", err)
	}
	if err := WriteText(&bytes.Buffer{}, schema, report.Frame{}, nil); err == nil {
		t.Error("a frame of another schema is written")
	}
}

// TestCatalog holds what is measured against report.Signals.
func TestCatalog(t *testing.T) {
	dir, _ := plant(t, full)
	m := start(t, planted(dir))
	m.clock.adjtimex = adjusted
	m.settle()
	schema, frame := m.Tick(m.now)
	var text bytes.Buffer
	if err := WriteText(&text, schema, frame, nil); err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(&text)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range report.Signals() {
		f := families[s.Name]
		if delete(families, s.Name); f == nil {
			if s.Name != "up" {
				t.Errorf("%s is in the catalog and not measured", s.Name)
			}
			continue
		}
		if kind := strings.ToLower(f.GetType().String()); kind != s.Type || f.GetHelp() != s.Help {
			t.Errorf("%s: a %s %q, the catalog says a %s %q", s.Name, kind, f.GetHelp(), s.Type, s.Help)
		}
	}
	for name := range families {
		t.Errorf("%s is measured and not in the catalog", name)
	}

	names := map[string]bool{}
	for _, s := range report.Signals() {
		names[s.Name] = true
	}
	here, _ := start(t, Options{}).Tick(m.now)
	for _, s := range here.Series() {
		if !names[s.Name] {
			t.Errorf("%s is measured here and not in the catalog", s.Name)
		}
	}
}

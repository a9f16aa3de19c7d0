package query

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/clitest"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/query/chart"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

// ranged is a series of values at every step; an empty one is absent.
func ranged(labels string, from, step int, values ...string) string {
	var samples []string
	for i, v := range values {
		if v != "" {
			samples = append(samples, fmt.Sprintf(`[%d,%q]`, from+i*step, v))
		}
	}
	return `{"metric":{` + labels + `},"values":[` + strings.Join(samples, ",") + `]}`
}

func matrix(series ...string) string {
	return `{"status":"success","data":{"resultType":"matrix","result":[` + strings.Join(series, ",") + `]}}`
}

func TestQueryRange(t *testing.T) {
	clitest.Chdir(t)
	t.Setenv("COLUMNS", "60")
	t.Setenv("LINES", "16")
	at := clitest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/query_range" || r.FormValue("query") != "x_bytes" || r.FormValue("start") != "1799999400.000" ||
			r.FormValue("end") != "1800000000.000" || r.FormValue("step") != "5" || r.FormValue("timeout") != "15" {
			t.Errorf("asked %s", r.URL)
		}
		_, _ = io.WriteString(w, matrix(
			ranged(`"__name__":"x_bytes","job":"n","i":"a"`, 1799999400, 300, "1024", "2048", "3072"),
			ranged(`"__name__":"x_bytes","job":"n","i":"b"`, 1799999400, 300, "0", "", "NaN"),
		))
	})
	args := []string{"query", "x_bytes", "--range", "10m", "--end", "1800000000", "--server", at}
	exit, out, stderr := runTest(t, args...)
	if exit != term.Done || stderr != "" {
		t.Fatalf("exit %d, said %q", exit, stderr)
	}
	for _, want := range []string{
		", every 5s   x_bytes{job=", "\n3 KiB ┤", "\n** {i=\"a\"}  last 3 KiB  min 1 KiB  max 3 KiB\n", "\n++ {i=\"b\"}  last   NaN  min   0 B  max   0 B\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if rows := strings.Count(out, "\n"); rows != 15 {
		t.Errorf("%d rows, want one less than the terminal has:\n%s", rows, out)
	}
	exit, out, _ = runTest(t, append(args, "--csv")...)
	want := `time,__name__,i,job,value
2027-01-15T07:50:00Z,x_bytes,a,n,1024
2027-01-15T07:55:00Z,x_bytes,a,n,2048
2027-01-15T08:00:00Z,x_bytes,a,n,3072
2027-01-15T07:50:00Z,x_bytes,b,n,0
2027-01-15T08:00:00Z,x_bytes,b,n,NaN
`
	if d := cmp.Diff(out, want); exit != term.Done || d != "" {
		t.Errorf("--csv: exit %d\n%s", exit, d)
	}
	exit, out, _ = runTest(t, append(args, "--width", "20", "--height", "5", "--step", "5s")...)
	if rows := strings.Split(strings.TrimSuffix(out, "\n"), "\n"); exit != term.Done || len(rows) != 5 || term.Columns(rows[0]) > 20 {
		t.Errorf("20 by 5: exit %d\n%s", exit, out)
	}
	if exit, out, _ := runTest(t, append(args, "--json")...); exit != term.Done || !strings.HasPrefix(out, "{\n") {
		t.Errorf("--json: exit %d, output %s", exit, out)
	}
}

func TestQueryRangeEmpty(t *testing.T) {
	clitest.Chdir(t)
	at := clitest.Serve(t, clitest.Says(200, matrix()))
	if exit, out, _ := runTest(t, "query", "x", "--range", "1h", "--server", at); exit != term.Done || !strings.HasPrefix(out, "no series between ") {
		t.Errorf("exit %d, output %q", exit, out)
	}
	if exit, out, _ := runTest(t, "query", "x", "--range", "1h", "--csv", "--server", at); exit != term.Done || out != "time,value\n" {
		t.Errorf("--csv: exit %d, output %q", exit, out)
	}
	at = clitest.Serve(t, clitest.Says(200, matrix(`{"metric":{},"histograms":[[1800000000,{"count":"1","sum":"1"}]]}`)))
	exit, out, stderr := runTest(t, "query", "x", "--range", "1h", "--server", at)
	if exit != term.Done || !strings.Contains(stderr, "1 of the series hold only native histograms") || !strings.Contains(out, "nothing to draw") {
		t.Errorf("histograms: exit %d, output %q, said %q", exit, out, stderr)
	}
}

// The units are of the names that came back, else of those that were asked for.
func TestDrawRangeUnit(t *testing.T) {
	from := time.Unix(1_800_000_000, 0).UTC()
	c := chart.Chart{From: from, To: from.Add(time.Minute), Step: 30 * time.Second, Width: 60, Height: 12}
	for _, tt := range []struct{ name, expr, want string }{
		{"lag_seconds", `{__name__=~"lag_.*"}`, "last 250 ms"},
		{"", "rate(sent_bytes_total[1m])", "last 0.25 B/s"},
		{"", "100 * x", "last 0.25 %"},
	} {
		s := promSeries{Metric: map[string]string{}}
		if tt.name != "" {
			s.Metric["__name__"] = tt.name
		}
		for i := range 3 {
			s.Values = append(s.Values, promSample{Time: from.UnixMilli() + int64(i)*30_000, Value: 0.25})
		}
		if got := drawRange(c, []promSeries{s}, tt.expr); !strings.Contains(got, tt.want) {
			t.Errorf("%s: no %q in\n%s", tt.expr, tt.want, got)
		}
	}
}

// A query of the largest size is drawn soon.
func TestDrawRangeLarge(t *testing.T) {
	from := time.Unix(1_800_000_000, 0).UTC()
	var series []promSeries
	for i := range 20 {
		s := promSeries{Metric: map[string]string{"instance": strconv.Itoa(i)}}
		for j := range maxPoints {
			s.Values = append(s.Values, promSample{Time: from.UnixMilli() + int64(j)*1000, Value: float64((i * j) % 977)})
		}
		series = append(series, s)
	}
	c := chart.Chart{From: from, To: from.Add(maxPoints * time.Second), Step: time.Second, Width: 200, Height: 60}
	began := time.Now()
	got := drawRange(c, series, "x")
	if took := time.Since(began); took > 10*time.Second || strings.Count(got, "\n") != 60 {
		t.Errorf("%d rows in %s", strings.Count(got, "\n"), took)
	}
}

package query

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/clitest"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

func runTest(t *testing.T, args ...string) (exit int, stdout, stderr string) {
	t.Helper()
	return clitest.Run(t.Context(), Commands, args...)
}

func vector(series ...string) string {
	return `{"status":"success","data":{"resultType":"vector","result":[` + strings.Join(series, ",") + `]}}`
}

func instant(labels, value string) string {
	return fmt.Sprintf(`{"metric":{%s},"value":[1800000000,%q]}`, labels, value)
}

const nativeHistogram = `{"metric":{"__name__":"lag_seconds"},"histogram":[1800000000,{"count":"12","sum":"3","buckets":[[0,"0.125","0.25","5"],[0,"0.25","0.5","7"]]}]}`

func TestQueryInstant(t *testing.T) {
	clitest.Chdir(t)
	disk := func(device, mount, value string) string {
		return instant(`"__name__":"fs_bytes","job":"node","device":"`+device+`","mountpoint":"`+mount+`"`, value)
	}
	for name, tt := range map[string]struct {
		expr, answer, want string
	}{
		"none":           {"up", vector(), "no series\n"},
		"scalar":         {"1", `{"status":"success","data":{"resultType":"scalar","result":[1,"0.30000000000000004"]}}`, "0.30000000000000004\n"},
		"string":         {`"x"`, `{"status":"success","data":{"resultType":"string","result":[1,"a\u001b[2J b"]}}`, `a\x1b[2J b` + "\n"},
		"one":            {"up", vector(instant(`"__name__":"up","job":"node","instance":"a\"b"`, "1")), `up{instance="a\"b", job="node"}  1` + "\n"},
		"nothing shared": {"sum(x)", vector(instant("", "12345678901")), "{}  12345678901\n"},
		"table": {"fs_bytes", vector(disk("sda10", "/data", "16654315520"), disk("sda2", "/", "1023"), disk("sda10", "", "NaN")), `
fs_bytes{job="node"}
device  mountpoint        VALUE
sda2    /                  1023  1023 B
sda10   -                   NaN
sda10   /data       16654315520  15.5 GiB
`},
		"names": {`{job="x"}`, vector(instant(`"__name__":"b","job":"x"`, "+Inf"), instant(`"__name__":"a_seconds","job":"x"`, "0.25")), `
{job="x"}
metric     VALUE
a_seconds   0.25  250 ms
b           +Inf
`},
		"order":     {"sort_desc(x)", vector(instant(`"a":"1"`, "3"), instant(`"a":"0"`, "2")), "a  VALUE\n1      3\n0      2\n"},
		"wide":      {"x", vector(instant(`"名":"取引所"`, "1"), instant(`"名":"店"`, "22")), "名      VALUE\n取引所      1\n店         22\n"},
		"hostile":   {"x", vector(instant(`"a":"\u001b[31m\n"`, "1"), instant(`"a":"b"`, "2")), "a          VALUE\n\\x1b[31m       1\nb              2\n"},
		"histogram": {"lag_seconds", vector(nativeHistogram), "lag_seconds  histogram: 12 values, sum 3 s, mean 250 ms, from 125 ms to 500 ms in 2 buckets\n"},
		"matrix": {
			"x[5s]", `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"x"},"values":[[1800000000.5,"1"],[1800000001,"NaN"]]}]}}`,
			"x\n  " + time.UnixMilli(1800000000500).Format("2006-01-02 15:04:05.000Z07:00") + "  1\n  " + time.UnixMilli(1800000001000).Format("2006-01-02 15:04:05.000Z07:00") + "  NaN\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			at := clitest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet || r.URL.Path != "/api/v1/query" || r.FormValue("query") != tt.expr {
					t.Errorf("asked %s %s for %q", r.Method, r.URL.Path, r.FormValue("query"))
				}
				_, _ = io.WriteString(w, tt.answer)
			})
			exit, out, stderr := runTest(t, "query", tt.expr, "--server", at)
			if d := cmp.Diff(out, strings.TrimPrefix(tt.want, "\n")); exit != term.Done || d != "" || stderr != "" {
				t.Errorf("exit %d, said %q:\n%s", exit, stderr, d)
			}
			if exit, out, _ := runTest(t, "query", tt.expr, "--server", at, "--json"); exit != term.Done || !strings.HasPrefix(out, "{\n  \"status\": \"success\"") {
				t.Errorf("--json: exit %d, output %s", exit, out)
			}
		})
	}
}

// A table that is too wide loses the middle of its widest columns, and then its
// columns.
func TestVectorTableNarrow(t *testing.T) {
	series := func() (out []promSeries) {
		for i := range 2 {
			s := promSeries{Metric: map[string]string{}, Value: &promSample{Value: float64(i)}}
			for name, value := range map[string]string{"a": "short", "b": "/very/long/path/to/a/place/", "c": "host.of.an.example.com:"} {
				s.Metric[name] = fmt.Sprint(value, i)
			}
			out = append(out, s)
		}
		return out
	}
	for width, want := range map[int]string{
		80: "a       b                             c                         VALUE\n",
		50: "a       b                 c                  VALUE\n",
		24: "labels             VALUE\n",
		5:  "labels  VALUE\n",
	} {
		var out strings.Builder
		screen := term.New(nil, &out, &out)
		_, rows := vectorTable(series(), "x", width)
		screen.Table(rows...)
		head, _, _ := strings.Cut(out.String(), "\n")
		if head+"\n" != want {
			t.Errorf("%d columns:\n%swant\n%s", width, out.String(), want)
		}
		for row := range strings.SplitSeq(out.String(), "\n") {
			if n := term.Columns(row); n > max(width, 14) {
				t.Errorf("%d columns: %q has %d", width, row, n)
			}
		}
	}
}

func TestNatural(t *testing.T) {
	for _, tt := range [][2]string{{"cpu2", "cpu10"}, {"", "a"}, {"a", "b"}, {"a1b2", "a1b10"}, {"2", "10"}, {"a", "a1"}, {"02", "3"}} {
		if natural(tt[0], tt[1]) >= 0 || natural(tt[1], tt[0]) <= 0 || natural(tt[0], tt[0]) != 0 {
			t.Errorf("%q is not before %q", tt[0], tt[1])
		}
	}
}

func TestQueryErrors(t *testing.T) {
	clitest.Chdir(t)
	problem := func(code int, kind, text string) http.HandlerFunc {
		return clitest.Says(code, fmt.Sprintf(`{"status":"error","errorType":%q,"error":%q}`, kind, text))
	}
	for name, tt := range map[string]struct {
		expr   string
		server http.HandlerFunc
		want   string
	}{
		"caret": {
			"rate(x[5m]) sum", problem(400, "bad_data", `invalid parameter "query": 1:13: parse error: unexpected <aggr:sum>`),
			"tomeishi query: 1:13: parse error: unexpected <aggr:sum>\n  rate(x[5m]) sum\n              ^\n",
		},
		"caret at the end":        {"sum(", problem(400, "bad_data", `1:5: parse error: unclosed left parenthesis`), "  sum(\n      ^\n"},
		"caret in a later line":   {"up\n\tand )", problem(400, "bad_data", `2:6: parse error: no`), "  \tand )\n  \t    ^\n"},
		"caret after wide text":   {`{a="取"} )`, problem(400, "bad_data", `1:10: parse error: no`), "  {a=\"取\"} )\n          ^\n"},
		"no such place":           {"up", problem(400, "bad_data", `9:9: parse error: no`), "tomeishi query: 9:9: parse error: no\n"},
		"in the middle of a rune": {`取`, problem(400, "bad_data", `1:3: parse error: no`), "parse error: no\n"},
		"too much":                {"up", problem(422, "execution", "query processing would load too many samples into memory"), "too many samples"},
		"timeout":                 {"up", problem(503, "timeout", "query timed out in expression evaluation"), "query timed out"},
		"not a collector":         {"up", clitest.Says(200, "<html>"), "is not a collector's"},
		"another API":             {"up", clitest.Says(200, "{}"), "is not a collector's"},
		"odd sample":              {"up", clitest.Says(200, vector(`{"metric":{},"value":[1]}`)), "the answer cannot be read"},
		"no number":               {"up", clitest.Says(200, vector(instant("", "x"))), "the answer cannot be read"},
		"silence":                 {"up", clitest.Silent, "no answer within 300ms"},
		"half":                    {"up", clitest.Half, "closed in the middle"},
	} {
		t.Run(name, func(t *testing.T) {
			exit, out, stderr := runTest(t, "query", tt.expr, "--server", clitest.Serve(t, tt.server), "--timeout", "300ms")
			if exit != term.Failed || out != "" || !strings.Contains(stderr, tt.want) || strings.Contains(stderr, "NOT KNOWN") {
				t.Errorf("exit %d, output %q, said %q, want %q", exit, out, stderr, tt.want)
			}
		})
	}
}

func TestQueryUsage(t *testing.T) {
	clitest.Chdir(t)
	for _, tt := range []struct{ args, want string }{
		{"", "EXPR is missing"},
		{"up down", `"down" is one argument too many`},
		{" --range 1h", "EXPR is missing"},
		{"up --step 5s", "--step and --end belong to --range"},
		{"up --end now", "--step and --end belong to --range"},
		{"up --csv", "--csv belongs to --range"},
		{"up --range 1h --time now", "--time is for an instant"},
		{"up --range 1h --csv --json", "choose --csv or --json"},
		{"up --range 1h --width -1", "numbers of columns and rows"},
		{"up --range soon", "--range takes a duration"},
		{"up --range 1h --step 1ms", "use --step 1s or longer"},
		{"up --time soon", "--time takes a time"},
	} {
		args := append([]string{"query"}, strings.Fields(tt.args)...)
		if exit, out, stderr := runTest(t, args...); exit != term.Usage || out != "" || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: exit %d, output %q, said %q, want %q", tt.args, exit, out, stderr, tt.want)
		}
	}
	if exit, _, stderr := runTest(t, "query", " "); exit != term.Usage || !strings.Contains(stderr, "EXPR is empty") {
		t.Errorf("exit %d, said %q", exit, stderr)
	}
}

// A long expression goes in a form, and remarks go beside the answer.
func TestQueryForm(t *testing.T) {
	clitest.Chdir(t)
	expr := strings.Repeat("up or ", 2000) + "up"
	at := clitest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.PostFormValue("query") != expr || r.URL.RawQuery != "" {
			t.Errorf("%s %s: %d bytes", r.Method, r.URL, len(r.PostFormValue("query")))
		}
		_, _ = io.WriteString(w, `{"status":"success","warnings":["some\nwarning"],"infos":["metric might not be a counter"],"data":{"resultType":"vector","result":[]}}`)
	})
	exit, out, stderr := runTest(t, "query", expr, "--server", at)
	if exit != term.Done || out != "no series\n" || stderr != "warning: some warning\ninfo: metric might not be a counter\n" {
		t.Errorf("exit %d, output %q, said %q", exit, out, stderr)
	}
}

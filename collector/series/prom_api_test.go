package series

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// filledStore has two agents that measured for two minutes, and a metric by
// remote write.
func filledStore(t testing.TB, change ...func(*Options)) (*running, time.Time) {
	t.Helper()
	j := new(journal)
	r := open(t, t.TempDir(), j, 0, change...).run()
	at := now()
	for i := range 120 {
		when := at.Add(time.Duration(i-119) * time.Second)
		for k, name := range []string{"web1", "web2"} {
			h := newHost(name, gauges("node_load", 2)...)
			j.add(entry.KindSamples, when, h.body(frame(when, float64(i), float64(k))))
		}
	}
	r.settle()
	w := r.request(http.MethodPost, "/api/v1/write", type2, request2(series1(named("pushed", "job", "batch"), point1(at, 5))))
	if w.Code != http.StatusNoContent {
		t.Fatalf("remote write: %d %s", w.Code, w.Body)
	}
	return r.settle(), at
}

// TestGrafana makes the requests that Grafana's Prometheus data source makes,
// and looks at what the answers are made of.
func TestGrafana(t *testing.T) {
	r, at := filledStore(t)
	sec := func(d time.Duration) string { return fmt.Sprintf("%d", at.Add(d).Unix()) }
	form := url.Values.Encode
	for _, c := range []struct {
		name, method, path string
		values             url.Values
		want               []string
	}{
		{"health", "POST", "query", url.Values{"query": {"1+1"}, "time": {sec(0)}}, []string{`"resultType":"scalar"`, `"2"]`}},
		{"build", "GET", "status/buildinfo", nil, []string{`"version":"` + compatible + `"`, `"revision":"tomeishi"`, `"branch":"test"`}},
		{"range", "POST", "query_range", url.Values{
			"query": {`node_load{n="000"}`}, "start": {sec(-time.Minute)}, "end": {sec(0)}, "step": {"15"},
		}, []string{`"resultType":"matrix"`, `"instance":"web1"`, `"59"]`, `"119"]]`}},
		{"range by GET", "GET", "query_range", url.Values{
			"query": {`sum(node_load)`}, "start": {sec(-time.Minute)}, "end": {sec(0)}, "step": {"30s"}, "timeout": {"10s"},
		}, []string{`"metric":{}`, `"239"]`}},
		{"instant", "GET", "query", url.Values{"query": {`pushed`}, "time": {sec(10 * time.Second)}}, []string{`"resultType":"vector"`, `"__name__":"pushed"`, `"5"]`}},
		{"instant without time", "POST", "query", url.Values{"query": {"vector(7)"}}, []string{`"7"]`}},
		{"labels", "POST", "labels", url.Values{"start": {sec(-time.Minute)}, "end": {sec(0)}}, []string{`["__name__","instance","job","n"]`}},
		{"labels of a metric", "GET", "labels", url.Values{"match[]": {"pushed"}}, []string{`["__name__","job"]`}},
		{"metrics", "GET", "label/__name__/values", url.Values{"start": {sec(-time.Minute)}, "end": {sec(0)}, "limit": {"40000"}}, []string{`["node_load","pushed"]`}},
		{"values of a metric's label", "GET", "label/instance/values", url.Values{"match[]": {`node_load{n="001"}`}}, []string{`["web1","web2"]`}},
		{"series", "POST", "series", url.Values{"match[]": {"pushed", `node_load{instance="web2"}`}}, []string{`"job":"batch"`, `"n":"001"`}},
		{"metadata", "GET", "metadata", url.Values{"limit": {"5000"}, "limit_per_metric": {"1"}}, []string{`"pushed":[{"type":"gauge","help":"what it is","unit":""}]`, `"up":[{`}},
		{"metadata of one", "GET", "metadata", url.Values{"metric": {"pushed"}}, []string{`"data":{"pushed":[{"type":"gauge"`}},
		{"metadata of none", "GET", "metadata", url.Values{"metric": {"nothing"}}, []string{`"data":{}`}},
		{"format", "POST", "format_query", url.Values{"query": {"sum by(a)(b)"}}, []string{`"sum by (a) (b)"`}},
		{"parse", "POST", "parse_query", url.Values{"query": {"a+1"}}, []string{`"type":"binaryExpr"`}},
		{"exemplars", "POST", "query_exemplars", url.Values{"query": {"pushed"}, "start": {sec(-time.Hour)}, "end": {sec(0)}}, []string{`"data":[]`}},
		{"alertmanagers", "GET", "alertmanagers", nil, []string{`"activeAlertmanagers":[]`}},
		{"targets' metadata", "GET", "targets/metadata", nil, []string{`"data":[]`}},
		{"notifications", "GET", "notifications", nil, []string{`"data":[]`}},
		{"runtime", "GET", "status/runtimeinfo", nil, []string{`"storageRetention":"15d"`, `"serverTime":`}},
		{"the TSDB", "GET", "status/tsdb", url.Values{"limit": {"3"}}, []string{`"numSeries":5`, `"name":"node_load","value":4`}},
		{"flags", "GET", "status/flags", nil, []string{`"data":{}`}},
		{"config", "GET", "status/config", nil, []string{`"yaml":`}},
		{"targets", "GET", "targets", url.Values{"state": {"active"}}, []string{`"activeTargets":[]`}},
		{"scrape pools", "GET", "scrape_pools", nil, []string{`"scrapePools":[]`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path, body, kind := "/api/v1/"+c.path, []byte(nil), ""
			if c.method == "GET" {
				path += "?" + form(c.values)
			} else {
				body, kind = []byte(form(c.values)), "application/x-www-form-urlencoded"
			}
			w := r.request(c.method, path, kind, body)
			var answer struct {
				Status string
				Data   json.RawMessage
			}
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 || answer.Status != "success" {
				t.Fatalf("answered %d %s", w.Code, w.Body)
			}
			if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
				t.Errorf("it is %q", got)
			}
			for _, want := range c.want {
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("lacks %s: %s", want, w.Body)
				}
			}
		})
	}
}

// TestBadQueries has what is wrong, too much, or not offered.
func TestBadQueries(t *testing.T) {
	r, at := filledStore(t, func(o *Options) { o.maxHeld = 100_000 })
	year := url.Values{"start": {fmt.Sprint(at.AddDate(-1, 0, 0).Unix())}, "end": {fmt.Sprint(at.Unix())}}
	with := func(v url.Values, more ...string) url.Values {
		out := url.Values{}
		maps.Copy(out, v)
		for i := 0; i < len(more); i += 2 {
			out[more[i]] = append(out[more[i]], more[i+1])
		}
		return out
	}
	deep := func(n int) string { return strings.Repeat("(", n) + "1" + strings.Repeat(")", n) }
	for _, c := range []struct {
		name, path string
		values     url.Values
		code       int
		says       string
	}{
		{"nonsense", "query", url.Values{"query": {"sum(("}}, 400, "parse error"},
		{"no query", "query", nil, 400, "no expression found"},
		{"no step", "query_range", with(year, "query", "up"), 400, "step"},
		{"a second for a year", "query_range", with(year, "query", "up", "step", "1"), 400, "11,000 points"},
		{"everything for a year", "query_range", with(year, "query", `{__name__=~".+"}`, "step", "1h"), 200, ""},
		{"everything for a year, in memory", "query", url.Values{"query": {`count_over_time(vector(1)[1y:1m])`}}, 422, "too many samples"},
		{"all memory", "query", url.Values{"query": {`count_over_time(vector(1)[1y:1ms])`}}, 400, "a subquery has"},
		{"all memory, nested", "query", url.Values{"query": {`max_over_time(count_over_time(vector(1)[1m:1s])[1y:1h])`}}, 400, "a subquery has"},
		{"all memory, more than can be counted", "query", url.Values{"query": {`max_over_time(max_over_time(up[280y:1s])[280y:1s])`}}, 400, "a subquery has"},
		{"all memory, a range", "query_range", with(year, "query", `max_over_time(up[1m:1s])`, "step", "1h"), 400, "a subquery has"},
		{"all memory, by labels", "query", url.Values{"query": {
			strings.Repeat("label_replace(", 5) + "pushed" + strings.Repeat(`,"job","`+strings.Repeat("$1", 100)+`","job","(.*)")`, 5),
		}}, 400, "times as long"},
		{"all memory, by joined labels", "query", url.Values{"query": {
			strings.Repeat("label_join(", 40) + "pushed" + strings.Repeat(`,"job","","job","job")`, 40),
		}}, 400, "times as long"},
		{"labels replaced twice", "query", url.Values{"query": {
			strings.Repeat("label_replace(", 2) + "pushed" + strings.Repeat(`,"job","$1-$2","job","(.)(.*)")`, 2),
		}}, 200, ""},
		{"a subquery without step", "query", url.Values{"query": {`max_over_time(pushed[1h:])`}}, 200, ""},
		{"takes too long", "query", url.Values{"query": {`sum_over_time(node_load[1d:1s])`}, "timeout": {"0.000001"}}, 503, "timed out"},
		{"nested 4,000 deep", "query", url.Values{"query": {deep(4000)}}, 200, ""},
		{"a sum of 2,000", "query", url.Values{"query": {"1" + strings.Repeat("+1", 2000)}}, 200, ""},
		{"nested 100,000 deep", "query", url.Values{"query": {deep(100_000)}}, 400, "10000 words and signs"},
		{"a long sum", "query", url.Values{"query": {"1" + strings.Repeat("+1", 200_000)}}, 400, "10000 words and signs"},
		{"many minuses", "format_query", url.Values{"query": {strings.Repeat("-", 500_000) + "1"}}, 400, "10000 words and signs"},
		{"a long matcher", "series", url.Values{"match[]": {`up{a=~"` + strings.Repeat("x|", 100_000) + `"}`}}, 200, ""},
		{"matches everything", "series", url.Values{"match[]": {`{a=~".*"}`}}, 400, "at least one non-empty matcher"},
		{"two megabytes", "query", url.Values{"query": {strings.Repeat(" ", 2<<20)}}, 413, "larger than 1048576 bytes"},
		{"a bad limit", "labels", url.Values{"limit": {"-7"}}, 400, "limit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := r.request("POST", "/api/v1/"+c.path, "application/x-www-form-urlencoded", []byte(c.values.Encode()))
			var answer struct{ Status, ErrorType, Error string }
			err := json.Unmarshal(w.Body.Bytes(), &answer)
			if w.Code != c.code || err != nil || !strings.Contains(answer.Error, c.says) || (answer.Status == "error") != (c.code != 200) {
				t.Errorf("answered %d %.300s, want %d with %q", w.Code, w.Body, c.code, c.says)
			}
		})
	}
	for _, c := range []struct{ method, path string }{
		{"POST", "admin/tsdb/delete_series"},
		{"POST", "admin/tsdb/snapshot"},
		{"POST", "read"},
		{"POST", "otlp/v1/metrics"},
		{"GET", "rules"},
		{"GET", "alerts"},
		{"GET", "search/metric_names"},
		{"OPTIONS", "query"},
	} {
		if w := r.request(c.method, "/api/v1/"+c.path, "", nil); w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s %s is answered %d: not ours to answer", c.method, c.path, w.Code)
		}
	}
}

// TestBusy has as many queries as may run at once, and one more.
func TestBusy(t *testing.T) {
	r, _ := filledStore(t)
	for range cap(r.queries.running) {
		r.queries.running <- struct{}{}
	}
	for range maxWaiting {
		r.queries.waiting <- struct{}{}
	}
	w := r.request("GET", "/api/v1/query?query=1", "", nil)
	if w.Code != 503 || !strings.Contains(w.Body.String(), `"errorType":"unavailable"`) || w.Header().Get("Retry-After") == "" {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if w := r.request("GET", "/api/v1/status/buildinfo", "", nil); w.Code != 200 {
		t.Errorf("what costs nothing is answered %d", w.Code)
	}
	if got := r.met.busy.Get(); got != 1 {
		t.Errorf("%d are counted", got)
	}
	<-r.queries.waiting
	go func() { <-r.queries.running }()
	if w := r.request("GET", "/api/v1/query?query=1", "", nil); w.Code != 200 {
		t.Errorf("when there is room: %d %s", w.Code, w.Body)
	}
}

// TestSlowReader has clients that do not read their answers: the others are
// not kept waiting.
func TestSlowReader(t *testing.T) {
	r, at := filledStore(t)
	release := make(chan struct{})
	defer close(release)
	path := fmt.Sprintf("/api/v1/query_range?query=node_load&start=%d&end=%d&step=1", at.Unix()-60, at.Unix())
	begun := make(chan struct{}, 100)
	mux := http.NewServeMux()
	r.Register(mux)
	for range 2 * cap(r.queries.running) {
		go mux.ServeHTTP(&stuckWriter{httptest.NewRecorder(), begun, release}, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
	}
	for range 2 * cap(r.queries.running) {
		<-begun
	}
	if w := r.request("GET", path, "", nil); w.Code != 200 {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}

type stuckWriter struct {
	http.ResponseWriter
	begun, release chan struct{}
}

func (w *stuckWriter) Write(b []byte) (int, error) {
	w.begun <- struct{}{}
	<-w.release
	return len(b), nil
}

// TestPrometheusClient uses Prometheus's own library over a connection.
func TestPrometheusClient(t *testing.T) {
	r, at := filledStore(t)
	mux := http.NewServeMux()
	r.Register(mux)
	server := httptest.NewServer(mux)
	defer server.Close()
	client, err := api.NewClient(api.Config{Address: server.URL})
	must(t, err)
	c, ctx := promv1.NewAPI(client), t.Context()

	value, warnings, _, err := c.Query(ctx, `node_load{instance="web1",n="000"}`, at)
	if v, ok := value.(model.Vector); err != nil || len(warnings) > 0 || !ok || len(v) != 1 || v[0].Value != 119 {
		t.Errorf("query: %v %v %v", value, warnings, err)
	}
	value, _, _, err = c.QueryRange(ctx, "sum(rate(node_load[30s]))", promv1.Range{Start: at.Add(-time.Minute), End: at, Step: 10 * time.Second})
	if m, ok := value.(model.Matrix); err != nil || !ok || len(m) != 1 || len(m[0].Values) != 7 || m[0].Values[6].Value != 2 {
		t.Errorf("range: %v %v", value, err)
	}
	series, _, _, err := c.Series(ctx, []string{"node_load"}, at.Add(-time.Minute), at)
	if err != nil || len(series) != 4 {
		t.Errorf("series: %v %v", series, err)
	}
	names, _, _, err := c.LabelNames(ctx, nil, at.Add(-time.Minute), at)
	if err != nil || !slices.Contains(names, "instance") {
		t.Errorf("labels: %v %v", names, err)
	}
	values, _, _, err := c.LabelValues(ctx, "instance", []string{"node_load"}, at.Add(-time.Minute), at, promv1.WithLimit(1))
	if err != nil || len(values) != 1 {
		t.Errorf("values: %v %v", values, err)
	}
	metadata, err := c.Metadata(ctx, "pushed", "10")
	if err != nil || len(metadata["pushed"]) != 1 || metadata["pushed"][0].Type != promv1.MetricTypeGauge {
		t.Errorf("metadata: %v %v", metadata, err)
	}
	build, err := c.Buildinfo(ctx)
	if err != nil || build.Version != compatible {
		t.Errorf("build: %v %v", build, err)
	}
	tsdb, err := c.TSDB(ctx)
	if err != nil || tsdb.HeadStats.NumSeries != 5 {
		t.Errorf("tsdb: %+v %v", tsdb.HeadStats, err)
	}
	if _, err := c.Runtimeinfo(ctx); err != nil {
		t.Error(err)
	}
	if _, err := c.Targets(ctx); err != nil {
		t.Error(err)
	}
	_, _, _, err = c.Query(ctx, "sum((", at)
	if e, ok := errors.AsType[*promv1.Error](err); !ok || e.Type != promv1.ErrBadData {
		t.Errorf("a bad query: %v", err)
	}
	// The connection takes other requests afterwards, and large answers are
	// compressed.
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/api/v1/labels", nil)
	must(t, err)
	resp, err := server.Client().Do(req)
	must(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || !resp.Uncompressed || !bytes.Contains(body, []byte("instance")) {
		t.Errorf("answered %s, %v", body, err)
	}
}

// TestCatalog has the metadata of what agents measure.
func TestCatalog(t *testing.T) {
	r := open(t, t.TempDir(), new(journal), 0)
	all := r.families.all()
	for _, s := range report.Signals() {
		if got := all[s.Name]; got.Type != s.Type || got.Help != s.Help {
			t.Errorf("%s: %+v", s.Name, got)
		}
	}
	body := r.request("GET", "/api/v1/metadata?limit=1", "", nil).Body.String()
	if strings.Count(body, `"help"`) != 1 {
		t.Errorf("a limit of one: %s", body)
	}
	if w := r.request("GET", "/api/v1/metadata?limit=x", "", nil); w.Code != 400 {
		t.Errorf("a bad limit: %d", w.Code)
	}
}

package series

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang/snappy"
	remoteapi "github.com/prometheus/client_golang/exp/api/remote"
	configutil "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/metadata"
	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/storage/remote"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// client is Prometheus's own sender.
func client(t *testing.T, server string, message remoteapi.WriteMessageType) remote.WriteClient {
	t.Helper()
	u, err := url.Parse(server + "/api/v1/write")
	must(t, err)
	c, err := remote.NewWriteClient("test", &remote.ClientConfig{
		URL: &configutil.URL{URL: u}, Timeout: model.Duration(10 * time.Second), WriteProtoMsg: message, RetryOnRateLimit: true,
	})
	must(t, err)
	return c
}

// TestPrometheusSends has Prometheus's own sender speak both protocols.
func TestPrometheusSends(t *testing.T) {
	j := new(journal)
	r := open(t, t.TempDir(), j, 0).run().settle()
	mux := http.NewServeMux()
	r.Register(mux)
	server := httptest.NewServer(mux)
	defer server.Close()
	at := now()
	var series []prompb.TimeSeries
	for i := range 1000 {
		series = append(series, series1(named("sent", "n", string(rune('a'+i%26))+time.Duration(i).String()), point1(at, float64(i))))
	}
	one := client(t, server.URL, remoteapi.WriteV1MessageType)
	if _, err := one.Store(t.Context(), request1(series...), 0); err != nil {
		t.Fatal(err)
	}
	two := client(t, server.URL, remoteapi.WriteV2MessageType)
	for i := range series {
		series[i].Samples[0].Timestamp += 1000
	}
	stats, err := two.Store(t.Context(), request2(series...), 0)
	if err != nil || stats.Samples != 1000 || !stats.Confirmed {
		t.Fatalf("%+v, %v", stats, err)
	}
	if got := r.ask("sum(count_over_time(sent[1m]))", at.Add(2*time.Second)); !strings.HasPrefix(got, "{} => 2000 @") {
		t.Errorf("got %s", got)
	}
	// What is too old is not sent again, what was not stored is.
	bad := writeOne("sent", at.Add(-48*time.Hour), 1)
	if _, err := one.Store(t.Context(), bad, 0); err == nil || recoverable(err) || !strings.Contains(err.Error(), "too old") {
		t.Errorf("too old: %v", err)
	}
	for _, fail := range []error{entry.ErrFull, entry.ErrNotStored, entry.ErrUnknown} {
		j.fail = fail
		if _, err := one.Store(t.Context(), writeOne("sent", at, 1), 0); !recoverable(err) {
			t.Errorf("%v: %v", fail, err)
		}
	}
}

func recoverable(err error) bool {
	_, ok := errors.AsType[remote.RecoverableError](err)
	return ok
}

// TestMetadataOfProtocol1 comes in requests of its own, which change nothing.
func TestMetadataOfProtocol1(t *testing.T) {
	j := new(journal)
	r := open(t, t.TempDir(), j, 0).run().settle()
	raw, err := (&prompb.WriteRequest{Metadata: []prompb.MetricMetadata{
		{Type: prompb.MetricMetadata_COUNTER, MetricFamilyName: "orders_total", Help: "Orders so far.", Unit: "orders"},
		{Type: prompb.MetricMetadata_GAUGE, MetricFamilyName: strings.Repeat("x", 10_000), Help: "too long a name"},
		{Type: prompb.MetricMetadata_GAUGE, MetricFamilyName: "long", Help: strings.Repeat("ä", 10_000)},
	}}).Marshal()
	must(t, err)
	w := r.request(http.MethodPost, "/api/v1/write", type1, snappy.Encode(nil, raw))
	if w.Code != http.StatusNoContent || len(j.entries) != 0 {
		t.Errorf("answered %d %s, %d entries", w.Code, w.Body, len(j.entries))
	}
	all := r.families.all()
	if got, want := all["orders_total"], (family{"counter", "Orders so far.", "orders"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := len(all["long"].Help); got > maxHelp || got < maxHelp-4 {
		t.Errorf("a help of %d bytes is kept", got)
	}
	for i := range maxFamilies + 10 {
		r.families.learn("family_"+time.Duration(i).String(), familyOf("gauge"))
	}
	if got := len(r.families.known); got != maxFamilies {
		t.Errorf("%d families are kept, at most %d", got, maxFamilies)
	}
}

// TestTwoSources has an agent and a remote write sender claim one series: the
// first at a time counts.
func TestTwoSources(t *testing.T) {
	j := new(journal)
	r := open(t, t.TempDir(), j, 0).run()
	at := now()
	h := newHost("web1", gauges("g", 1)...)
	j.add(entry.KindSamples, at, h.body(frame(at, 1)))
	r.settle()
	same := func(v float64) []byte {
		return request1(series1(named("g", "instance", "web1", "job", "node", "n", "000"), point1(at, v)))
	}
	if w := r.request(http.MethodPost, "/api/v1/write", type1, same(1)); w.Code != 204 {
		t.Errorf("the same value: %d", w.Code)
	}
	if w := r.request(http.MethodPost, "/api/v1/write", type1, same(2)); w.Code != 400 {
		t.Errorf("another value: %d", w.Code)
	}
	if got := r.ask("g", at); !strings.Contains(got, "=> 1 ") || r.refused(reasonDuplicate) != 1 {
		t.Errorf("got %s, %d duplicates", got, r.refused(reasonDuplicate))
	}
}

func familyOf(kind model.MetricType) metadata.Metadata { return metadata.Metadata{Type: kind} }

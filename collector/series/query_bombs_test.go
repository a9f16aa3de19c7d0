package series

import (
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// bombs are queries that held gigabytes: each series of a result takes room for
// all its steps, however few points it has.
func bombs(at time.Time) []string {
	ask := func(query string, back time.Duration) string {
		return "/api/v1/query_range?" + url.Values{
			"query": {query}, "step": {"1"},
			"start": {fmt.Sprint(at.Add(-back).Unix())}, "end": {fmt.Sprint(at.Unix())},
		}.Encode()
	}
	return []string{
		ask(`count_values("v",{__name__=~".+"})`, 3*time.Hour),
		ask(`quantile_over_time(0.5,{__name__=~".+"}[30m:1s])`, 3*time.Hour),
		ask(`count_values("v",{__name__=~".+"})`, 10*time.Minute),
		ask(`quantile_over_time(0.5,{__name__=~".+"}[10m:1s])`, 10*time.Minute),
		"/api/v1/query?" + url.Values{"query": {`max_over_time(count_values("v",{__name__=~".+"})[3h:1s])`}}.Encode(),
		ask(`{__name__=~".+"}`, 10*time.Minute),
	}
}

// TestBombs asks for too much, many at once: each is refused or answered, and the
// process stays small and gives back what it took.
func TestBombs(t *testing.T) {
	j := new(journal)
	r := open(t, t.TempDir(), j, 0).run()
	at := now()
	const seconds, series = 600, 500
	h := newHost("web1", gauges("node_load", series)...)
	values := make([]float64, series)
	for i := range seconds {
		when := at.Add(time.Duration(i-seconds+1) * time.Second)
		for k := range values {
			values[k] = float64(i*series + k) // each another one
		}
		j.add(entry.KindSamples, when, h.body(frame(when, values...)))
	}
	r.settle()
	runtime.GC()
	before := held()
	most, look := before, make(chan struct{})
	var looking, asking sync.WaitGroup
	looking.Go(func() {
		for {
			select {
			case <-look:
				return
			case <-time.After(time.Millisecond):
				most = max(most, held())
			}
		}
	})
	for range 2 {
		for _, path := range bombs(at) {
			asking.Go(func() {
				w := r.request(http.MethodGet, path, "", nil)
				said := w.Body.String()
				t.Logf("%d %.200s", w.Code, said)
				if w.Code != http.StatusOK && !strings.Contains(said, "ask for") && !strings.Contains(said, "too many samples") {
					t.Errorf("%s: %d %.300s", path, w.Code, said)
				}
			})
		}
	}
	asking.Wait()
	close(look)
	looking.Wait()
	t.Logf("held %d MB before, %d MB at most", before>>20, most>>20)
	if took := most - before; took > 600<<20 {
		t.Errorf("queries took %d MB", took>>20)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if kept := m.HeapIdle - m.HeapReleased; kept > 200<<20 {
		t.Errorf("%d MB are kept", kept>>20)
	}
}

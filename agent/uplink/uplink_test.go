package uplink

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/agent/collectors"
	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/agent/spool"
)

// collector speaks the wire contract and keeps what it applied.
type collector struct {
	mu     sync.Mutex
	spools map[report.SpoolID]*stream
	ids    []string
	seen   map[string]bool // by event id: the collector's own deduplication
	all    chan struct{}   // closed when want ids are there
	want   int
	fault  func(blocks []report.Block, w http.ResponseWriter) (done, apply bool)
}

type stream struct {
	seq     uint64
	digests map[uint64][32]byte
}

func newCollector(want int) *collector {
	return &collector{spools: map[report.SpoolID]*stream{}, seen: map[string]bool{}, all: make(chan struct{}), want: want}
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if r.Header.Get("Content-Type") != report.BlocksType || r.URL.Path != "/v1/blocks" {
		http.Error(w, "wrong request", http.StatusTeapot)
		return
	}
	var blocks []report.Block
	for len(body) > 0 {
		var b report.Block
		if b, body, err = report.ReadBlock(body); err != nil {
			report.WriteJSON(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
			return
		}
		blocks = append(blocks, b)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fault != nil {
		done, apply := c.fault(blocks, w)
		if apply {
			c.apply(blocks)
		}
		if done {
			return
		}
	}
	through, ok := c.apply(blocks)
	if !ok {
		report.WriteJSON(w, http.StatusConflict, map[string]any{"error": "another history", "reason": "clone"})
		return
	}
	report.WriteJSON(w, http.StatusOK, map[string]any{"through": through})
}

func (c *collector) apply(blocks []report.Block) (through uint64, ok bool) {
	for _, b := range blocks {
		s := c.spools[b.Spool]
		if s == nil {
			s = &stream{digests: map[uint64][32]byte{}}
			c.spools[b.Spool] = s
		}
		d := b.Batch.Digest()
		if old, ok := s.digests[b.Seq]; ok && old != d {
			return s.seq, false
		}
		if prev, ok := s.digests[b.Seq-1]; ok && prev != b.Prev {
			return s.seq, false
		}
		through = s.seq
		if b.Seq <= s.seq {
			continue
		}
		s.seq, s.digests[b.Seq] = b.Seq, d
		through = s.seq
		r := b.Batch.Reader()
		for ev := (report.Event{}); r.Next(&ev); {
			if id := strings.Clone(ev.ID); !c.seen[id] {
				c.seen[id] = true
				c.ids = append(c.ids, id)
			}
		}
	}
	if len(c.ids) == c.want {
		close(c.all)
		c.want = -1
	}
	return through, true
}

// direct carries requests to a handler in memory, so that they work in a
// synctest bubble. A handler that panics is a cut connection.
type direct struct{ h map[string]http.Handler }

func (d direct) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		if recover() != nil {
			resp, err = nil, io.ErrUnexpectedEOF
		}
	}()
	w := httptest.NewRecorder()
	d.h[r.URL.Host].ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

type bench struct {
	q    *spool.Queue
	up   *Uplink
	stop func()
}

func start(t *testing.T, dir string, hosts map[string]http.Handler, urls ...string) *bench {
	t.Helper()
	return startOver(t, dir, direct{hosts}, urls...)
}

func startOver(t *testing.T, dir string, by http.RoundTripper, urls ...string) *bench {
	t.Helper()
	log, set := slog.New(slog.DiscardHandler), metrics.NewSet()
	q, err := spool.Open(dir, spool.Options{Agent: "a1", Segment: 8 << 10, Log: log, Metrics: set})
	if err != nil {
		t.Fatal(err)
	}
	up := New(q, collectors.New(urls, "secret", &http.Client{Transport: by}), log, set)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { up.Run(ctx) })
	stop := sync.OnceFunc(func() {
		cancel()
		wg.Wait()
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return &bench{q, up, stop}
}

func (b *bench) send(t *testing.T, id string) {
	t.Helper()
	var events report.Builder
	events.Add(&report.Event{ID: id, Source: "app", Type: "payout.sent", Seen: time.Now().UnixNano(), Data: []byte(`{}`)})
	if err := b.q.Append(t.Context(), &events); err != nil {
		t.Fatal(err)
	}
}

// TestFaults: whatever the collector does, events arrive once and in order.
func TestFaults(t *testing.T) {
	const n = 400
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(seed, 1))
				c := newCollector(n)
				c.fault = func(_ []report.Block, w http.ResponseWriter) (done, apply bool) {
					switch rnd.IntN(12) {
					case 0:
						w.Header().Set("Retry-After", "1")
						report.WriteJSON(w, http.StatusTooManyRequests, map[string]string{"error": "full"})
					case 1:
						report.WriteJSON(w, http.StatusServiceUnavailable, map[string]string{"error": "no leader"})
					case 2: // applied, and the answer says otherwise
						http.Error(w, "proxy error", http.StatusBadGateway)
						return true, true
					case 3: // applied, and the answer never comes
						panic(http.ErrAbortHandler)
					case 4:
						report.WriteJSON(w, http.StatusConflict, map[string]string{"error": "said at random", "reason": "clone"})
					case 5:
						http.Error(w, "a proxy's own 400", http.StatusBadRequest)
					case 6:
						_, _ = io.WriteString(w, `{"thro`)
						return true, true
					default:
						return false, false
					}
					return true, false
				}
				dir := filepath.Join(t.TempDir(), "spool")
				hosts := map[string]http.Handler{"c1": c, "c2": c}
				b := start(t, dir, hosts, "http://c1", "http://c2/")
				var want []string
				for i := range n {
					id := fmt.Sprint(i)
					want = append(want, id)
					b.send(t, id)
					if i%100 == 99 { // a restart now and then
						b.stop()
						b = start(t, dir, hosts, "http://c1", "http://c2/")
					}
				}
				<-c.all
				synctest.Wait()
				c.mu.Lock()
				defer c.mu.Unlock()
				if diff := cmp.Diff(want, c.ids); diff != "" {
					t.Error(diff)
				}
				b.stop()
			})
		})
	}
}

// TestCloneTakesANewID: a copy of the data directory goes on elsewhere.
func TestCloneTakesANewID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(3)
		hosts := map[string]http.Handler{"c1": c}
		b := start(t, filepath.Join(t.TempDir(), "spool"), hosts, "http://c1")
		old := b.q.ID()
		c.spools[old] = &stream{seq: 2, digests: map[uint64][32]byte{1: {1}, 2: {2}}}
		for i := range 3 {
			b.send(t, fmt.Sprint(i))
		}
		<-c.all
		synctest.Wait()
		if b.q.ID() == old || b.up.m.clones.Get() == 0 {
			t.Errorf("id %v, %d clones counted", b.q.ID(), b.up.m.clones.Get())
		}
		b.stop()
	})
}

// TestAcknowledgedTooFar: a collector that is ahead of the spool knows another
// history under its id, and must not make the spool drop anything.
func TestAcknowledgedTooFar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(2)
		b := start(t, filepath.Join(t.TempDir(), "spool"), map[string]http.Handler{"c1": c}, "http://c1")
		old := b.q.ID()
		c.mu.Lock()
		c.fault = func(blocks []report.Block, w http.ResponseWriter) (done, apply bool) {
			if blocks[0].Spool != old {
				return false, false
			}
			report.WriteJSON(w, http.StatusOK, map[string]any{"through": 1000})
			return true, false
		}
		c.mu.Unlock()
		b.send(t, "1")
		b.send(t, "2")
		<-c.all
		synctest.Wait()
		if diff := cmp.Diff([]string{"1", "2"}, c.ids); diff != "" {
			t.Error(diff)
		}
		b.stop()
	})
}

// TestRefusedBlockIsSetAside: only the block that a collector names.
func TestRefusedBlockIsSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(4)
		c.fault = func(blocks []report.Block, w http.ResponseWriter) (done, apply bool) {
			for i, b := range blocks {
				var ev report.Event
				if b.Batch.Reader().Next(&ev); ev.ID == "bad" {
					report.WriteJSON(w, http.StatusBadRequest, map[string]any{
						"error": "a time before the epoch", "field": fmt.Sprintf("[%d]", i), "reason": "blocks", "seq": b.Seq,
					})
					return true, false
				}
			}
			return false, false
		}
		dir := filepath.Join(t.TempDir(), "spool")
		c.mu.Lock() // hold the first answer until all wait
		b := start(t, dir, map[string]http.Handler{"c1": c}, "http://c1")
		for _, id := range []string{"1", "2", "bad", "3", "4"} {
			b.send(t, id)
		}
		c.mu.Unlock()
		<-c.all
		synctest.Wait()
		if diff := cmp.Diff([]string{"1", "2", "3", "4"}, c.ids); diff != "" {
			t.Error(diff)
		}
		if kept := refusedFiles(t, dir); len(kept) != 1 {
			t.Errorf("kept %q", kept)
		}
		b.stop()
	})
}

func refusedFiles(t *testing.T, dir string) []string {
	t.Helper()
	kept, err := filepath.Glob(filepath.Join(dir, "refused", "*.block"))
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

// TestGatewaysRefusal: what anything but a collector answers takes nothing out
// of the spool, and the next collector is asked.
func TestGatewaysRefusal(t *testing.T) {
	answers := []struct {
		status int
		body   string
	}{
		{400, `{"error": "Bad Request"}`},
		{400, `{"error": "Bad Request", "seq": 1}`},
		{400, `{"error": "no such block", "reason": "blocks", "seq": 77}`},
		{400, `{"error": "which?", "reason": "blocks"}`},
		{413, `{"error": "Payload Too Large"}`},
		{413, `{"error": "too large", "reason": "blocks", "seq": 1}`},
		{200, `<html>a login page</html>`},
		{200, `{}`},
		{200, ``},
		{302, ``},
		{401, `{"error": "who?"}`},
		{403, `{"error": "not from here"}`},
		{409, `{"error": "conflict"}`},
		{429, `{"error": "slow down"}`},
		{501, ``},
	}
	for _, said := range answers {
		t.Run(fmt.Sprint(said.status, said.body), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gateway := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Retry-After", "60")
					w.WriteHeader(said.status)
					_, _ = io.WriteString(w, said.body)
				})
				c, begin := newCollector(3), time.Now()
				dir := filepath.Join(t.TempDir(), "spool")
				b := start(t, dir, map[string]http.Handler{"gateway": gateway, "c1": c}, "http://gateway", "http://c1")
				for _, id := range []string{"1", "2", "3"} {
					b.send(t, id)
				}
				<-c.all
				synctest.Wait()
				if diff := cmp.Diff([]string{"1", "2", "3"}, c.ids); diff != "" {
					t.Error(diff)
				}
				if kept, took := refusedFiles(t, dir), time.Since(begin); len(kept) > 0 || took > time.Second {
					t.Errorf("refused %q, took %v", kept, took)
				}
				b.stop()
			})
		})
	}
}

// line carries so many bytes a second, as a proxy does that answers when it has
// all.
type line struct {
	bytesPerSecond int
	next           http.RoundTripper
}

func (l line) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(time.Duration(r.ContentLength) * time.Second / time.Duration(l.bytesPerSecond)):
		return l.next.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// TestSlowLine: a line on which a whole body never arrives in time carries
// smaller ones.
func TestSlowLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 40
		c := newCollector(n)
		dir := filepath.Join(t.TempDir(), "spool")
		b := startOver(t, dir, line{8 << 10, direct{map[string]http.Handler{"c1": c}}}, "http://c1")
		for i := range n {
			var events report.Builder
			size := 20 << 10
			if i == n/2 {
				size = 400 << 10 // one block that needs more than the usual time
			}
			events.Add(&report.Event{ID: fmt.Sprint(i), Source: "app", Type: "t", Seen: 1, Data: make([]byte, size)})
			if err := b.q.Append(t.Context(), &events); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case <-c.all:
		case <-time.After(time.Hour):
			c.mu.Lock()
			t.Errorf("%d of %d came in an hour", len(c.ids), n)
			c.mu.Unlock()
		}
		b.stop()
	})
}

// TestLeader: a follower's hint is followed if it is a collector of ours.
func TestLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(1)
		asked := make(map[string]int)
		follower := func(name, leader string) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				asked[name]++
				report.WriteJSON(w, http.StatusServiceUnavailable, map[string]string{"error": "not the leader", "leader": leader})
			})
		}
		hosts := map[string]http.Handler{
			"c1": follower("c1", "http://evil"), "c2": follower("c2", "c4"), "c3": follower("c3", ""), "c4": c,
		}
		b := start(t, filepath.Join(t.TempDir(), "spool"), hosts, "http://c1", "http://c2", "http://c3", "http://c4")
		b.send(t, "1")
		<-c.all
		synctest.Wait()
		if diff := cmp.Diff(map[string]int{"c1": 1, "c2": 1}, asked); diff != "" {
			t.Error(diff)
		}
		b.stop()
	})
}

func TestRetryAfterIsObeyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(1)
		var times []time.Time
		c.fault = func(_ []report.Block, w http.ResponseWriter) (done, apply bool) {
			times = append(times, time.Now())
			if len(times) > 1 {
				return false, false
			}
			w.Header().Set("Retry-After", "20")
			report.WriteJSON(w, http.StatusTooManyRequests, map[string]string{"error": "full"})
			return true, false
		}
		b := start(t, filepath.Join(t.TempDir(), "spool"), map[string]http.Handler{"c1": c}, "http://c1")
		b.send(t, "1")
		<-c.all
		if d := times[1].Sub(times[0]); d < 20*time.Second || d > 21*time.Second {
			t.Errorf("tried again after %v", d)
		}
		b.stop()
	})
}

// TestTold: the ledger time of a collector's last answer is known, and none of one that
// does not tell it.
func TestTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := []map[string]any{{"through": 1}, {"through": 2, "ledger": 7}, {"through": 3, "ledger": 9}}
		b := start(t, t.TempDir(), map[string]http.Handler{"c1": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			report.WriteJSON(w, http.StatusOK, answers[0])
			answers = answers[1:]
		})}, "http://c1")
		for i, want := range []int64{0, 7, 9} {
			b.send(t, fmt.Sprint(i))
			synctest.Wait()
			if got := b.up.Told(); got != want {
				t.Errorf("answer %d: told %d, want %d", i, got, want)
			}
		}
		b.stop()
	})
}

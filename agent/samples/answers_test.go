package samples

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

func TestAnswers(t *testing.T) {
	say := func(code int, body string, header ...string) func(http.ResponseWriter, *http.Request) (bool, bool) {
		return func(w http.ResponseWriter, _ *http.Request) (done, apply bool) {
			w.Header().Set("Content-Type", "application/json")
			if len(header) == 2 {
				w.Header().Set(header[0], header[1])
			}
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
			return true, false
		}
	}
	tests := []struct {
		name  string
		fault func(w http.ResponseWriter, r *http.Request) (done, apply bool)
		lost  bool
	}{
		{"refused", say(400, `{"error": "a time of 2200", "reason": "samples"}`), true},
		{"too large", say(413, `{"error": "too large", "reason": "samples"}`), true},
		{"damaged on the way", say(503, `{"error": "checksum"}`, "Retry-After", "1"), false},
		{"a gateway's 400", say(400, `{"status": 400, "error": "Bad Request"}`), false},
		{"a gateway's 413", say(413, `{"error": "Request Entity Too Large", "reason": "size"}`), false},
		{"a gateway's 500", say(500, `{"error": "?", "reason": "samples"}`), false},
		{"a proxy's 400", say(400, `<html>`), false},
		{"a 400 without a reason", say(400, `{}`), false},
		{"not allowed", say(403, `{"error": "this token is another agent's"}`), false},
		{"not found", say(404, `{"error": "no such path"}`), false},
		{"conflict", say(409, `{"error": "?", "reason": "clone"}`), false},
		{"base for ever", say(409, `{"error": "?", "reason": "base"}`), false},
		{"full", say(429, `{"error": "full"}`, "Retry-After", "2"), false},
		{"error", say(500, `{"error": "?"}`), false},
		{"follower", say(503, `{"error": "not the leader", "leader": "http://c2"}`), false},
		{"redirect", say(307, ``, "Location", "http://evil"), false},
		{"empty", say(200, ``), false},
		{"cut off", say(200, `{"through": 9`), false},
		{"no through", say(200, `{}`), false},
		{"through something older", say(200, `{"through": 5}`), false},
		{"cut connection", func(http.ResponseWriter, *http.Request) (bool, bool) { panic(http.ErrAbortHandler) }, false},
		{"applied and not said", func(w http.ResponseWriter, _ *http.Request) (bool, bool) {
			http.Error(w, "bad gateway", http.StatusBadGateway)
			return true, true
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCollector(t)
				l := start(t, ramDir(t), c)
				l.seconds(2)
				c.set(tt.fault)
				l.seconds(20)
				c.set(nil)
				l.seconds(20)
				missing := c.missing(t, l.added)
				if !tt.lost {
					if len(missing) != 0 || l.metric(`dropped_frames_total{reason="refused"}`) != "0" {
						t.Errorf("%d are missing", len(missing))
					}
				} else if len(missing) != 20 || l.metric(`dropped_frames_total{reason="refused"}`) != "20" {
					t.Errorf("%d are missing, %s were counted", len(missing), l.metric(`dropped_frames_total{reason="refused"}`))
				}
				if n := l.logs.count("level=WARN") + l.logs.count("level=ERROR"); n == 0 || n > 3 {
					t.Errorf("said %d times:\n%s", n, l.logs)
				}
				l.stop()
			})
		})
	}
}

// TestHangingCollector: requests end, do not pile up, and delay nobody.
func TestHangingCollector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(t)
		l := start(t, ramDir(t), c)
		l.seconds(2)
		var mu sync.Mutex
		var now, most int
		c.set(func(_ http.ResponseWriter, r *http.Request) (done, apply bool) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			<-r.Context().Done()
			mu.Lock()
			now--
			mu.Unlock()
			return true, false
		})
		for range 60 {
			begin := time.Now()
			l.add()
			if d := time.Since(begin); d != 0 {
				t.Errorf("Add took %v", d)
			}
			time.Sleep(time.Second)
		}
		mu.Lock()
		if most != 1 {
			t.Errorf("%d requests at once", most)
		}
		mu.Unlock()
		c.set(nil)
		l.seconds(15)
		if missing := c.missing(t, l.added); len(missing) != 0 {
			t.Errorf("%d are missing", len(missing))
		}
		l.stop()
	})
}

// TestFaults: whatever a collector does, every frame arrives, over restarts.
func TestFaults(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(seed, 1))
				c := newCollector(t)
				var mu sync.Mutex
				c.set(func(w http.ResponseWriter, r *http.Request) (done, apply bool) {
					mu.Lock()
					n := rnd.IntN(14)
					mu.Unlock()
					switch n {
					case 0:
						w.Header().Set("Retry-After", "1")
						report.WriteJSON(w, http.StatusTooManyRequests, map[string]string{"error": "full"})
					case 1:
						return down(w, r)
					case 2: // taken, and the answer says otherwise
						http.Error(w, "proxy error", http.StatusBadGateway)
						return true, true
					case 3:
						panic(http.ErrAbortHandler)
					case 4:
						report.WriteJSON(w, http.StatusConflict, map[string]string{"error": "said at random", "reason": "base"})
					case 5:
						http.Error(w, "a proxy's own 400", http.StatusBadRequest)
					case 6: // taken, and the answer never comes
						<-r.Context().Done()
						return true, true
					default:
						return false, false
					}
					return true, false
				})
				dir := ramDir(t)
				added := map[int64][]float64{}
				l := start(t, dir, c)
				for i := range 300 {
					l.seconds(1)
					if i%100 == 99 {
						l.stop()
						maps.Copy(added, l.added)
						l = start(t, dir, c)
					}
				}
				c.set(nil)
				l.seconds(90) // a chunk that failed waits for a minute
				if missing := c.missing(t, added); len(missing) != 0 {
					t.Errorf("%d are missing", len(missing))
				}
				l.stop()
			})
		})
	}
}

package samples

import (
	"io"
	"maps"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

// answering says something else to the samples that which picks.
func answering(t *testing.T, code int, body map[string]string, header http.Header, which func(*report.Samples) bool) func(http.ResponseWriter, *http.Request) (done, apply bool) {
	var decoder report.SampleDecoder
	return func(w http.ResponseWriter, r *http.Request) (done, apply bool) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s, err := decoder.Decode(raw)
		if err != nil {
			t.Error(err)
			return false, false
		}
		if !which(&s) {
			return false, false
		}
		maps.Copy(w.Header(), header)
		report.WriteJSON(w, code, body)
		return true, false
	}
}

func isLive(s *report.Samples) bool { return s.Sent != 0 }

// TestRetryAfter: a long one holds back what waited, never what is new.
func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, added, _ := left(t, 30)
		after := http.Header{"Retry-After": {"300"}}
		c := newCollector(t)
		c.set(answering(t, 503, map[string]string{"error": "later"}, after, func(*report.Samples) bool { return true }))
		l := start(t, dir, c)
		l.seconds(20)
		c.set(answering(t, 429, map[string]string{"error": "full"}, after, func(s *report.Samples) bool { return !isLive(s) }))
		l.seconds(10)
		if live, _ := c.took(); len(live) < 4 {
			t.Errorf("%d live frames in ten seconds", len(live))
		}
		c.set(nil)
		l.seconds(200)
		if _, late := c.took(); len(late) != 0 {
			t.Error("what waited came before its time")
		}
		l.seconds(150)
		if missing := append(c.missing(t, added), c.missing(t, l.added)...); len(missing) != 0 {
			t.Errorf("%d are missing", len(missing))
		}
		l.stop()
	})
}

// TestUnreadableChunk: it stands in no other's way, and is tried again.
func TestUnreadableChunk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, added, chunks := left(t, 140)
		newest := chunks[len(chunks)-1]
		raw, err := os.ReadFile(newest)
		if err != nil {
			t.Fatal(err)
		}
		c := newCollector(t)
		l := start(t, dir, c)
		replace(t, newest, func() error { return os.Mkdir(newest, 0o700) })
		l.seconds(10)
		if missing := c.missing(t, added); len(missing) != 140%chunkFrames {
			t.Errorf("%d are missing", len(missing))
		}
		replace(t, newest, func() error { return os.WriteFile(newest, raw, 0o600) })
		l.seconds(60)
		if missing := c.missing(t, added); len(missing) != 0 || l.metric("disk_errors_total") != "1" {
			t.Errorf("%d are missing, %s disk errors", len(missing), l.metric("disk_errors_total"))
		}
		l.stop()
	})
}

func replace(t *testing.T, file string, by func() error) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := by(); err != nil {
		t.Fatal(err)
	}
}

// TestChunkThatIsNotTaken: one that is always answered so waits on its own.
func TestChunkThatIsNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, added, _ := left(t, 140)
		var tries int
		c := newCollector(t)
		first := time.Now().Add(-time.Duration(140%chunkFrames) * time.Second).UnixMilli()
		c.set(answering(t, 403, map[string]string{"error": "not these"}, nil, func(s *report.Samples) bool {
			bad := !isLive(s) && s.Frames[0].Time >= first
			if bad {
				tries++
			}
			return bad
		}))
		l := start(t, dir, c)
		l.seconds(10)
		missing := c.missing(t, added)
		if len(missing) != 140%chunkFrames || len(l.files("*"+suffix)) != 1 {
			t.Errorf("%d are missing, %q wait", len(missing), l.files("*"+suffix))
		}
		l.seconds(600)
		synctest.Wait()
		if tries < 9 || tries > 11 {
			t.Errorf("tried %d times in ten minutes", tries)
		}
		c.set(nil)
		l.seconds(62)
		if missing := c.missing(t, added); len(missing) != 0 {
			t.Errorf("%d are missing", len(missing))
		}
		l.stop()
	})
}

// TestRefusedLive: a refusal is an answer, so what waited moves.
func TestRefusedLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, added, _ := left(t, 100)
		c := newCollector(t)
		c.set(answering(t, 400, map[string]string{"error": "the clock is wrong", "reason": "samples"}, nil, isLive))
		l := start(t, dir, c)
		l.seconds(10)
		if missing := c.missing(t, added); len(missing) != 0 {
			t.Errorf("%d are missing", len(missing))
		}
		if n := len(c.missing(t, l.added)); n != 10 {
			t.Errorf("%d live frames were refused", n)
		}
		l.stop()
	})
}

// TestStart: what an earlier run left waits for the first live frame.
func TestStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, added, _ := left(t, 100)
		c := newCollector(t)
		l := start(t, dir, c)
		time.Sleep(10 * time.Second)
		if live, late := c.took(); len(live)+len(late) != 0 {
			t.Errorf("%d live, %d late, before any frame", len(live), len(late))
		}
		l.seconds(10)
		if missing := c.missing(t, added); len(missing) != 0 {
			t.Errorf("%d are missing", len(missing))
		}
		if l.logs.count("again") != 0 {
			t.Errorf("said:\n%s", l.logs)
		}
		l.stop()
	})
}

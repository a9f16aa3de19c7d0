package samples

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/agent/collectors"
	"github.com/tomeishi/tomeishi/agent/report"
)

func TestLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(t)
		l := start(t, ramDir(t), c)
		l.seconds(10)
		live, late := c.took()
		if len(live) != 10 || len(late) != 0 || len(c.missing(t, l.added)) != 0 {
			t.Fatalf("%d live requests, %d late", len(live), len(late))
		}
		for i, r := range live {
			if r.sent != r.times[0] || r.at.UnixMilli() != r.sent || len(r.times) != 1 || r.lane != l.id {
				t.Errorf("request %d: %+v", i, r)
			}
			if i > 0 && r.size >= live[0].size {
				t.Errorf("request %d: %d bytes, the whole has %d", i, r.size, live[0].size)
			}
		}
		if diff := cmp.Diff([]report.Attr{{Name: "site", Value: "tokyo"}}, live[9].labels); diff != "" {
			t.Error(diff)
		}
		if got := l.metric(`sent_frames_total{when="live"}`); got != "10" {
			t.Errorf("%s frames counted", got)
		}
		if left := l.files("*" + suffix); len(left) != 0 {
			t.Errorf("wrote %q", left)
		}
		l.stop()
	})
}

// TestOutage: live frames first, then what waited, the newest first, paced.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(t)
		l := start(t, ramDir(t), c)
		l.seconds(3)
		c.set(down)
		l.seconds(605)
		if n := len(l.files("*" + suffix)); n < 19 || n > 21 {
			t.Errorf("%d files for ten minutes", n)
		}
		if n := l.logs.count("samples not delivered"); n < 9 || n > 11 {
			t.Errorf("said %d times in ten minutes:\n%s", n, l.logs)
		}
		c.set(nil)
		back := time.Now()
		l.seconds(60)
		if missing := c.missing(t, l.added); len(missing) != 0 {
			t.Errorf("%d frames are missing", len(missing))
		}
		live, late := c.took()
		first := live[3]
		if d := first.at.Sub(back); d > 6*time.Second {
			t.Errorf("sent again after %v", d)
		}
		if late[0].at.Before(first.at) {
			t.Error("what waited came before the newest")
		}
		for i, r := range late {
			if i > 0 && r.times[0] > late[i-1].times[0] {
				t.Errorf("request %d: older before newer", i)
			}
			if i > 0 && r.at.Sub(late[i-1].at) < backlogGap {
				t.Errorf("request %d: %v after the one before", i, r.at.Sub(late[i-1].at))
			}
		}
		for _, r := range live[4:] {
			if r.sent-r.times[0] > 100 {
				t.Errorf("a live frame of %d was sent at %d", r.times[0], r.sent)
			}
		}
		if left := l.files("*" + suffix); len(left) != 0 || l.metric("backlog_frames") != "0" || l.metric(`backlog_bytes{in="disk"}`) != "0" {
			t.Errorf("%q, %s frames are left", left, l.metric("backlog_frames"))
		}
		// Chunks between two live frames must not push its base out of the
		// collector's memory.
		if got := l.metric("whole_total"); got != "0" {
			t.Errorf("%s times sent whole", got)
		}
		if got := l.metric(`sent_frames_total{when="late"}`); got == "0" || l.metric("frames_total") != "668" {
			t.Errorf("late %s, all %s", got, l.metric("frames_total"))
		}
		l.stop()
	})
}

// TestRestarts: a stop loses nothing, a kill at most the newest chunk.
func TestRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(t)
		c.set(down)
		dir, copied := ramDir(t), ramDir(t)
		l := start(t, dir, c)
		l.seconds(100)
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil { // as a kill leaves it
			t.Fatal(err)
		}
		killed := l.added
		l.stop()
		c.set(nil)

		k := start(t, copied, c)
		id := k.id
		k.seconds(30)
		missing := c.missing(t, killed)
		if len(missing) == 0 || len(missing) > chunkFrames {
			t.Errorf("a kill lost %d frames", len(missing))
		}
		for _, at := range missing {
			if at <= missing[len(missing)-1]-chunkFrames*1000 {
				t.Error("a kill lost an old frame")
			}
		}
		k.stop()

		s := start(t, dir, c)
		if s.id != id {
			t.Error("the lane has another id")
		}
		s.seconds(30)
		if missing := c.missing(t, killed); len(missing) != 0 {
			t.Errorf("a stop lost %d frames", len(missing))
		}
		s.stop()
	})
}

// TestCollectorChanges: another one does not know what the frames build on.
func TestCollectorChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(t)
		l := start(t, ramDir(t), c)
		l.seconds(5)
		c.mu.Lock()
		c.decoder = new(report.SampleDecoder)
		c.mu.Unlock()
		l.seconds(5)
		live, late := c.took()
		if len(live) != 10 || len(late) != 0 || l.metric("whole_total") != "1" {
			t.Errorf("%d live, %d late, %s times whole", len(live), len(late), l.metric("whole_total"))
		}
		if live[5].at.UnixMilli() != live[5].times[0] || live[5].size <= live[4].size || live[6].size >= live[5].size {
			t.Errorf("%+v", live[5:7])
		}
		l.stop()
	})
}

// TestOverHTTP: a real server, whose connections are used again.
func TestOverHTTP(t *testing.T) {
	c := newCollector(t)
	c.set(down)
	var dialed atomic.Int32
	srv := httptest.NewUnstartedServer(c)
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			dialed.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	client, err := collectors.Client("")
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	l := start(t, ramDir(t), http.NotFoundHandler(), func(o *Options) {
		urls := []string{srv.URL}
		o.Live, o.Backlog = collectors.New(urls, "secret", client), collectors.New(urls, "secret", client)
	})
	first := time.Now().Add(-time.Minute)
	for i := range 2*chunkFrames + 1 {
		l.add(first.Add(time.Duration(i) * time.Second))
	}
	for len(c.missing(t, l.added)) > 0 {
		c.set(nil)
		l.add()
		time.Sleep(10 * time.Millisecond)
	}
	l.stop()
	if live, late := c.took(); len(live) < 1 || len(late) < 2 || dialed.Load() > 2 {
		t.Errorf("%d live, %d late, over %d connections", len(live), len(late), dialed.Load())
	}
}

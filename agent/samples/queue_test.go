package samples

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

func TestBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(t)
		c.set(down)
		const most = 60 << 10
		l := start(t, ramDir(t), c, func(o *Options) { o.Max = most })
		for range 600 {
			l.seconds(1)
			synctest.Wait()
			if used := l.used(); used > most {
				t.Fatalf("%d bytes on disk", used)
			}
		}
		c.set(nil)
		l.seconds(30)
		missing := c.missing(t, l.added)
		if len(missing) < 100 || len(missing) > 500 || l.metric(`dropped_frames_total{reason="room"}`) != fmt.Sprint(len(missing)) {
			t.Errorf("%d are missing, %s were counted", len(missing), l.metric(`dropped_frames_total{reason="room"}`))
		}
		if newest := missing[len(missing)-1]; newest-missing[0] != int64(len(missing)-1)*1000 {
			t.Error("others than the oldest were dropped")
		}
		l.stop()
	})
}

// TestLowerBound: one that was lowered holds from the start.
func TestLowerBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(t)
		c.set(down)
		dir := ramDir(t)
		l := start(t, dir, c)
		l.seconds(300)
		l.stop()
		const most = 60 << 10
		if used := l.used(); used <= most {
			t.Fatalf("%d bytes to begin with", used)
		}
		l = start(t, dir, c, func(o *Options) { o.Max = most })
		synctest.Wait()
		if used := l.used(); used > most || used < most/2 {
			t.Errorf("%d bytes are left", used)
		}
		l.stop()
	})
}

// TestClockSteps: time goes back, and ahead again; each frame goes at once.
func TestClockSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(t)
		l := start(t, ramDir(t), c)
		at := func(steps ...time.Duration) {
			for _, step := range steps {
				for range 5 {
					l.add(time.Now().Add(step))
					time.Sleep(time.Second)
				}
			}
		}
		at(0, -time.Hour, 0, time.Hour, 0)
		if live, late := c.took(); len(live) != 25 || len(late) != 0 || l.metric("whole_total") != "0" {
			t.Errorf("%d live, %d late, %s whole", len(live), len(late), l.metric("whole_total"))
		}
		// The same while frames have to wait.
		c.set(down)
		at(0, -time.Hour, 0, time.Hour, 0)
		c.set(nil)
		at(0, 0, 0)
		if missing := c.missing(t, l.added); len(missing) != 0 {
			t.Errorf("%d are missing", len(missing))
		}
		l.stop()
	})
}

func TestSameTimeCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(t)
		c.set(down)
		l := start(t, ramDir(t), c)
		for range 5 {
			l.add(time.UnixMilli(946684800000))
			time.Sleep(time.Second)
		}
		c.set(nil)
		l.seconds(10)
		if got := l.metric(`dropped_frames_total{reason="time"}`); got != "4" {
			t.Errorf("%s were dropped", got)
		}
		if missing := c.missing(t, l.added); len(missing) != 0 {
			t.Errorf("%d are missing", len(missing))
		}
		l.stop()
	})
}

// TestSchemaChanges: a disk comes and goes during an outage.
func TestSchemaChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(t)
		c.set(down)
		l := start(t, ramDir(t), c)
		for i := range 6 {
			l.schema = schema(40 + i%2)
			l.seconds(7)
		}
		c.set(nil)
		l.seconds(20)
		if missing := c.missing(t, l.added); len(missing) != 0 {
			t.Errorf("%d are missing", len(missing))
		}
		l.stop()
	})
}

// TestLargeChunk: one that is more than all that memory may hold is written
// and sent nevertheless.
func TestLargeChunk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(t)
		c.set(down)
		l := start(t, ramDir(t), c)
		l.schema = schema(report.MaxSeries)
		l.seconds(chunkFrames + 6)
		if used := l.used(); used < maxMemory {
			t.Fatalf("%d bytes on disk", used)
		}
		c.set(nil)
		l.seconds(20)
		if missing := c.missing(t, l.added); len(missing) != 0 {
			t.Errorf("%d are missing", len(missing))
		}
		l.stop()
	})
}

package notify_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/notify"
)

// beats counts the heartbeats that arrive.
type beats struct {
	*httptest.Server
	t      *testing.T
	mu     sync.Mutex
	n      int
	refuse func(n int) bool
}

func newBeats(t *testing.T) *beats {
	b := &beats{t: t}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close") // see bubble
		b.mu.Lock()
		defer b.mu.Unlock()
		if r.URL.Path != "/ping/s3cr3t" {
			b.t.Errorf("a heartbeat at %s", r.URL.Path)
		}
		if b.n++; b.refuse != nil && b.refuse(b.n) {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *beats) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.n
}

func (b *beats) every(every time.Duration) func(*notify.Options) {
	path := filepath.Join(b.t.TempDir(), "url")
	if err := os.WriteFile(path, []byte(b.URL+"/ping/s3cr3t\n"), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return func(o *notify.Options) { o.Heartbeat = notify.Heartbeat{URLFile: path, Every: every} }
}

// TestHeartbeat: while Watchdog stands, the heartbeat is sent as often as was
// asked for, and no receiver hears of Watchdog; when it ends, it stops, and
// nobody records any of it.
func TestHeartbeat(t *testing.T) {
	hook, beats := hookReceiver(t), newBeats(t)
	hook.once = true
	bubble(t, func(t *testing.T) {
		l := newLab(t, hookConfig(hook.URL, atOnce), beats.every(time.Minute))
		time.Sleep(time.Hour)
		if n := beats.count(); n != 0 {
			t.Errorf("%d heartbeats without Watchdog, which says that alerts travel", n)
		}
		watchdog := alert("a1", "Watchdog", "none", machine.Mark, machine.MarkBuiltIn)
		l.feed.tell(watchdog)
		time.Sleep(time.Hour)
		if n := beats.count(); n < 59 || n > 62 {
			t.Errorf("%d heartbeats in an hour, want one a minute", n)
		}
		if told, kept := l.book.told(), l.book.kept(); len(told)+len(kept) != 0 || len(hook.all()) != 0 {
			t.Errorf("people or the ledger were told of Watchdog: %+v %+v, %d messages", told, kept, len(hook.all()))
		}
		l.feed.tell(ended(watchdog))
		time.Sleep(time.Minute)
		n := beats.count()
		time.Sleep(time.Hour)
		if more := beats.count() - n; more != 0 {
			t.Errorf("%d heartbeats after Watchdog had ended", more)
		}
		l.feed.tell(alert("a2", "Watchdog", "none", machine.Mark, machine.MarkBuiltIn))
		within(t, time.Minute, "it goes on", func() bool { return beats.count() > n })
	})
}

// TestHeartbeatRefused: a heartbeat that is refused is tried again within its
// time, whoever watches over it fails meanwhile, and its URL is in no log.
func TestHeartbeatRefused(t *testing.T) {
	hook, beats := hookReceiver(t), newBeats(t)
	hook.once = true
	var out sync.Map
	beats.refuse = func(int) bool { _, refuse := out.Load("of order"); return refuse }
	out.Store("of order", true)
	bubble(t, func(t *testing.T) {
		l := newLab(t, hookConfig(hook.URL, atOnce), beats.every(time.Minute))
		l.feed.tell(alert("a1", "Watchdog", "none", machine.Mark, machine.MarkBuiltIn))
		within(t, 2*time.Minute, "it fails", func() bool { return len(l.n.Failing()) == 1 })
		if n := beats.count(); n < 3 {
			t.Errorf("tried %d times in %v", n, time.Minute)
		}
		out.Delete("of order")
		within(t, 2*time.Minute, "it works again", func() bool { return len(l.n.Failing()) == 0 })
		if text := l.log.String(); strings.Contains(text, "s3cr3t") {
			t.Errorf("the heartbeat's URL is in the log:\n%s", text)
		}
	})
}

// TestHeartbeatTooOften: what would be no heartbeat but a load is refused.
func TestHeartbeatTooOften(t *testing.T) {
	t.Parallel()
	o := notify.Options{Feed: newFeed(), Log: slog.New(slog.DiscardHandler)}
	newBeats(t).every(time.Second)(&o)
	if _, err := notify.New(o); err == nil || !strings.Contains(err.Error(), "heartbeat.every") {
		t.Errorf("got %v, want an error about heartbeat.every", err)
	}
}

// TestWatchdogByName: a receiver whose route names Watchdog is told of it.
func TestWatchdogByName(t *testing.T) {
	t.Parallel()
	hook, other := hookReceiver(t), hookReceiver(t)
	l := newLab(t, `
route:
  receiver: other
  group_wait: 0s
  group_interval: 100ms
  routes:
  - receiver: hook
    matchers: [alertname="Watchdog"]
receivers:
- name: other
  webhook_configs: [{url: "`+other.URL+`"}]
- name: hook
  webhook_configs: [{url: "`+hook.URL+`"}]
`)
	l.feed.tell(alert("a1", "Watchdog", "none", machine.Mark, machine.MarkBuiltIn))
	l.await(hook, "Watchdog")
	l.fence(other)
	if told(other, "Watchdog") != 0 {
		t.Error("the receiver that does not name Watchdog was told of it")
	}
}

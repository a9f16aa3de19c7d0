package notify_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/notify"
)

// sick is a receiver that is sick and one that is well; both are to be told of
// everything.
type sick struct {
	*lab
	sick, well *receiver[hookMessage]
	recovered  atomic.Bool
}

// newSick makes the receivers; what the sick one answers instead of well is
// answer, until it has recovered.
func newSick(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, n int) bool) *sick {
	s := &sick{sick: hookReceiver(t), well: hookReceiver(t)}
	s.sick.once, s.well.once = true, true
	s.sick.answer = func(w http.ResponseWriter, r *http.Request, n int) bool {
		return !s.recovered.Load() && answer(w, r, n)
	}
	return s
}

func (s *sick) start(t *testing.T) {
	s.lab = newLab(t, fmt.Sprintf(`
route:
  receiver: well
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1m
  routes:
  - receiver: sick
    continue: true
  - receiver: well
receivers:
- name: sick
  webhook_configs: [{url: %q, timeout: 1s}]
- name: well
  webhook_configs: [{url: %q}]
`, s.sick.URL, s.well.URL))
}

func (s *sick) failing() bool { return len(s.n.Failing()) > 0 }

// onlyFailure is the one receiver that fails, which is the sick one.
func (s *sick) onlyFailure() notify.Failure {
	s.t.Helper()
	failing := s.n.Failing()
	if len(failing) != 1 || failing[0].Receiver != "sick" || !strings.HasPrefix(failing[0].Integration, "webhook") || failing[0].Since.IsZero() {
		s.t.Fatalf("failing %+v, want the webhook of the receiver sick", failing)
	}
	if strings.Contains(failing[0].Error, s.sick.URL) || failing[0].Error == "" {
		s.t.Errorf("the error is empty or tells the URL, which is a secret: %q", failing[0].Error)
	}
	return failing[0]
}

// inLedger tells whether the ledger says that the sick receiver was told of an
// alert.
func (s *sick) inLedger(id string) bool {
	return slices.ContainsFunc(s.book.told(), func(t entry.Notification) bool {
		return t.Receiver == "sick" && slices.Contains(t.Alerts, id)
	})
}

func (s *sick) firstInLedger() bool { return s.inLedger("a1") }

// sameKey sees that every message of the alert had one groupKey.
func (s *sick) sameKey(name string) {
	s.t.Helper()
	keys := map[string]bool{}
	for _, m := range s.sick.all() {
		if m.M.names()[0] == name {
			keys[m.M.GroupKey] = true
		}
	}
	if len(keys) != 1 {
		s.t.Errorf("one group under the keys %v", keys)
	}
}

// TestHangs: a receiver that hangs delays nobody else, is said to fail after 30
// seconds, and is told once it answers.
func TestHangs(t *testing.T) {
	long(t)
	s := newSick(t, nil)
	s.sick.answer = func(w http.ResponseWriter, r *http.Request, n int) bool {
		return !s.recovered.Load() && s.sick.hang(w, r, n)
	}
	s.start(t)
	start := time.Now()
	for i := range 5 {
		name := fmt.Sprintf("Rule%d", i)
		s.feed.tell(alert(fmt.Sprintf("a%d", i), name, "critical"))
		s.await(s.well, name)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("the others were told after %v", took)
	}
	if s.failing() {
		t.Errorf("failing at once: %+v", s.n.Failing())
	}
	poll(t, "the receiver that hangs fails", s.failing)
	if f := s.onlyFailure(); time.Since(f.Since) < 25*time.Second {
		t.Errorf("failing %v, want since the first try", f)
	}
	if s.inLedger("a0") {
		t.Errorf("the ledger says that a receiver which hangs was told: %+v", s.book.told())
	}
	s.recovered.Store(true)
	poll(t, "the receiver is told", s.firstInLedger)
	poll(t, "nobody fails any more", func() bool { return !s.failing() })
}

// poll waits for what only a method tells.
func poll(t *testing.T, what string, ok func() bool) {
	t.Helper()
	over := time.After(2 * patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-over:
			t.Fatalf("waited %v in vain: %s", 2*patience, what)
		}
	}
}

// Test500: a receiver that answers 500 for an hour is tried again and again,
// delays nobody else, is said to fail after 30 seconds, and is told once it
// recovers, under one key and once.
func Test500(t *testing.T) {
	s := newSick(t, func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		http.Error(w, "out of order", http.StatusInternalServerError)
		return true
	})
	bubble(t, func(t *testing.T) {
		s.start(t)
		s.feed.tell(alert("a1", "PaidTwice", "critical"))
		within(t, time.Second, "the others are told", func() bool { return told(s.well, "PaidTwice") == 1 })
		if took := within(t, time.Minute, "it fails", s.failing); took < 29*time.Second || took > 45*time.Second {
			t.Errorf("said to fail after %v, want 30s", took)
		}
		if f := s.onlyFailure(); !strings.Contains(f.Error, "500") {
			t.Errorf("failing with %q, want 500 in it", f.Error)
		}
		time.Sleep(time.Hour)
		tries := len(s.sick.all())
		if tries < 60 || tries > 3600 {
			t.Errorf("tried %d times in an hour", tries)
		}
		since := s.onlyFailure().Since
		if f := time.Since(since); f < time.Hour {
			t.Errorf("failing for %v, want an hour", f)
		}
		s.feed.tell(alert("a2", "DiskLow", "critical"))
		within(t, time.Second, "the others are told", func() bool { return told(s.well, "DiskLow") == 1 })
		s.recovered.Store(true)
		within(t, time.Minute, "it is told", func() bool {
			return s.inLedger("a1") && s.inLedger("a2")
		})
		within(t, time.Minute, "nobody fails", func() bool { return !s.failing() })
		n := told(s.sick, "PaidTwice")
		time.Sleep(time.Hour)
		if again := told(s.sick, "PaidTwice") - n; again != 0 {
			t.Errorf("told %d times more in the next hour", again)
		}
		s.sameKey("PaidTwice")
	})
}

// Test429: a receiver that asks for a pause is told again when it is over, and
// not before.
func Test429(t *testing.T) {
	const pause = 100 * time.Second
	s := newSick(t, func(w http.ResponseWriter, _ *http.Request, n int) bool {
		if n > 1 {
			return false
		}
		w.Header().Set("Retry-After", "100")
		http.Error(w, "slow down", http.StatusTooManyRequests)
		return true
	})
	bubble(t, func(t *testing.T) {
		s.start(t)
		s.feed.tell(alert("a1", "PaidTwice", "critical"))
		within(t, time.Second, "the first try", func() bool { return len(s.sick.all()) == 1 })
		took := within(t, time.Hour, "it is told", func() bool { return len(s.sick.all()) >= 2 })
		if took < pause-time.Second || took > pause+time.Second {
			t.Errorf("told again after %v, want after %v, as it asked for", took, pause)
		}
		within(t, time.Second, "the ledger knows", s.firstInLedger)
		time.Sleep(time.Hour)
		if n := len(s.sick.all()); n != 2 {
			t.Errorf("asked %d times, want twice", n)
		}
		s.sameKey("PaidTwice")
	})
}

// TestClosesInTheMiddle: an answer that breaks off is no answer. Whether the
// receiver took the notification is not known, so it is told again, under the
// same key.
func TestClosesInTheMiddle(t *testing.T) {
	s := newSick(t, func(w http.ResponseWriter, _ *http.Request, n int) bool {
		if n <= 2 {
			closeInTheMiddle(w)
		}
		return n <= 2
	})
	bubble(t, func(t *testing.T) {
		s.start(t)
		s.feed.tell(alert("a1", "PaidTwice", "critical"))
		within(t, time.Minute, "it is told", s.firstInLedger)
		time.Sleep(time.Hour)
		all := s.sick.all()
		if len(all) != 3 {
			t.Fatalf("asked %d times, want 3", len(all))
		}
		if a, b := all[0].M, all[2].M; a.Status != b.Status || b.Alerts[0].Fingerprint != a.Alerts[0].Fingerprint {
			t.Errorf("told %+v, then %+v", a, b)
		}
		s.sameKey("PaidTwice")
	})
}

// TestPagerClosesInTheMiddle: the same for PagerDuty, whose dedup_key makes the
// second one no new incident.
func TestPagerClosesInTheMiddle(t *testing.T) {
	pager := pagerReceiver(t)
	pager.once = true
	pager.answer = func(w http.ResponseWriter, _ *http.Request, n int) bool {
		if n == 1 {
			closeInTheMiddle(w)
		}
		return n == 1
	}
	bubble(t, func(t *testing.T) {
		l := newLab(t, fmt.Sprintf(`
route:
  receiver: pager
%s
receivers:
- name: pager
  pagerduty_configs: [{routing_key: %q, url: %q, severity: critical}]
`, indent(atOnce), routingKey, pager.URL))
		l.feed.tell(alert("a1", "PaidTwice", "critical"))
		within(t, time.Minute, "it is told", func() bool { return len(l.book.told()) == 1 })
		all := pager.all()
		if len(all) != 2 {
			t.Fatalf("told %d times, want twice", len(all))
		}
		a, b := all[0].M, all[1].M
		if a.DedupKey != b.DedupKey || b.EventAction != "trigger" {
			t.Errorf("first %+v, then %+v", a, b)
		}
	})
}

// Test404: a receiver that refuses for good is not asked without pause. It is
// asked again with its group, fails meanwhile, and is told when it agrees.
func Test404(t *testing.T) {
	s := newSick(t, func(w http.ResponseWriter, r *http.Request, _ int) bool {
		http.NotFound(w, r)
		return true
	})
	bubble(t, func(t *testing.T) {
		s.start(t)
		s.feed.tell(alert("a1", "PaidTwice", "critical"))
		within(t, 2*time.Minute, "it fails", s.failing)
		if f := s.onlyFailure(); !strings.Contains(f.Error, "404") {
			t.Errorf("failing with %q, want 404 in it", f.Error)
		}
		time.Sleep(10 * time.Minute)
		if n := len(s.sick.all()); n < 8 || n > 100 {
			t.Errorf("asked %d times in ten minutes, want about every minute", n)
		}
		s.recovered.Store(true)
		within(t, time.Minute, "it is told", s.firstInLedger)
	})
}

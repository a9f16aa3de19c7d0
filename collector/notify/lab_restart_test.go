package notify_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/record"
)

// TestNotToldAgain: what the ledger says was told is not told again by a new
// notifier; what changed meanwhile is.
func TestNotToldAgain(t *testing.T) {
	t.Parallel()
	hook := hookReceiver(t)
	l := newLab(t, hookConfig(hook.URL, atOnce))
	a := alert("a1", "PaidTwice", "critical", "request", "r1")
	l.feed.tell(a)
	key := hook.next(1).M.GroupKey
	l.book.awaitTold(t, 1)

	for range 3 {
		l.restart()
		l.fence(hook)
	}
	if n := told(hook, "PaidTwice"); n != 1 {
		t.Errorf("told %d times over three restarts, want once", n)
	}

	l.stop()
	l.feed = l.feed.again()
	l.feed.tell(ended(a))
	l.start()
	for n := 1; ; n++ {
		if m := hook.next(n).M; m.GroupKey == key && m.Status == "resolved" {
			break
		}
	}
}

// TestToldWithoutLedger: a notification whose record did not reach the ledger is
// told again by the next notifier, under the same key: at least once.
func TestToldWithoutLedger(t *testing.T) {
	hook := hookReceiver(t)
	hook.once = true
	bubble(t, func(t *testing.T) {
		l := newLab(t, hookConfig(hook.URL, atOnce))
		l.book.refusing(func(entry.NotifyState) error { return entry.ErrNotStored })
		l.feed.tell(alert("a1", "PaidTwice", "critical"))
		within(t, time.Minute, "it is told", func() bool { return len(hook.all()) == 1 })
		l.stop()
		l.book.refusing(nil)
		l.restart()
		within(t, time.Minute, "it is told again, and the ledger knows", func() bool { return len(l.book.told()) == 1 })
		all := hook.all()
		if len(all) != 2 || all[0].M.GroupKey != all[1].M.GroupKey || all[1].M.names()[0] != "PaidTwice" {
			t.Errorf("told %+v", all)
		}
	})
}

// TestTold: the ledger learns whom people was told, of what, and when.
func TestTold(t *testing.T) {
	t.Parallel()
	hook := hookReceiver(t)
	l := newLab(t, hookConfig(hook.URL, soon))
	x, y := alert("a1", "PaidTwice", "critical", "request", "r1"), alert("a2", "PaidTwice", "critical", "request", "r2")
	x.Incident, y.Incident = "i7", "i7"
	l.feed.tell(x, y)
	hook.next(1)
	got := l.book.awaitTold(t, 1)[0]
	if got.Receiver != "hook" || got.Integration != "webhook[0]" && got.Integration != "webhook" || got.Firing != 2 || got.Resolved != 0 ||
		len(got.Alerts) != 2 || len(got.Incidents) != 1 || got.Incidents[0] != "i7" {
		t.Errorf("told %+v", got)
	}
	if at, sent := got.At, hook.all()[0].At.UnixNano(); at < sent {
		t.Errorf("told at %d, before the receiver had it at %d", at, sent)
	}
	l.feed.tell(ended(x))
	if got := l.book.awaitTold(t, 2)[1]; got.Firing != 1 || got.Resolved != 1 {
		t.Errorf("told %+v, want one that fires and one that has ended", got)
	}
}

// TestRefusedNote: a note that the ledger refuses for good keeps no other out
// of it.
func TestRefusedNote(t *testing.T) {
	t.Parallel()
	hook := hookReceiver(t)
	l := newLab(t, hookConfig(hook.URL, strings.Replace(atOnce, "[alertname]", "[alertname, request]", 1)))
	l.book.refusing(func(n entry.NotifyState) error {
		for _, k := range n.Kept {
			if strings.Contains(k.Key, "too long") {
				return &machine.Refusal{Reason: machine.Invalid, Field: "key", Why: record.New(record.BadNotifyRecord)}
			}
		}
		return nil
	})
	l.feed.tell(alert("a1", "Refused", "critical", "request", "too long"))
	l.await(hook, "Refused")
	l.feed.tell(alert("a2", "PaidTwice", "critical", "request", "r1"))
	l.await(hook, "PaidTwice")
	l.book.await(t, "the other notification in the ledger", func() bool {
		return slices.ContainsFunc(l.book.kept(), func(k entry.NotifyRecord) bool { return strings.Contains(k.Key, "PaidTwice") })
	})
	l.restart()
	l.fence(hook)
	if n := told(hook, "PaidTwice"); n != 1 {
		t.Errorf("told %d times over a restart, want once", n)
	}
}

package notify_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// hookConfig tells one webhook, with what is set of the route.
func hookConfig(url, route string) string {
	return fmt.Sprintf(`
route:
  receiver: hook
%s
receivers:
- name: hook
  webhook_configs: [{url: %q}]
`, indent(route), url)
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ")
}

// atOnce is a route that holds nothing back.
const atOnce = `
group_by: [alertname]
group_wait: 0s
group_interval: 100ms
repeat_interval: 4h`

// soon is a route that waits for what belongs together.
const soon = `
group_by: [alertname]
group_wait: 500ms
group_interval: 500ms
repeat_interval: 4h`

// fence tells of two more alerts, one after the other, and waits until both
// have arrived: what was told before them and was to arrive, has.
func (l *lab) fence(hook *receiver[hookMessage]) {
	l.t.Helper()
	for range 2 {
		name := fmt.Sprintf("Fence%d", len(hook.all()))
		l.feed.tell(alert("a-"+name, name, "info"))
		l.await(hook, name)
	}
}

// await waits until the webhook was told of an alert of that name.
func (l *lab) await(hook *receiver[hookMessage], name string) hookMessage {
	l.t.Helper()
	for n := 1; ; n++ {
		if m := hook.next(n).M; slices.Contains(m.names(), name) {
			return m
		}
	}
}

func told(hook *receiver[hookMessage], name string) (count int) {
	for _, m := range hook.all() {
		if slices.Contains(m.M.names(), name) {
			count++
		}
	}
	return count
}

// TestGrouping: what shares the labels of group_by is told together, once.
func TestGrouping(t *testing.T) {
	t.Parallel()
	hook := hookReceiver(t)
	l := newLab(t, hookConfig(hook.URL, soon))
	for i := range 5 {
		l.feed.tell(alert(fmt.Sprintf("a%d", i), "PaidTwice", "critical", "request", fmt.Sprintf("r%d", i)))
	}
	l.feed.tell(alert("b1", "DiskLow", "warning"))
	paid, disk := l.await(hook, "PaidTwice"), l.await(hook, "DiskLow")
	if len(paid.Alerts) != 5 || len(disk.Alerts) != 1 {
		t.Errorf("got groups of %d and %d alerts, want 5 and 1", len(paid.Alerts), len(disk.Alerts))
	}
	if paid.GroupLabels["alertname"] != "PaidTwice" || len(paid.GroupLabels) != 1 {
		t.Errorf("groupLabels %v", paid.GroupLabels)
	}
	if _, common := paid.CommonLabels["request"]; common || paid.CommonLabels["severity"] != "critical" {
		t.Errorf("commonLabels %v, want severity and not request, which differs", paid.CommonLabels)
	}
	if paid.GroupKey == disk.GroupKey {
		t.Errorf("two groups share the key %s", paid.GroupKey)
	}
	l.fence(hook)
	if n := told(hook, "PaidTwice"); n != 1 {
		t.Errorf("the group was told %d times, want once", n)
	}
}

// TestJoinsGroup: an alert that joins a group which was told is told with it,
// under the same key.
func TestJoinsGroup(t *testing.T) {
	t.Parallel()
	hook := hookReceiver(t)
	l := newLab(t, hookConfig(hook.URL, atOnce))
	l.feed.tell(alert("a1", "PaidTwice", "critical", "request", "r1"))
	first := hook.next(1).M
	l.feed.tell(alert("a2", "PaidTwice", "critical", "request", "r2"))
	second := hook.next(2).M
	if len(first.Alerts) != 1 || len(second.Alerts) != 2 || first.GroupKey != second.GroupKey {
		t.Errorf("got %d alerts under %s, then %d under %s, want 1 and 2 under one key",
			len(first.Alerts), first.GroupKey, len(second.Alerts), second.GroupKey)
	}
}

// TestInhibition: while its source stands, an alert is not told; it is when the
// source has ended.
func TestInhibition(t *testing.T) {
	t.Parallel()
	hook := hookReceiver(t)
	l := newLab(t, hookConfig(hook.URL, soon)+`
inhibit_rules:
- source_matchers: [alertname="HostDown"]
  target_matchers: [alertname="DiskSlow"]
  equal: [host]
`)
	source := alert("a1", "HostDown", "critical", "host", "h1")
	l.feed.tell(source)
	l.feed.tell(alert("a2", "DiskSlow", "warning", "host", "h1"), alert("a3", "NetSlow", "warning", "host", "h1"))
	l.await(hook, "HostDown")
	l.await(hook, "NetSlow")
	l.fence(hook)
	if n := told(hook, "DiskSlow"); n != 0 {
		t.Errorf("the inhibited alert was told %d times", n)
	}
	l.feed.tell(alert("a4", "DiskSlow", "warning", "host", "h2"))
	if m := l.await(hook, "DiskSlow"); len(m.Alerts) != 1 || m.Alerts[0].Labels["host"] != "h2" {
		t.Errorf("on another host it must be told, and only that one: %+v", m.Alerts)
	}
	l.feed.tell(ended(source))
	for n := 1; ; n++ {
		if m := hook.next(n).M; slices.ContainsFunc(m.Alerts, func(a hookAlert) bool {
			return a.Labels["alertname"] == "DiskSlow" && a.Labels["host"] == "h1"
		}) {
			break
		}
	}
}

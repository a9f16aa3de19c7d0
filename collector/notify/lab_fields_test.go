package notify_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/notify"
)

// rig is a notifier that tells a Slack channel, a pager and a webhook of
// everything.
type rig struct {
	*lab
	slack *receiver[slackMessage]
	pager *receiver[pagerEvent]
	hook  *receiver[hookMessage]
}

const routingKey = "0123456789abcdef0123456789abcdef"

func newRig(t testing.TB, route string, change ...func(*notify.Options)) *rig {
	t.Helper()
	r := &rig{slack: slackReceiver(t), pager: pagerReceiver(t), hook: hookReceiver(t)}
	r.lab = newLab(t, fmt.Sprintf(`
route:
  receiver: everybody
%s
receivers:
- name: everybody
  slack_configs: [{api_url: %q, channel: "#alerts", send_resolved: true}]
  pagerduty_configs: [{routing_key: %q, url: %q, severity: '{{ .CommonLabels.severity }}'}]
  webhook_configs: [{url: %q}]
`, indent(route), r.slack.URL, routingKey, r.pager.URL, r.hook.URL), change...)
	return r
}

// TestFields looks at every field that the three receivers are sent when an
// alert is raised and when it has ended.
func TestFields(t *testing.T) {
	t.Parallel()
	r := newRig(t, atOnce)
	a := alert("a1", "PaidTwice", "critical", "request", "r1")
	a.Incident = "i7"
	r.feed.tell(a)
	r.slackFields(r.slack.next(1).M, "danger", "FIRING")
	trigger := r.pager.next(1).M
	r.pagerFields(trigger, "trigger")
	firing := r.hook.next(1).M
	r.hookFields(firing, a, "firing", "first notification")

	over := ended(a)
	r.feed.tell(over)
	r.slackFields(r.slack.next(2).M, "good", "RESOLVED")
	resolve := r.pager.next(2).M
	r.pagerFields(resolve, "resolve")
	if resolve.DedupKey != trigger.DedupKey {
		t.Errorf("resolves %s, and %s was triggered", resolve.DedupKey, trigger.DedupKey)
	}
	resolved := r.hook.next(2).M
	r.hookFields(resolved, a, "resolved", "")
	if resolved.GroupKey != firing.GroupKey {
		t.Errorf("groupKey %s has become %s", firing.GroupKey, resolved.GroupKey)
	}
	if got := resolved.Alerts[0].EndsAt; !got.Equal(time.Unix(0, over.Ended)) {
		t.Errorf("endsAt %v, want %v, when it ended", got, time.Unix(0, over.Ended))
	}
}

func (r *rig) slackFields(m slackMessage, color, status string) {
	r.t.Helper()
	if m.Channel != "#alerts" || m.Username == "" || len(m.Attachments) != 1 {
		r.t.Fatalf("message %+v", m)
	}
	a := m.Attachments[0]
	if a.Color != color {
		r.t.Errorf("color %s, want %s", a.Color, color)
	}
	wants(r.testing(), "title", a.Title, status, "PaidTwice")
	wants(r.testing(), "fallback", a.Fallback, status, "PaidTwice")
	if !strings.HasPrefix(a.TitleLink, r.opt.External) {
		r.t.Errorf("title_link %s", a.TitleLink)
	}
	if color == "danger" {
		r.pageIn("text", a.Text)
		return
	}
	// What is over needs nobody: what it was and where to look is enough.
	wants(r.testing(), "text", a.Text, "Over:", "Summary of PaidTwice", "https://tomeishi.example/alerts/a1")
}

func (r *rig) testing() *testing.T { return r.t.(*testing.T) }

// pageIn sees that what the page says is in the text.
func (r *rig) pageIn(what, text string) {
	r.t.Helper()
	wants(r.testing(), what, text, "Headline of PaidTwice", "Held: 3 requests, 1.5 BTC", "Since 02:14", "https://tomeishi.example/alerts/a1")
}

func (r *rig) pagerFields(e pagerEvent, action string) {
	r.t.Helper()
	if e.EventAction != action || e.RoutingKey != routingKey || len(e.DedupKey) != 64 {
		r.t.Errorf("event %+v", e)
	}
	if p := e.Payload; p.Severity != "critical" || p.Source == "" {
		r.t.Errorf("payload %+v", p)
	}
	wants(r.testing(), "summary", e.Payload.Summary, "PaidTwice")
	if e.Client == "" || !strings.HasPrefix(e.ClientURL, r.opt.External) {
		r.t.Errorf("client %q %q", e.Client, e.ClientURL)
	}
	wants(r.testing(), "links", fmt.Sprint(e.Links), "https://tomeishi.example/alerts/a1")
	if action == "trigger" {
		r.pageIn("event", fmt.Sprintf("%+v", e))
	}
}

func (r *rig) hookFields(m hookMessage, of machine.Alert, status, reason string) {
	r.t.Helper()
	if m.Status != status || m.Receiver != "everybody" || m.TruncatedAlerts != 0 || m.ExternalURL != r.opt.External || len(m.Alerts) != 1 {
		r.t.Fatalf("message %+v", m)
	}
	if m.NotificationReason == "" || reason != "" && m.NotificationReason != reason {
		r.t.Errorf("notification_reason %q", m.NotificationReason)
	}
	if m.GroupLabels["alertname"] != "PaidTwice" || len(m.GroupLabels) != 1 {
		r.t.Errorf("groupLabels %v", m.GroupLabels)
	}
	a, raised := m.Alerts[0], time.Unix(0, of.Raised)
	for _, l := range []map[string]string{m.CommonLabels, a.Labels} {
		if len(l) != 3 || l["alertname"] != "PaidTwice" || l["severity"] != "critical" || l["request"] != "r1" {
			r.t.Errorf("labels %v", l)
		}
	}
	if a.Annotations["summary"] != "Summary of PaidTwice" || m.CommonAnnotations["summary"] != "Summary of PaidTwice" {
		r.t.Errorf("annotations %v", a.Annotations)
	}
	if a.Status != status || !a.StartsAt.Equal(raised) {
		r.t.Errorf("status %s, startsAt %v, want %s and %v", a.Status, a.StartsAt, status, raised)
	}
	if !strings.HasPrefix(a.GeneratorURL, r.opt.External) {
		r.t.Errorf("generatorURL %q", a.GeneratorURL)
	}
}

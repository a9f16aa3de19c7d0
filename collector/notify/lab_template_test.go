package notify_test

import (
	"strings"
	"testing"
)

// TestFailingTemplate: a template that cannot be rendered is a failure with the
// key of the file, in whichever field it stands, and no empty message is sent.
func TestFailingTemplate(t *testing.T) {
	t.Parallel()
	for _, field := range []string{"title", "text", "pretext", "channel", "message_text", "fields", "actions"} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			slack, well := slackReceiver(t), hookReceiver(t)
			value := `'{{ template "nosuch" . }}'`
			switch field {
			case "fields":
				value = `[{title: t, value: ` + value + `}]`
			case "actions":
				value = `[{type: button, text: ` + value + `, url: 'http://127.0.0.1/'}]`
			}
			channel := "channel: c, "
			if field == "channel" {
				channel = ""
			}
			l := newLab(t, `
route:
  receiver: well
  group_wait: 0s
  group_interval: 1h
  routes: [{receiver: slack, continue: true}, {receiver: well}]
receivers:
- name: slack
  slack_configs: [{api_url: "`+slack.URL+`", `+channel+field+`: `+value+`}]
- name: well
  webhook_configs: [{url: "`+well.URL+`"}]
`)
			l.feed.tell(alert("a1", "Grave", "critical"))
			l.await(well, "Grave")
			poll(t, "it fails", func() bool { return len(l.n.Failing()) == 1 })
			if f := l.n.Failing()[0]; f.Receiver != "slack" || !strings.Contains(f.Error, "the template in "+field) {
				t.Errorf("failing: %+v", f)
			}
			if n := len(slack.all()); n != 0 {
				t.Errorf("%d messages were sent", n)
			}
		})
	}
}

// TestOwnWatchdogOfUser: a user's rule named Watchdog is told like any other.
func TestOwnWatchdogOfUser(t *testing.T) {
	t.Parallel()
	hook, beats := hookReceiver(t), newBeats(t)
	l := newLab(t, `
route:
  receiver: hook
  group_wait: 0s
  routes: [{receiver: hook, matchers: ['severity="none"']}]
receivers: [{name: hook, webhook_configs: [{url: "`+hook.URL+`"}]}]
`, beats.every(10*1e9))
	l.feed.tell(alert("a1", "Watchdog", "none"))
	l.await(hook, "Watchdog")
	if n := beats.count(); n != 0 {
		t.Errorf("%d heartbeats of a user's rule", n)
	}
}

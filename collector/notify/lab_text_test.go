package notify_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/notify"
)

func containsAny(text string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

// evil is a label's value that means something to Slack, HTML, JSON, templates
// and terminals.
const evil = "<!channel> <b>*x*</b> \"q\" 'a' & {{ .Status }} \\u0000 \x1b[31m <@U1> <https://evil.example|bank>\nline"

// TestMarkup: a label with markup in it is text everywhere: where the page says
// it, where there is no page and the labels are listed, and when it is over.
func TestMarkup(t *testing.T) {
	t.Parallel()
	for name, page := range map[string]func(string) (string, string, string, bool){
		"page":    func(string) (string, string, string, bool) { return "About " + evil, "Request: " + evil, "", true },
		"no page": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, strings.Replace(atOnce, "[alertname]", "[alertname, request]", 1), func(o *notify.Options) { o.Page = page })
			a := alert("a1", "PaidTwice", "critical", "request", evil)
			a.Annotations = []machine.Label{{Name: "summary", Value: "Paid twice: " + evil}, {Name: "description", Value: evil}}
			r.feed.tell(a)
			r.isText(1)
			r.book.awaitTold(t, 3)
			r.feed.tell(ended(a))
			r.isText(2)
		})
	}
}

// isText sees that the receivers' nth message has the markup as text.
func (r *rig) isText(n int) {
	r.t.Helper()
	hook := r.hook.next(n).M.Alerts[0]
	if hook.Labels["request"] != evil || hook.Annotations["description"] != evil {
		r.t.Errorf("webhook: got %q and %q, want them as they are: %q", hook.Labels["request"], hook.Annotations["description"], evil)
	}
	// What Slack must not see as a mention, a link or an entity.
	slack := r.slack.next(n).M.all()
	if containsAny(slack, "<!channel", "<@U1", "<https://evil", "<b>") {
		r.t.Errorf("Slack would act on this: %s", slack)
	}
	wants(r.testing(), "Slack's message", slack, "&lt;!channel&gt;", "&lt;https://evil.example|bank&gt;", "&amp;", "{{ .Status }}")
	pager := r.pager.next(n).M
	wants(r.testing(), "the pager's summary", pager.Payload.Summary, "<!channel> <b>*x*</b> \"q\" 'a' & {{ .Status }}")
}

// TestTenKilobytes: an alert with 10 kB of annotations arrives everywhere. A
// webhook has all of it; PagerDuty's summary ends within 1024 characters and
// its event within 512 kB; Slack's text within what Slack shows.
func TestTenKilobytes(t *testing.T) {
	t.Parallel()
	r := newRig(t, atOnce)
	long := strings.Repeat("留め石 stops. ", 10_240/len("留め石 stops. ")+1)
	a := alert("a1", "PaidTwice", "critical")
	a.Annotations = []machine.Label{{Name: "summary", Value: long}, {Name: "description", Value: long}}
	r.feed.tell(a)
	if got := r.hook.next(1).M.Alerts[0].Annotations["summary"]; got != long {
		t.Errorf("webhook: %d bytes of %d", len(got), len(long))
	}
	// The receivers themselves refuse a longer summary, title and text.
	for _, got := range r.slack.next(1).M.Attachments {
		if !utf8.ValidString(got.Text) || len(got.Text) == 0 {
			t.Errorf("Slack: %q", got.Text)
		}
	}
	if got := r.pager.next(1); got.Body > 512_000 || got.M.Payload.Summary == "" {
		t.Errorf("PagerDuty: %d bytes, summary %q", got.Body, got.M.Payload.Summary)
	}
	r.book.awaitTold(t, 3)
	r.feed.tell(ended(a))
	r.slack.next(2)
	r.pager.next(2)
	r.book.awaitTold(t, 6)
}

// TestThousandInAGroup: a group of a thousand alerts with 10 kB each, 10 MB in
// all, still arrives at PagerDuty and Slack, within their limits.
func TestThousandInAGroup(t *testing.T) {
	t.Parallel()
	// 10 MB take a while to arrive on a busy machine: the group waits for all of it.
	r := newRig(t, strings.NewReplacer("[alertname]", "[severity]", "group_wait: 500ms", "group_wait: 10s").Replace(soon))
	long := strings.Repeat("x", 10_000)
	var all []machine.Alert
	for i := range 1000 {
		a := alert(fmt.Sprintf("a%d", i), fmt.Sprintf("Rule%03d", i), "critical")
		a.Annotations = []machine.Label{{Name: "summary", Value: long}}
		all = append(all, a)
	}
	r.feed.tell(all...)
	if got := r.pager.next(1); got.Body > 512_000 || got.M.Payload.Summary == "" {
		t.Errorf("PagerDuty: %d bytes, summary %q", got.Body, got.M.Payload.Summary)
	}
	if got := r.slack.next(1); got.Body > 400_000 {
		t.Errorf("Slack: %d bytes", got.Body)
	}
	if got := r.hook.next(1).M; len(got.Alerts)+int(got.TruncatedAlerts) != 1000 {
		t.Errorf("webhook: %d alerts and %d that are not in it, want 1000", len(got.Alerts), got.TruncatedAlerts)
	}
	for _, told := range r.book.awaitTold(t, 3) {
		if told.Firing != 1000 || len(told.Alerts) == 0 || len(told.Alerts) > 1000 {
			t.Errorf("told %d, with %d ids", told.Firing, len(told.Alerts))
		}
	}
	for i := range all {
		all[i] = ended(all[i])
	}
	r.feed.tell(all...)
	r.resolvedIn()
}

// resolvedIn waits until Slack and the pager know that all is over.
func (r *rig) resolvedIn() {
	r.t.Helper()
	for n := 2; r.pager.next(n).M.EventAction != "resolve"; n++ {
	}
	for n := 2; r.slack.next(n).M.Attachments[0].Color != "good"; n++ {
	}
}

// TestLongWords: what is long in an alert's labels and in its page, and not only
// in its annotations, makes nothing too long for its receiver.
func TestLongWords(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("<&>", 400) // as long as labels get; more when escaped
	r := newRig(t, soon, func(o *notify.Options) {
		o.Page = func(id string) (headline, text, link string, ok bool) {
			return strings.Repeat("長", 2000), strings.Repeat(long, 20), "https://tomeishi.example/alerts/" + id, true
		}
	})
	var all []machine.Alert
	for i := range 30 {
		pairs := []string{"n", fmt.Sprint(i)}
		for j := range 8 {
			pairs = append(pairs, fmt.Sprintf("label%d", j), long)
		}
		all = append(all, alert(fmt.Sprintf("a%d", i), "PaidTwice", "critical", pairs...))
	}
	r.feed.tell(all...)
	// The receivers themselves refuse what is too long.
	r.slack.next(1)
	if got := r.pager.next(1); got.Body > 512_000 {
		t.Errorf("PagerDuty: %d bytes", got.Body)
	}
	for i := range all {
		all[i] = ended(all[i])
	}
	r.feed.tell(all...)
	r.resolvedIn()
}

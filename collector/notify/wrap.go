package notify

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	amnotify "github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"

	"github.com/tomeishi/tomeishi/collector/entry"
)

const (
	maxPages     = 20  // alerts of one notification that carry their page
	maxToldNames = 100 // ids of alerts in the record of one notification
	// attemptWithin bounds one attempt, so that a receiver that hangs does not
	// keep its group for a whole group interval.
	attemptWithin = 30 * time.Second
	// grace is how long an attempt goes on after the engine was stopped: one
	// that is answered need not be made again.
	grace = 2 * time.Second
)

var errNoAnswer = errors.New("no answer in time: it is not known whether the notification arrived")

// screen is the receiver that is this program itself: being on the screen is
// all there is to do.
type screen struct{}

// Notify implements amnotify.Notifier.
func (screen) Notify(context.Context, ...*alert.Alert) amnotify.NotifyVerdict {
	return amnotify.Success()
}

// SendResolved implements amnotify.ResolvedSender.
func (screen) SendResolved() bool { return true }

// wrap puts ours around the integrations of a receiver.
func (n *Notifier) wrap(e *engine, rcv *config.Receiver, found []amnotify.Integration) []amnotify.Integration {
	out := make([]amnotify.Integration, len(found))
	for i := range found {
		orig := &found[i]
		t := &teller{
			next: orig, n: n, key: receiverKey{rcv.Name, orig.Name()}, slack: orig.Name() == "slack",
			tmpl: e.tmpl, checked: checked(rcv, orig),
			quiet: rcv.Name == e.heartbeat, within: max(attemptWithin, timeoutOf(rcv, orig.Name(), orig.Index())+time.Second),
		}
		if orig.Index() > 0 {
			t.key.integration = orig.String()
		}
		e.keys[t.key] = true
		heed(orig, &t.pause)
		out[i] = amnotify.NewIntegration(t, orig, orig.Name(), orig.Index(), rcv.Name)
	}
	return out
}

// A teller makes the notifications of one integration say what is so at the
// moment they are sent, and notes what came of them.
type teller struct {
	next   amnotify.Notifier
	n      *Notifier
	key    receiverKey
	slack  bool
	quiet  bool // what it was told is not recorded
	within time.Duration
	pause  pause

	tmpl    *template.Template
	checked map[string]string // templates to render first
}

// Notify implements amnotify.Notifier.
func (t *teller) Notify(parent context.Context, alerts ...*alert.Alert) amnotify.NotifyVerdict {
	if err := t.pause.wait(parent); err != nil {
		return amnotify.Retry(0, err, amnotify.DefaultReason)
	}
	ctx, done := attempt(parent, t.within)
	defer done()
	dressed := t.dress(alerts)
	if t.slack {
		ctx = escapeSlack(ctx, dressed)
	}
	verdict := t.send(ctx, dressed)
	if verdict.Err() == nil {
		t.took(alerts)
		return verdict
	}
	return t.failed(parent, verdict)
}

func (t *teller) send(ctx context.Context, alerts []*alert.Alert) amnotify.NotifyVerdict {
	if len(t.checked) > 0 {
		data := amnotify.GetTemplateData(ctx, t.tmpl, alerts, t.n.log)
		if err := unrendered(t.checked, t.tmpl, data); err != nil {
			return amnotify.Unrecoverable(err, amnotify.DefaultReason)
		}
	}
	return t.next.Notify(ctx, alerts...)
}

func (t *teller) took(alerts []*alert.Alert) {
	t.pause.end()
	t.n.failures.worked(t.key)
	if !t.quiet {
		t.n.queue.tell(notified(t.key, alerts, time.Now()))
	}
}

// failed notes a failure. To be told to wait is no reason to give up; for how
// long is the pause's, which is bounded, and so not the verdict's.
func (t *teller) failed(parent context.Context, v amnotify.NotifyVerdict) amnotify.NotifyVerdict {
	retry := v.ShouldRetry()
	if v.Reason() == amnotify.RateLimitedReason {
		retry = true
		t.pause.begin(time.Now())
	}
	text := redact(v.Err().Error())
	if !errors.Is(parent.Err(), context.Canceled) { // else it is we who stopped
		t.n.failures.failed(t.key, text, !retry || parent.Err() != nil, time.Now())
	}
	if !retry {
		return amnotify.Unrecoverable(errors.New(text), v.Reason())
	}
	return amnotify.Retry(0, errors.New(text), v.Reason())
}

// attempt bounds one attempt. It outlives its parent's cancellation, but not
// its deadline, by grace.
func attempt(parent context.Context, within time.Duration) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		if errors.Is(parent.Err(), context.DeadlineExceeded) {
			cancel(errNoAnswer)
			return
		}
		time.AfterFunc(grace, func() { cancel(parent.Err()) })
	})
	ctx, expire := context.WithTimeoutCause(ctx, within, errNoAnswer)
	return ctx, func() {
		stop()
		expire()
		cancel(nil)
	}
}

// dress returns copies in which the first firing alerts carry their page.
// Other integrations hold the same alerts.
func (t *teller) dress(alerts []*alert.Alert) []*alert.Alert {
	out := slices.Clone(alerts)
	pages := 0
	for i, a := range alerts {
		id := string(a.Annotations[alertAnnotation])
		if pages == maxPages || t.n.o.Page == nil {
			break
		}
		if id == "" || a.Resolved() {
			continue
		}
		pages++
		headline, text, link, ok := t.n.o.Page(id)
		if !ok {
			continue
		}
		c := *a
		c.Annotations = maps.Clone(a.Annotations)
		for name, value := range map[model.LabelName]string{"headline": headline, "page": text, "link": link} {
			if value != "" {
				c.Annotations[name] = model.LabelValue(value)
			}
		}
		out[i] = &c
	}
	return out
}

// notified is what the ledger keeps of a notification.
func notified(key receiverKey, alerts []*alert.Alert, at time.Time) entry.Notification {
	t := entry.Notification{At: at.UnixNano(), Receiver: key.receiver, Integration: key.integration}
	seen := map[string]bool{}
	for _, a := range alerts {
		if a.Resolved() {
			t.Resolved++
		} else {
			t.Firing++
		}
		id := string(a.Annotations[alertAnnotation])
		if id == "" {
			continue // somebody posted it, and may name any incident
		}
		if len(t.Alerts) < maxToldNames {
			t.Alerts = append(t.Alerts, id)
		}
		if in := string(a.Annotations[incidentAnnotation]); in != "" && !seen[in] {
			seen[in] = true
			t.Incidents = append(t.Incidents, in)
		}
	}
	return t
}

// slackText is how Slack is told that these are not markup.
var slackText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escapeSlack makes what labels and annotations say text in Slack, whatever
// template shows it: <!channel> must call nobody. What is a link stays one.
func escapeSlack(ctx context.Context, alerts []*alert.Alert) context.Context {
	for i, a := range alerts {
		c := *a
		c.Labels, c.Annotations = escaped(a.Labels), escaped(a.Annotations)
		alerts[i] = &c
	}
	if group, ok := amnotify.GroupLabels(ctx); ok {
		ctx = amnotify.WithGroupLabels(ctx, escaped(group))
	}
	return ctx
}

func escaped(set model.LabelSet) model.LabelSet {
	out := make(model.LabelSet, len(set))
	for name, value := range set {
		if s := string(value); !isLink(s) {
			value = model.LabelValue(slackText.Replace(s))
		}
		out[model.LabelName(slackText.Replace(string(name)))] = value
	}
	return out
}

func isLink(s string) bool {
	if !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") || strings.ContainsAny(s, "<>| \n") {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && u.Host != ""
}

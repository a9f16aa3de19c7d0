package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/config/receiver"
	amnotify "github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/common/model"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// notifier is a notifier that is a function.
type notifier func(ctx context.Context, alerts ...*alert.Alert) amnotify.NotifyVerdict

func (f notifier) Notify(ctx context.Context, alerts ...*alert.Alert) amnotify.NotifyVerdict {
	return f(ctx, alerts...)
}

func newTeller(o Options, next notifier) *teller {
	n := &Notifier{o: o, queue: newQueue(nil, slog.New(slog.DiscardHandler))}
	return &teller{next: next, n: n, key: receiverKey{"r", "webhook"}, within: attemptWithin}
}

func engineAlerts(n int) (out []*alert.Alert) {
	for i := range n {
		out = append(out, (&Notifier{}).convert(an(fmt.Sprintf("a%d", i), "A"), time.Now()))
	}
	return out
}

// TestDress: the first alerts that stand carry their page as it is now, in
// copies.
func TestDress(t *testing.T) {
	var got []*alert.Alert
	te := newTeller(Options{Page: func(id string) (string, string, string, bool) {
		return "headline of " + id, "", "link", id != "a1"
	}}, func(_ context.Context, alerts ...*alert.Alert) amnotify.NotifyVerdict {
		got = alerts
		return amnotify.Success()
	})
	alerts := engineAlerts(maxPages + 5)
	alerts[0].EndsAt = time.Now().Add(-time.Second)
	if err := te.Notify(t.Context(), alerts...).Err(); err != nil {
		t.Fatal(err)
	}
	var dressed []string
	for i, a := range got {
		if h := a.Annotations["headline"]; h != "" {
			dressed = append(dressed, string(h))
			if _, there := a.Annotations["page"]; there || a.Annotations["link"] != "link" {
				t.Errorf("annotations %v", a.Annotations)
			}
		}
		if alerts[i].Annotations["headline"] != "" {
			t.Fatal("the alert that others hold was changed")
		}
	}
	if len(dressed) != maxPages-1 || dressed[0] != "headline of a2" {
		t.Errorf("%d dressed: %v", len(dressed), dressed)
	}
}

// TestEscapeSlack: what labels say is text in Slack, and what is a link stays
// one.
func TestEscapeSlack(t *testing.T) {
	ctx := amnotify.WithGroupLabels(t.Context(), model.LabelSet{"alertname": "<!here>"})
	a := alert.New(model.Alert{
		Labels: model.LabelSet{"alertname": "<!here>", "who": "<http://evil|click> & co", "odd": "https://e/<!here>"},
		Annotations: model.LabelSet{
			"link": "https://screen/a?b=1&c=2",
		},
	}, time.Now(), false)
	alerts := []*alert.Alert{a}
	ctx = escapeSlack(ctx, alerts)
	want := model.LabelSet{"alertname": "&lt;!here&gt;", "who": "&lt;http://evil|click&gt; &amp; co", "odd": "https://e/&lt;!here&gt;"}
	if got := alerts[0].Labels; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := alerts[0].Annotations["link"]; got != a.Annotations["link"] {
		t.Errorf("link %s", got)
	}
	if group, _ := amnotify.GroupLabels(ctx); group["alertname"] != "&lt;!here&gt;" || a.Labels["alertname"] != "<!here>" {
		t.Errorf("group %v, alert %v", group, a.Labels)
	}
}

// TestFailing: a receiver is said to fail after half a minute, or when it gave
// a notification up, until it works, an hour passes, or it is gone; and it is
// not told of what we stopped.
func TestFailing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := errors.New("post https://u:pw@hooks.example/T/secret?k=v: refused")
		verdict := amnotify.Retry(0, err, amnotify.DefaultReason)
		te := newTeller(Options{}, func(context.Context, ...*alert.Alert) amnotify.NotifyVerdict { return verdict })
		tell := func(ctx context.Context) { _ = te.Notify(ctx, engineAlerts(1)...) }
		failing := func(want int) {
			t.Helper()
			if got := te.n.Failing(); len(got) != want {
				t.Errorf("failing %+v, want %d", got, want)
			}
		}
		began := time.Now()
		tell(t.Context())
		failing(0)
		time.Sleep(failingAfter)
		tell(t.Context())
		want := Failure{Receiver: "r", Integration: "webhook", Error: "post https://hooks.example/…: refused", Since: began}
		if got := te.n.Failing(); len(got) != 1 || got[0] != want {
			t.Errorf("failing %+v, want %+v", got, want)
		}
		time.Sleep(failingFor + time.Second)
		failing(0)
		verdict = amnotify.Unrecoverable(err, amnotify.DefaultReason)
		tell(t.Context())
		failing(1)
		te.n.failures.only(map[receiverKey]bool{{"r", "slack"}: true})
		failing(0)
		tell(t.Context())
		verdict = amnotify.Success()
		tell(t.Context())
		failing(0)
		verdict = amnotify.Unrecoverable(errors.New("canceled"), amnotify.ContextCanceledReason)
		stopped, stop := context.WithCancel(t.Context())
		stop()
		tell(stopped)
		failing(0)
	})
}

// TestAttempt: an attempt is bounded, goes on for a moment after the engine was
// stopped, and not after its flush is over.
func TestAttempt(t *testing.T) {
	for _, c := range []struct {
		name   string
		parent func(context.Context) (context.Context, context.CancelFunc)
		want   time.Duration
	}{
		{"it hangs", context.WithCancel, attemptWithin},
		{"stopped", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, stop := context.WithCancel(ctx)
			time.AfterFunc(5*time.Second, stop)
			return ctx, stop
		}, 5*time.Second + grace},
		{"the flush is over", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 10*time.Second)
		}, 10 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			parent, cancel := c.parent(t.Context())
			defer cancel()
			te := newTeller(Options{}, func(ctx context.Context, _ ...*alert.Alert) amnotify.NotifyVerdict {
				<-ctx.Done()
				return amnotify.Retry(0, ctx.Err(), amnotify.DefaultReason)
			})
			began := time.Now()
			_ = te.Notify(parent, engineAlerts(1)...)
			if took := time.Since(began); took != c.want {
				t.Errorf("%s: took %v, want %v", c.name, took, c.want)
			}
		})
	}
}

// TestStopInFlight: a notification that is under way when the notifier stops is
// answered, and not repeated.
func TestStopInFlight(t *testing.T) {
	arrived, answer := make(chan struct{}, 10), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		arrived <- struct{}{}
		<-answer
	}))
	t.Cleanup(slow.Close)
	w := newWorld(t, quick(slow.URL))
	w.start()
	a := an("a", "A")
	w.raise(a)
	<-arrived
	time.AfterFunc(100*time.Millisecond, func() { close(answer) })
	w.stop()
	if told := w.told(); len(told) != 1 {
		t.Fatalf("told %+v", told)
	}
	w.raise(a, an("b", "B", "team", "x"))
	w.start()
	w.awaitTold(2)
	w.stop()
	if n := len(arrived); n != 1 {
		t.Errorf("%d notifications after the restart, want only the new one", n)
	}
}

// TestPause: a receiver that says how long to wait is not told before; one that
// does not is told less and less often.
func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		began := time.Now()
		limited := amnotify.Unrecoverable(errors.New("429"), amnotify.RateLimitedReason)
		var te *teller
		te = newTeller(Options{}, func(context.Context, ...*alert.Alert) amnotify.NotifyVerdict {
			at = append(at, time.Since(began))
			switch len(at) {
			case 3:
				te.pause.asked(time.Now().Add(time.Minute))
			case 5:
				return amnotify.Success()
			}
			return limited
		})
		for range 5 {
			if v := te.Notify(t.Context(), engineAlerts(1)...); v.Err() != nil && !v.ShouldRetry() {
				t.Error("to be told to wait is no reason to give up")
			}
		}
		if want := []time.Duration{0, time.Second, 3 * time.Second, 63 * time.Second, 67 * time.Second}; !slices.Equal(at, want) {
			t.Errorf("told after %v, want %v", at, want)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for s, want := range map[string]time.Duration{
		"120": 2 * time.Minute, "0": 0, "": 0, "-5": 0, "soon": 0, "1e3": 0, "99999999999999999999": 0,
		"86400": pauseAsked, "Sat, 21 Nov 2026 12:00:30 GMT": 30 * time.Second, "Sat, 21 Nov 2026 11:00:00 GMT": 0,
	} {
		until, ok := retryAfter(s, now)
		if ok != (want > 0) || ok && until.Sub(now) != want {
			t.Errorf("%q: %v %t, want %v", s, until.Sub(now), ok, want)
		}
	}
}

// TestHeed: the integrations that people use heed Retry-After: they still have
// their client where it is looked for.
func TestHeed(t *testing.T) {
	useMatchers()
	full := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	t.Cleanup(full.Close)
	conf, err := config.Load(fmt.Sprintf(`
route: {receiver: r}
receivers:
- name: r
  webhook_configs: [{url: %[1]q}]
  slack_configs: [{api_url: %[1]q}]
  pagerduty_configs: [{routing_key: k, url: %[1]q}]
  opsgenie_configs: [{api_key: k, api_url: %[1]q}]
  telegram_configs: [{bot_token: k, api_url: %[1]q, chat_id: 1}]
  discord_configs: [{webhook_url: %[1]q}]
  msteamsv2_configs: [{webhook_url: %[1]q}]
`, full.URL))
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := templates(nil, "https://screen")
	if err != nil {
		t.Fatal(err)
	}
	found, err := receiver.BuildReceiverIntegrations(conf.Receivers[0], tmpl, slog.New(slog.DiscardHandler))
	if err != nil || len(found) != 7 {
		t.Fatalf("%d integrations, %v", len(found), err)
	}
	ctx := amnotify.WithGroupKey(t.Context(), "group")
	for i := range found {
		if found[i].Name() == "telegram" {
			continue // its client belongs to a library
		}
		var p pause
		heed(&found[i], &p)
		if v := found[i].Notify(ctx, engineAlerts(1)...); v.Err() == nil {
			t.Errorf("%s: told", found[i].Name())
		}
		if left := time.Until(p.until); left < 50*time.Second {
			t.Errorf("%s: pauses for %v, want a minute", found[i].Name(), left)
		}
	}
}

func TestRecord(t *testing.T) {
	alerts := engineAlerts(maxToldNames + 5)
	alerts[0].EndsAt = time.Now().Add(-time.Second)
	alerts[1].Annotations[incidentAnnotation] = "i1"
	alerts[2].Annotations[incidentAnnotation] = "i1"
	alerts[maxToldNames+1].Annotations[incidentAnnotation] = "i2"
	at := time.Now()
	got := notified(receiverKey{"r", "slack"}, alerts, at)
	if len(got.Alerts) != maxToldNames || got.Alerts[0] != "a0" {
		t.Errorf("alerts %v", got.Alerts)
	}
	got.Alerts = nil
	if want := (entry.Notification{At: at.UnixNano(), Receiver: "r", Integration: "slack", Firing: len(alerts) - 1, Resolved: 1, Incidents: []string{"i1", "i2"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestEscapedNames: a label's name can be any text, too.
func TestEscapedNames(t *testing.T) {
	for name, value := range escaped(model.LabelSet{"<!channel>": "<!here>", "url": "https://h/?a=1&b=2"}) {
		if strings.ContainsAny(string(name)+string(value), "<>") || name == "url" && value != "https://h/?a=1&b=2" {
			t.Errorf("%s=%s", name, value)
		}
	}
}

package notify_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/access"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/notify"
	"github.com/tomeishi/tomeishi/collector/silence"
)

// addSilence makes a silence of one alertname through the API, and returns its id.
func addSilence(t *testing.T, url, name string) string {
	t.Helper()
	code, text := postSilence(t, url, name)
	var out struct {
		SilenceID string `json:"silenceID"`
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil || code != http.StatusOK || out.SilenceID == "" {
		t.Fatalf("add silence: %d %s", code, text)
	}
	return out.SilenceID
}

func postSilence(t *testing.T, url, name string) (int, string) {
	t.Helper()
	return ask(t, http.MethodPost, url+"/alertmanager/api/v2/silences", hourOf(name))
}

// hourOf is a silence of an alertname for an hour, as the API takes it.
func hourOf(name string) map[string]any {
	now := time.Now()
	return map[string]any{
		"matchers": []map[string]any{{"name": "alertname", "value": name, "isRegex": false, "isEqual": true}},
		"startsAt": now, "endsAt": now.Add(time.Hour), "createdBy": "somebody else", "comment": "maintenance",
	}
}

// TestSilence: a silence made through the API keeps an alert back, is in the
// ledger when the API answers, outlives the notifier, and lets the alert
// through when it has ended.
func TestSilence(t *testing.T) {
	t.Parallel()
	hook := hookReceiver(t)
	l := newLab(t, hookConfig(hook.URL, atOnce))
	url := l.serve()
	id := addSilence(t, url, "Noisy")

	kept := l.book.kept()
	if !slices.ContainsFunc(kept, func(k entry.NotifyRecord) bool { return k.Of == entry.KeptSilence && strings.Contains(k.Key, id) }) {
		t.Errorf("the API has answered, and the ledger lacks silence %s: %+v", id, kept)
	}
	if actors := l.book.actors(); !slices.Equal(actors, []string{"hanako"}) {
		t.Errorf("the ledger says that %q made it, want hanako, who was asked for", actors)
	}
	l.muted(hook, "Noisy", id)

	l.restart()
	url = l.serve()
	l.muted(hook, "Noisy", id)

	if code, text := ask(t, http.MethodDelete, url+"/alertmanager/api/v2/silence/"+id, nil); code != http.StatusOK {
		t.Fatalf("expire: %d %s", code, text)
	}
	l.await(hook, "Noisy")
	if by := l.n.SilencedBy(alert("a1", "Noisy", "warning").Labels); len(by) != 0 {
		t.Errorf("an ended silence still keeps back: %v", by)
	}

	l.restart()
	l.fence(hook)
	if all := l.silences(); len(all) != 1 || all[0].State != "expired" {
		t.Errorf("after one more restart the silence is %+v, want expired", all)
	}
}

// muted tells of an alert, or of it again, and sees that nobody hears it.
func (l *lab) muted(hook *receiver[hookMessage], name, id string) {
	l.t.Helper()
	a := alert("a1", name, "warning")
	l.feed.tell(a)
	l.fence(hook)
	if n := told(hook, name); n != 0 {
		l.t.Errorf("the silenced alert was told %d times", n)
	}
	if by := l.n.SilencedBy(a.Labels); !slices.Equal(by, []string{id}) {
		l.t.Errorf("silenced by %v, want %s", by, id)
	}
	all := l.silences()
	if len(all) != 1 || all[0].ID != id || all[0].State != "active" || all[0].Comment != "maintenance" ||
		!slices.Equal(all[0].Matchers, []silence.Matcher{{Name: "alertname", Op: "=", Value: name}}) {
		l.t.Errorf("silences %+v", all)
	}
}

func (l *lab) silences() []silence.Silence {
	l.t.Helper()
	all, err := l.n.Silences(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	return all
}

// TestSilenceByMethod: the screen's way in makes, changes and ends silences as
// the API does, under the name of who asked.
func TestSilenceByMethod(t *testing.T) {
	t.Parallel()
	hook := hookReceiver(t)
	l := newLab(t, hookConfig(hook.URL, atOnce))
	now := time.Now()
	s := silence.Silence{
		Matchers: []silence.Matcher{{Name: "alertname", Op: "=~", Value: "Noi.*"}, {Name: "severity", Op: "!=", Value: "critical"}},
		Starts:   now, Ends: now.Add(time.Hour), Comment: "tests",
	}
	id, err := l.n.Silence(t.Context(), "taro", s)
	if err != nil {
		t.Fatal(err)
	}
	all := l.silences()
	if len(all) != 1 || all[0].By != "taro" || all[0].ID != id || !slices.Equal(all[0].Matchers, s.Matchers) {
		t.Fatalf("silences %+v", all)
	}
	s.ID, s.Ends = id, now.Add(2*time.Hour)
	changed, err := l.n.Silence(t.Context(), "taro", s)
	if err != nil || changed != id {
		t.Errorf("change: %s %v, want the same id %s", changed, err, id)
	}
	if all := l.silences(); len(all) != 1 || all[0].Ends.Sub(now).Round(time.Minute) != 2*time.Hour {
		t.Errorf("after the change %+v", all)
	}
	l.feed.tell(alert("a1", "Noisy", "warning"), alert("a2", "Noisier", "critical"))
	l.await(hook, "Noisier")
	l.fence(hook)
	if told(hook, "Noisy") != 0 {
		t.Error("the silenced alert was told")
	}
	if err := l.n.Expire(t.Context(), "taro", id); err != nil {
		t.Error(err)
	}
	l.await(hook, "Noisy")
	if err := l.n.Expire(t.Context(), "taro", "0e46c2d1-3d25-4a0f-8b66-0d60e0d2a001"); err == nil {
		t.Error("a silence that is not there was ended")
	}
	for _, bad := range []silence.Silence{
		{Starts: now, Ends: now.Add(time.Hour)}, // matches everything
		{Matchers: s.Matchers, Starts: now, Ends: now.Add(-time.Hour)},
		{Matchers: []silence.Matcher{{Name: "a", Op: "=~", Value: "("}}, Starts: now, Ends: now.Add(time.Hour)},
		{Matchers: []silence.Matcher{{Name: "a", Op: "<", Value: "b"}}, Starts: now, Ends: now.Add(time.Hour)},
	} {
		if id, err := l.n.Silence(t.Context(), "taro", bad); err == nil {
			t.Errorf("made %s of %+v", id, bad)
		}
	}
}

// TestSilenceUnknown: when it is not known whether a silence is in the ledger,
// the answer is 503 and says that, and not that it failed or that it holds. It
// is proposed again until it is known.
func TestSilenceUnknown(t *testing.T) {
	hook := hookReceiver(t)
	bubble(t, func(t *testing.T) {
		l := newLab(t, hookConfig(hook.URL, atOnce))
		l.book.refusing(func(entry.NotifyState) error { return fmt.Errorf("no answer: %w", entry.ErrUnknown) })
		code, text := l.ask(http.MethodPost, "/alertmanager/api/v2/silences", hourOf("Noisy"))
		if code != http.StatusServiceUnavailable || !strings.Contains(text, "not known") {
			t.Errorf("got %d %s, want 503 and that it is not known", code, text)
		}
		if _, err := l.n.Silence(t.Context(), "taro", silence.Silence{
			Matchers: []silence.Matcher{{Name: "alertname", Op: "=", Value: "Noisy"}},
			Starts:   time.Now(), Ends: time.Now().Add(time.Hour), Comment: "c",
		}); !errors.Is(err, entry.ErrUnknown) {
			t.Errorf("got %v, want an error of entry.ErrUnknown", err)
		}
		l.book.refusing(nil)
		within(t, time.Minute, "both are in the ledger", func() bool { return len(l.book.kept()) == 2 })
	})
}

// TestSilenceRefused: who may not operate makes and ends no silence, but looks.
func TestSilenceRefused(t *testing.T) {
	t.Parallel()
	hook := hookReceiver(t)
	l := newLab(t, hookConfig(hook.URL, atOnce), onlyView)
	url := l.serve()
	if code, text := postSilence(t, url, "Noisy"); code != http.StatusForbidden || !strings.Contains(text, "operate") {
		t.Errorf("add: %d %s", code, text)
	}
	if code, text := ask(t, http.MethodDelete, url+"/alertmanager/api/v2/silence/0e46c2d1-3d25-4a0f-8b66-0d60e0d2a001", nil); code != http.StatusForbidden {
		t.Errorf("expire: %d %s", code, text)
	}
	if code, text := ask(t, http.MethodGet, url+"/alertmanager/api/v2/silences", nil); code != http.StatusOK || strings.TrimSpace(text) != "[]" {
		t.Errorf("list: %d %s", code, text)
	}
	if len(l.book.kept()) != 0 {
		t.Errorf("the ledger has %+v", l.book.kept())
	}
}

// onlyView lets everybody look and nobody do anything.
func onlyView(o *notify.Options) {
	o.Actor = func(_ *http.Request, right string) (string, error) {
		if right != access.MayView {
			return "", fmt.Errorf("hanako lacks the right %s", right)
		}
		return "hanako", nil
	}
}

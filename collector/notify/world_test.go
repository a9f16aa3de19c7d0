package notify

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// world is a Notifier with a feed and a ledger.
type world struct {
	t    *testing.T
	o    Options
	n    *Notifier
	stop func()

	mu     sync.Mutex
	news   chan struct{}
	alerts []machine.Alert // not taken
	notes  []entry.NotifyState
	refuse func(entry.NotifyState) error
	stored chan struct{} // holds one
}

func newWorld(t *testing.T, conf string) *world {
	t.Helper()
	w := &world{t: t, stop: func() {}, stored: make(chan struct{}, 1)}
	w.o = Options{
		Feed: w, Propose: w.propose, External: "https://screen", Log: slog.New(slog.DiscardHandler),
		Annotations: func(a machine.Alert) map[string]string { return map[string]string{"summary": "summary of " + a.ID} },
		Page: func(id string) (string, string, string, bool) {
			return "headline of " + id, "page of " + id, "https://screen/alerts/" + id, true
		},
	}
	if conf != "" {
		w.o.File = filepath.Join(t.TempDir(), "alertmanager.yml")
		w.write(conf)
	}
	t.Cleanup(func() { w.stop() })
	return w
}

func (w *world) write(conf string) {
	w.t.Helper()
	if err := os.WriteFile(w.o.File, []byte(conf), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// start runs a new Notifier, with what is kept.
func (w *world) start() {
	w.t.Helper()
	w.stop()
	w.news = make(chan struct{}, 1)
	w.o.Kept = w.kept
	n, err := New(w.o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.n = n
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() { n.Run(ctx) })
	w.stop = func() { cancel(); wg.Wait() }
	n.awaitRunning()
}

func (w *world) News() <-chan struct{} { return w.news }

func (w *world) Take() []machine.Alert {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := w.alerts
	w.alerts = nil
	return taken
}

func (w *world) raise(alerts ...machine.Alert) {
	w.mu.Lock()
	w.alerts = append(w.alerts, alerts...)
	news := w.news
	w.mu.Unlock()
	if news == nil {
		return
	}
	select {
	case news <- struct{}{}:
	default:
	}
}

func (w *world) propose(_ context.Context, n entry.NotifyState) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse != nil {
		if err := w.refuse(n); err != nil {
			return err
		}
	}
	w.notes = append(w.notes, n)
	select {
	case w.stored <- struct{}{}:
	default:
	}
	return nil
}

// kept is what the machine would keep: the newest of each key.
func (w *world) kept() []entry.NotifyRecord {
	w.mu.Lock()
	defer w.mu.Unlock()
	newest := map[string]entry.NotifyRecord{}
	for _, n := range w.notes {
		for _, k := range n.Kept {
			if old, ok := newest[k.Of+k.Key]; !ok || old.Updated < k.Updated {
				newest[k.Of+k.Key] = k
			}
		}
	}
	var out []entry.NotifyRecord
	for _, k := range newest {
		out = append(out, k)
	}
	return out
}

func (w *world) told() []entry.Notification {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []entry.Notification
	for _, n := range w.notes {
		out = append(out, n.Told...)
	}
	return out
}

// await waits until the ledger is so.
func (w *world) await(what string, ok func() bool) {
	w.t.Helper()
	over := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-w.stored:
		case <-over:
			w.t.Fatalf("waited in vain: %s", what)
		}
	}
}

func (w *world) awaitTold(n int) []entry.Notification {
	w.t.Helper()
	w.await("notifications", func() bool { return len(w.told()) >= n })
	return w.told()
}

// an alert that was raised just now; pairs are further labels.
func an(id, name string, pairs ...string) machine.Alert {
	a := machine.Alert{ID: id, Raised: time.Now().UnixNano(), Labels: []machine.Label{{Name: "alertname", Value: name}}}
	for i := 0; i < len(pairs); i += 2 {
		a.Labels = append(a.Labels, machine.Label{Name: pairs[i], Value: pairs[i+1]})
	}
	return a
}

func over(a machine.Alert) machine.Alert {
	a.Ended = time.Now().UnixNano()
	return a
}

// hook is a webhook that remembers what it was sent.
type hook struct {
	*httptest.Server
	mu  sync.Mutex
	got []message
}

type message struct {
	Receiver, Status string
	Alerts           []struct {
		Status              string
		Labels, Annotations map[string]string
	}
}

func (m message) names(status string) []string {
	var out []string
	for _, a := range m.Alerts {
		if a.Status == status {
			out = append(out, a.Annotations[alertAnnotation])
		}
	}
	slices.Sort(out)
	return out
}

func newHook(t *testing.T) *hook {
	h := &hook{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Errorf("webhook: %v", err)
		}
		h.mu.Lock()
		h.got = append(h.got, m)
		h.mu.Unlock()
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) all() []message {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.got)
}

// quick is a configuration that tells one webhook at once, all rules together.
func quick(url string) string {
	return strings.ReplaceAll(`
route: {receiver: hook, group_by: [team], group_wait: 0s, group_interval: 100ms, repeat_interval: 4h}
receivers: [{name: hook, webhook_configs: [{url: "URL"}]}]
`, "URL", url)
}

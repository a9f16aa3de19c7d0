package notify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
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

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/notify"
	"github.com/tomeishi/tomeishi/collector/record"
)

// lab is one notifier and what is around it.
type lab struct {
	t    testing.TB
	feed *feed
	book *book
	file string
	opt  notify.Options
	n    *notify.Notifier
	log  *lines
	stop func()
}

// newLab starts a notifier with a configuration; without text it is the
// built-in one.
func newLab(t testing.TB, config string, change ...func(*notify.Options)) *lab {
	t.Helper()
	l := &lab{t: t, feed: newFeed(), book: newBook(), log: &lines{}}
	if config != "" {
		l.file = filepath.Join(t.TempDir(), "alertmanager.yml")
		l.write(config)
	}
	l.opt = notify.Options{
		Propose:     l.book.propose,
		Annotations: l.annotations,
		Page:        l.page,
		File:        l.file,
		External:    "https://tomeishi.example",
		Actor:       func(*http.Request, string) (string, error) { return "hanako", nil },
		Log:         slog.New(slog.NewTextHandler(l.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(&l.opt)
	}
	t.Cleanup(func() {
		l.stop()
		if t.Failed() {
			t.Logf("log:\n%s", l.log)
		}
	})
	l.start()
	return l
}

func (l *lab) start() {
	l.t.Helper()
	l.opt.Feed, l.opt.Kept = l.feed, l.book.kept
	n, err := notify.New(l.opt)
	if err != nil {
		l.stop = func() {}
		l.t.Fatalf("new: %v", err)
	}
	l.n = n
	ctx, cancel := context.WithCancel(context.WithoutCancel(l.t.Context()))
	var running sync.WaitGroup
	running.Go(func() { n.Run(ctx) })
	l.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	l.awaitReady()
}

// load makes the configuration that stands in the file the one that tells.
func (l *lab) load() error {
	use, err := l.n.Load(l.file, l.opt.Heartbeat)
	if err == nil {
		use()
	}
	return err
}

// awaitReady waits until the notifier tells people.
func (l *lab) awaitReady() {
	l.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range patience / time.Millisecond {
		if code, _ := l.ask(http.MethodGet, "/alertmanager/-/ready", nil); code == http.StatusOK {
			return
		}
		<-tick.C
	}
	l.t.Fatalf("not ready after %v", patience)
}

// ask asks the API without a connection.
func (l *lab) ask(method, path string, body any) (int, string) {
	l.t.Helper()
	mux := http.NewServeMux()
	l.n.Register(mux)
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(l.t.Context(), method, path, asJSON(l.t, body))
	r.Header.Set("Content-Type", "application/json")
	mux.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func asJSON(t testing.TB, body any) io.Reader {
	t.Helper()
	var b bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&b).Encode(body); err != nil {
			t.Fatal(err)
		}
	}
	return &b
}

// restart goes on with a new notifier, which knows what is in the ledger.
func (l *lab) restart() {
	l.t.Helper()
	l.stop()
	l.feed = l.feed.again()
	l.start()
}

func (l *lab) write(config string) {
	l.t.Helper()
	if err := os.WriteFile(l.file, []byte(config), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) annotations(a machine.Alert) map[string]string {
	m := map[string]string{}
	for _, x := range a.Annotations {
		m[x.Name] = x.Value
	}
	return m
}

func (l *lab) page(id string) (headline, text, link string, ok bool) {
	l.feed.mu.Lock()
	defer l.feed.mu.Unlock()
	a, ok := l.feed.alerts[id]
	if !ok {
		return "", "", "", false
	}
	return "Headline of " + a.Rule, "Held: 3 requests, 1.5 BTC\nSince 02:14", "https://tomeishi.example/alerts/" + id, true
}

// serve puts the notifier's API on a real server, and returns its URL.
func (l *lab) serve() string {
	l.t.Helper()
	mux := http.NewServeMux()
	l.n.Register(mux)
	s := httptest.NewServer(mux)
	l.t.Cleanup(s.Close)
	return s.URL
}

// ask asks a URL for something with a body of JSON, and returns the answer.
func ask(t testing.TB, method, url string, body any) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, asJSON(t, body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// long is for tests that take as long as the world does.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("waits for more than 30 seconds: not with -short")
	}
	t.Parallel()
}

// alert is an alert that was raised just now and stands; pairs are its further
// labels. One that is older than group_wait would not wait for others.
func alert(id, name, severity string, pairs ...string) machine.Alert {
	raised := time.Now().Truncate(time.Millisecond)
	a := machine.Alert{
		ID: id, Rule: name, Group: "lab",
		Since: raised.Add(-time.Minute).UnixNano(), Raised: raised.UnixNano(), Updated: raised.UnixNano(),
		Labels:      []machine.Label{{Name: "alertname", Value: name}, {Name: "severity", Value: severity}},
		Annotations: []machine.Label{{Name: "summary", Value: "Summary of " + name}},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		a.Labels = append(a.Labels, machine.Label{Name: pairs[i], Value: pairs[i+1]})
	}
	slices.SortFunc(a.Labels, func(x, y machine.Label) int { return strings.Compare(x.Name, y.Name) })
	return a
}

// ended is the alert, ended now.
func ended(a machine.Alert) machine.Alert {
	a.Ended = time.Now().UnixNano()
	a.Updated, a.Cause = a.Ended, record.New(record.NoLongerTrue)
	return a
}

// lines is a log that many may write.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	tellers     = 5  // collectors that are killed beside each other, to overlap their restarts
	tellerKills = 50 // of all of them
	// durable is how long after its answer a notification is safe from being
	// told again.
	durable = time.Second
	// late is how long after its sender was killed an answer may be written down.
	late = 300 * time.Millisecond
)

const tellRules = `groups:
- name: crash
  rules:
  - alert: Seen                 # one alert, and one notification, for each event
    event: payout.sent
    by: [data.payment]
    within: 1h
    when: count() >= 1
    limit: 100000
    labels: {severity: critical}
`

// Only Seen is told: what Tomeishi has to say of itself is not counted here.
const tellRoutes = `
route:
  receiver: nobody
  routes:
  - receiver: counter
    matchers: [alertname="Seen"]
    group_by: [payment]
    group_wait: 0s
    group_interval: 1s
    repeat_interval: 4h
receivers:
- name: nobody
- name: counter
  webhook_configs: [{url: "%s/%d"}]
`

// TestKillTells kills collectors fifty times between 0 and 2 seconds after a
// receiver has answered a notification of theirs, or as soon as the event that
// it is about is acknowledged. A notification that was answered a second or more
// before a kill is never told again; one answered later may be, under the same
// groupKey; none is lost.
func TestKillTells(t *testing.T) {
	if testing.Short() {
		t.Skip("kills real processes for a minute: not with -short")
	}
	program := filepath.Join(t.TempDir(), "tomeishi")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/tomeishi/tomeishi/cmd/tomeishi")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	c := newCounter(t)
	all := make([]*teller, tellers)
	for i := range all {
		all[i] = newTeller(t, program, c, i)
		all[i].process.start(t)
	}
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 2))
	for round := range tellerKills / tellers {
		// The one that is killed as soon as its event is acknowledged is another
		// one each time.
		tellRound(t, all, rnd, round%tellers)
	}
	for range 2 { // what was to be told again before these has been
		for _, w := range all {
			w.ready(t)
			w.post(t)
			w.awaitTold(t)
		}
	}
	for _, w := range all {
		w.process.end(t, syscall.SIGTERM)
	}
	again, kills := 0, 0
	for _, w := range all {
		again += w.judge(t)
		kills += len(w.kills)
	}
	t.Logf("%d kills, %d notifications, %d of them told again", kills, len(c.got), again)
	if kills != tellerKills {
		t.Errorf("killed %d times, want %d", kills, tellerKills)
	}
}

// tellRound makes every collector tell something, and kills each at a moment of
// its own.
func tellRound(t *testing.T, all []*teller, rnd *rand.Rand, early int) {
	t.Helper()
	type due struct {
		w  *teller
		at time.Time
	}
	var order []due
	for i, w := range all {
		w.ready(t)
		w.post(t)
		if i == early {
			w.kill(t)
			continue
		}
		answered := w.awaitTold(t)
		order = append(order, due{w, answered.Add(time.Duration(rnd.Int64N(int64(2 * time.Second))))})
	}
	slices.SortFunc(order, func(a, b due) int { return a.at.Compare(b.at) })
	for _, d := range order {
		pause(t.Context(), time.Until(d.at))
		d.w.kill(t)
	}
}

// counter is the receiver of all collectors' notifications.
type counter struct {
	*httptest.Server
	t *testing.T

	mu  sync.Mutex
	got []notification
}

type notification struct {
	teller, key, payment string
	answered             time.Time
}

func newCounter(t *testing.T) *counter {
	c := &counter{t: t}
	c.Server = httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.Close)
	return c
}

func (c *counter) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // its sender was killed
	}
	var m struct {
		GroupKey    string            `json:"groupKey"`
		GroupLabels map[string]string `json:"groupLabels"`
		Alerts      []struct{ Status string }
	}
	if err := json.Unmarshal(body, &m); err != nil || len(m.Alerts) != 1 || m.Alerts[0].Status != "firing" {
		c.t.Errorf("notification: %v %.500s", err, body)
	}
	w.WriteHeader(http.StatusOK)
	if err := http.NewResponseController(w).Flush(); err != nil {
		c.t.Errorf("answer: %v", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, notification{r.URL.Path, m.GroupKey, m.GroupLabels["payment"], time.Now()})
}

func (c *counter) of(teller, payment string) []notification {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []notification
	for _, n := range c.got {
		if n.teller == teller && n.payment == payment {
			out = append(out, n)
		}
	}
	return out
}

// teller is one collector and what was posted to it.
type teller struct {
	process *process
	counter *counter
	name    string // the path of its notifications
	url     string
	posted  []string
	kills   []time.Time
}

func newTeller(t *testing.T, program string, c *counter, i int) *teller {
	t.Helper()
	dir := t.TempDir()
	addr := freePort(t)
	write(t, filepath.Join(dir, "rules.yml"), tellRules)
	write(t, filepath.Join(dir, "alertmanager.yml"), fmt.Sprintf(tellRoutes, c.URL, i))
	write(t, filepath.Join(dir, "collector.yml"), fmt.Sprintf("listen: %s\ndata: data\nrules: [rules.yml]\nalertmanager: alertmanager.yml\n", addr))
	w := &teller{
		process: &process{path: program, args: []string{"collector", "--config", dir + "/collector.yml"}, log: dir + "/log"},
		counter: c, name: fmt.Sprintf("/%d", i), url: "http://" + addr,
	}
	t.Cleanup(func() {
		w.process.kill(t)
		if t.Failed() {
			t.Logf("%s:\n%s", w.process.log, tail(w.process.log))
		}
	})
	return w
}

func (w *teller) ready(t *testing.T) {
	t.Helper()
	await(t, w.url+" ready", func() bool {
		code, _ := get(t, w.url+"/-/ready")
		return code == http.StatusOK
	})
}

// post has one more event acknowledged, which fires.
func (w *teller) post(t *testing.T) {
	t.Helper()
	payment := fmt.Sprintf("p%d", len(w.posted))
	w.posted = append(w.posted, payment)
	client := &http.Client{Timeout: 2 * time.Second}
	await(t, payment+" acknowledged", func() bool {
		return send(context.WithoutCancel(t.Context()), client, w.url, payment, payment)
	})
}

// awaitTold waits until what was posted last has been told, and returns when
// that was answered.
func (w *teller) awaitTold(t *testing.T) time.Time {
	t.Helper()
	var got []notification
	await(t, "a notification of "+w.name, func() bool {
		got = w.counter.of(w.name, w.posted[len(w.posted)-1])
		return len(got) > 0
	})
	return got[0].answered
}

func (w *teller) kill(t *testing.T) {
	t.Helper()
	w.kills = append(w.kills, time.Now())
	w.process.kill(t)
	w.process.start(t)
}

// judge looks at every notification of the collector, and counts those that
// were told again.
func (w *teller) judge(t *testing.T) (again int) {
	t.Helper()
	for _, payment := range w.posted {
		got := w.counter.of(w.name, payment)
		if len(got) == 0 {
			t.Errorf("%s: %s was acknowledged and never told", w.name, payment)
			continue
		}
		for i, n := range got[1:] {
			before := got[i]
			again++
			if n.key != before.key || !strings.Contains(n.key, payment) {
				t.Errorf("%s: %s was told under %s, then under %s", w.name, payment, before.key, n.key)
			}
			if !slices.ContainsFunc(w.kills, func(k time.Time) bool {
				after := k.Sub(before.answered)
				return k.Before(n.answered) && -late < after && after < durable
			}) {
				t.Errorf("%s: %s was answered at %v and told again at %v; killed at %v", w.name, payment, before.answered, n.answered, w.kills)
			}
		}
	}
	return again
}

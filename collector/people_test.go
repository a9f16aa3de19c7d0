package collector

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/api"
)

// pager is a receiver of webhooks.
type pager struct {
	*httptest.Server
	mu   sync.Mutex
	got  []webhook
	code int // to answer; 0 for 200
}

type webhook struct {
	Status, Receiver, GroupKey string
	Alerts                     []struct {
		Status              string
		Labels, Annotations map[string]string
	}
}

func newPager(t testing.TB) *pager {
	p := &pager{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.code != 0 {
			w.WriteHeader(p.code)
			return
		}
		var hook webhook
		if err := json.Unmarshal(b, &hook); err != nil {
			t.Errorf("the webhook holds %q: %v", b, err)
		}
		p.got = append(p.got, hook)
	}))
	t.Cleanup(p.Close)
	return p
}

// about are the notifications so far that tell of an alert of the name.
func (p *pager) about(name, status string) (out []webhook) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.got {
		for _, a := range h.Alerts {
			if a.Labels["alertname"] == name && a.Status == status {
				out = append(out, h)
				break
			}
		}
	}
	return out
}

// file writes an Alertmanager configuration that tells this pager of all.
func (p *pager) file(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "alertmanager.yml")
	p.write(t, path, "pager")
	return path
}

func (p *pager) write(t testing.TB, path, receiver string) {
	t.Helper()
	text := fmt.Sprintf(`route: {receiver: %s, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers:
- name: pager
  webhook_configs: [{url: '%s'}]
`, receiver, p.URL)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (r *running) incident() (in api.Incident) {
	r.t.Helper()
	code, body := r.request(http.MethodGet, "/v1/incidents/i1", "", "")
	r.want(http.StatusOK, code, body)
	if err := json.Unmarshal([]byte(body), &in); err != nil {
		r.t.Fatal(err)
	}
	return in
}

// paidTwice makes the demo rule close its gate.
func (r *running) paidTwice() {
	r.t.Helper()
	for _, id := range []string{"p1", "p2"} {
		code, body := r.post(payment(id, "w1"))
		r.want(http.StatusAccepted, code, body)
	}
}

// TestToldOnScreen tells without any configuration, and remembers whom.
func TestToldOnScreen(t *testing.T) {
	t.Parallel()
	c := testConfig(t)
	r := start(t, c)
	r.paidTwice()
	r.await("the incident says who was told", func() bool {
		return len(r.incident().Told) > 0
	})
	told := len(r.machine.ToldView())
	r.stop()
	r = start(t, c)
	if in := r.incident(); len(in.Told) == 0 || in.Told[0].Receiver == "" || in.Told[0].Firing == 0 {
		t.Errorf("after a restart: %+v", in)
	}
	if again := len(r.machine.ToldView()); again < told {
		t.Errorf("%d notifications are known, before the restart it were %d", again, told)
	}
}

// TestPaged tells a receiver all that a person needs, and when it is over.
func TestPaged(t *testing.T) {
	t.Parallel()
	p := newPager(t)
	c := testConfig(t)
	c.Alertmanager, c.ExternalURL = p.file(t), "https://tomeishi.example:9311/"
	r := start(t, c)
	r.paidTwice()
	r.await("a page", func() bool { return len(p.about("DemoPaidTwice", "firing")) > 0 })
	r.await("a page of the gate", func() bool { return len(p.about("GateClosed", "firing")) > 0 })
	a := p.about("DemoPaidTwice", "firing")[0].Alerts[0].Annotations
	for name, part := range map[string]string{
		"link": "https://tomeishi.example:9311/incidents/i1", "headline": "demo/withdrawals", "page": "test/p2", "incident": "i1",
	} {
		if !strings.Contains(a[name], part) {
			t.Errorf("annotation %s lacks %q: %q", name, part, a[name])
		}
	}
	code, body := r.decide("/v1/gates/demo/withdrawals/open", `{"reason":"seen","verdict":"test"}`)
	r.want(http.StatusOK, code, body)
	r.await("a page that the gate is open", func() bool { return len(p.about("GateClosed", "resolved")) > 0 })
	r.await("the incident knows it", func() bool {
		var over int
		for _, n := range r.incident().Told {
			over += n.Resolved
		}
		return over > 0
	})
}

// TestClosedAgain tells again when a gate closes right after it was opened:
// whoever opened it believes it to be open.
func TestClosedAgain(t *testing.T) {
	t.Parallel()
	p := newPager(t)
	c := testConfig(t)
	c.Alertmanager = p.file(t)
	r := start(t, c)
	r.paidTwice()
	r.await("a page of the gate", func() bool { return len(p.about("GateClosed", "firing")) > 0 })
	code, body := r.decide("/v1/gates/demo/withdrawals/open", `{"reason":"seen","verdict":"test"}`)
	r.want(http.StatusOK, code, body)
	code, body = r.post(payment("p3", "w1"))
	r.want(http.StatusAccepted, code, body)
	r.await("another page of the gate", func() bool { return len(p.about("GateClosed", "firing")) > 1 })
}

// TestNotToldAgain restarts without another page for what was told, and tells
// then what ended while nobody could tell.
func TestNotToldAgain(t *testing.T) {
	t.Parallel()
	p := newPager(t)
	c := testConfig(t)
	c.Alertmanager = p.file(t)
	r := start(t, c)
	r.paidTwice()
	r.await("a page", func() bool { return len(p.about("GateClosed", "firing")) > 0 })
	r.await("it is in the ledger", func() bool { return len(r.machine.ToldView()) > 0 && len(r.machine.KeptView()) > 0 })
	r.stop()

	p.mu.Lock()
	p.code = http.StatusServiceUnavailable
	p.mu.Unlock()
	r = start(t, c)
	code, body := r.decide("/v1/gates/demo/withdrawals/open", `{"reason":"seen","verdict":"test"}`)
	r.want(http.StatusOK, code, body)
	r.stop()

	p.mu.Lock()
	p.code = 0
	p.mu.Unlock()
	r = start(t, c)
	r.await("a page that it is over", func() bool { return len(p.about("GateClosed", "resolved")) > 0 })
	if n := len(p.about("GateClosed", "firing")); n != 1 {
		t.Errorf("told %d times that the gate is closed, want once", n)
	}
}

// TestSilenceStays keeps a silence over a restart, under the name of who made
// it.
func TestSilenceStays(t *testing.T) {
	t.Parallel()
	p := newPager(t)
	c := testConfig(t)
	c.Alertmanager = p.file(t)
	r := start(t, c)
	now := time.Now().UTC()
	code, body := r.decide("/alertmanager/api/v2/silences", fmt.Sprintf(
		`{"matchers":[{"name":"alertname","value":"DemoPaidTwice","isRegex":false}],"startsAt":%q,"endsAt":%q,"createdBy":"mallory","comment":"maintenance"}`,
		now.Format(time.RFC3339), now.Add(time.Hour).Format(time.RFC3339)))
	r.want(http.StatusOK, code, body, "silenceID")
	r.stop()
	r = start(t, c)
	code, body = r.request(http.MethodGet, "/alertmanager/api/v2/silences", "", "")
	r.want(http.StatusOK, code, body, `"maintenance"`, `local`, `"active"`)
	r.paidTwice()
	r.await("a page of what is not silenced", func() bool { return len(p.about("GateClosed", "firing")) > 0 })
	if pages := p.about("DemoPaidTwice", "firing"); len(pages) > 0 {
		t.Errorf("silenced, and told all the same: %+v", pages)
	}
	code, body = r.request(http.MethodGet, "/v1/gates/demo/withdrawals/check", "", "")
	r.want(http.StatusLocked, code, body) // a silence disarms nothing
}

// TestReloadTells takes up a changed configuration of who is told, and keeps
// the one before when the new one is wrong.
func TestReloadTells(t *testing.T) {
	t.Parallel()
	p := newPager(t)
	c := testConfig(t)
	c.Alertmanager = p.file(t)
	r := start(t, c)
	p.write(t, c.Alertmanager, "nobody")
	code, body := r.decide("/-/reload", "")
	r.want(http.StatusUnprocessableEntity, code, body, "nobody", filepath.Base(c.Alertmanager))
	r.await("the condition", func() bool { return r.hasAlert("ReloadFailed") })
	r.paidTwice()
	r.await("a page by the configuration before", func() bool { return len(p.about("GateClosed", "firing")) > 0 })
	p.write(t, c.Alertmanager, "pager")
	code, body = r.decide("/-/reload", "")
	r.want(http.StatusOK, code, body)
	r.await("the condition is over", func() bool { return !r.hasAlert("ReloadFailed") })
}

// TestStartsWithoutPager protects also when the configuration of who is told
// cannot be read: gates close, the screen says it, and the heartbeat is silent.
func TestStartsWithoutPager(t *testing.T) {
	t.Parallel()
	p := newPager(t)
	c := testConfig(t)
	c.Alertmanager = p.file(t)
	p.write(t, c.Alertmanager, "nobody")
	r := start(t, c)
	r.paidTwice()
	code, body := r.request(http.MethodGet, "/v1/gates/demo/withdrawals/check", "", "")
	r.want(http.StatusLocked, code, body)
	r.await("the condition", func() bool { return r.hasAlert("ReloadFailed") })
	p.write(t, c.Alertmanager, "pager")
	code, body = r.decide("/-/reload", "")
	r.want(http.StatusOK, code, body)
	r.await("a page after all", func() bool { return len(p.about("GateClosed", "firing")) > 0 })
}

func (r *running) hasAlert(name string) bool {
	for _, a := range r.machine.AlertsView() {
		if a.Rule == name {
			return true
		}
	}
	return false
}

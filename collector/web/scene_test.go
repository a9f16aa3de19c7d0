package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/access"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
	"github.com/tomeishi/tomeishi/collector/promrule"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/collector/silence"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/window"
)

const sceneRules = `groups:
- name: withdrawals
  rules:
  - alert: RequestPaidTwice
    event: payout.sent
    by: [data.request]
    within: 24h
    when: distinct(data.payment) >= 2
    labels: {severity: critical}
    annotations:
      summary: '{{ $value }} payments for withdrawal {{ $labels.request }}'
      description: Look at the wallet before anything is opened.
      runbook_url: https://runbooks.example/payouts
      dashboard: javascript:alert(1)
    mitigate: [stop-btc]
  - alert: ManyPayouts
    event: payout.sent
    by: [data.asset]
    within: 5m
    when: count() >= 5
    labels: {severity: info}
- name: hosts
  rules:
  - alert: HostDiskFull
    expr: node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.02
    for: 1m
    labels: {severity: critical}
    annotations: {summary: '{{ $labels.mountpoint }} of {{ $labels.instance }} is full'}
  - alert: HostMemoryLow
    expr: node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 0.05
    for: 5m
    labels: {severity: warning}
  - alert: HostRebooted
    expr: node_boot_time_seconds > 1
    labels: {severity: warning}
gates:
- {name: withdrawals/btc, mode: enforce}
mitigations:
- {name: stop-btc, action: gate.close, target: withdrawals/btc, mode: enforce}
`

// markup is a text that a page must show as text.
const markup = `<script>alert('x')</script>"><img src=x onerror=alert(1)>`

// A scene is a machine that is fed without a ledger, and what else the screen
// needs.
type scene struct {
	*machine.Machine
	t        testing.TB
	index    uint64
	now      time.Time
	next     int
	silences []silence.Silence
	silence  error // of making or ending one
	actor    error // of who asks
	may      []string
	groups   []promrule.Group
	web      *Web
	mux      *http.ServeMux
}

func newScene(t testing.TB) *scene {
	s := &scene{Machine: machine.New(), t: t, now: time.Now().Add(-2 * time.Hour), may: []string{access.MayView, access.MayOperate}}
	s.json(entry.KindGenesis, entry.Genesis{Cell: "c1", Secret: [2]uint64{1, 2}})
	s.json(entry.KindLead, entry.Lead{})
	s.load(sceneRules)
	language, zone := message.English, time.UTC
	write := message.New(message.Options{Machine: s.Machine.Shown(true), Evidence: evidenceNames, Language: language, Zone: zone, External: "http://stone.example"})
	s.web = New(Options{
		Machine: s.Machine.Shown(true), Message: write, Language: language, Silences: s, Version: "test",
		Access: s, Signals: signals(s.ask), Views: around{evidence: evidenceNames, groups: func() []promrule.Group { return s.groups }},
	})
	s.mux = http.NewServeMux()
	s.web.Register(s.mux)
	return s
}

func (s *scene) Asker(*http.Request) Asker {
	return Asker{Name: "alice", May: s.may}
}

func (s *scene) Actor(*http.Request, string) (string, error) { return "alice", s.actor }

func evidenceNames(refs []window.Ref) (out []string) {
	for _, r := range refs {
		out = append(out, fmt.Sprintf("c1/payer%%40wallet1/e%d-%d", r.Index(), r.Ordinal()))
	}
	return out
}

func (s *scene) load(text string) {
	set := hex.EncodeToString(func() []byte { h := sha256.Sum256([]byte(text)); return h[:] }())
	s.json(entry.KindPrepare, entry.Prepare{Set: set, Files: []rules.File{{Name: "/etc/tomeishi/rules.yml", Text: []byte(text)}}})
	s.json(entry.KindLive, entry.Live{Set: set})
}

func (s *scene) entry(kind entry.Kind, body []byte) any {
	s.t.Helper()
	s.index++
	out := s.Apply(entry.Entry{Index: s.index, Time: s.now.UnixNano(), Kind: kind, Body: body, Hash: sha256.Sum256(body)})
	if err, ok := out.(error); ok {
		s.t.Fatal(err)
	}
	return out
}

func (s *scene) json(kind entry.Kind, v any) any {
	s.t.Helper()
	return s.entry(kind, entry.Marshal(v))
}

// at moves ledger time to so long before now.
func (s *scene) at(before time.Duration) { s.now = time.Now().Add(-before) }

// pay sends a payment for a request.
func (s *scene) pay(request, payment string) {
	s.t.Helper()
	s.next++
	data, err := json.Marshal(map[string]string{"request": request, "payment": payment, "asset": "BTC", "amount": "1"})
	if err != nil {
		s.t.Fatal(err)
	}
	var b report.Builder
	b.Add(&report.Event{ID: fmt.Sprint("e", s.next), Source: "payer@wallet1", Type: "payout.sent", Seen: s.now.UnixNano(), Data: data})
	s.entry(entry.KindBatch, b.Bytes())
}

var sceneSchema = report.NewSchema([]report.Series{{Name: "x"}})

// speak lets agents send a frame; ahead is by how much their clock is.
func (s *scene) speak(ahead time.Duration, agents ...string) {
	s.t.Helper()
	for _, a := range agents {
		ms := s.now.Add(ahead).UnixMilli()
		one := report.Samples{
			Agent: a, Lane: report.SpoolID{1}, Schema: sceneSchema, Sent: ms,
			Frames: []report.Frame{{Time: ms, Values: []float64{1}}},
		}
		s.entry(entry.KindSamples, one.Append(nil))
	}
}

// block sends a block of an agent's spool with one event.
func (s *scene) block(agent string, seq uint64, ev *report.Event) {
	s.t.Helper()
	var b report.Builder
	ev.Seen = s.now.UnixNano()
	b.Add(ev)
	block := report.Block{Head: report.Head{Agent: agent, Spool: report.SpoolID{2}, Seq: seq}, Batch: b.Batch()}
	s.entry(entry.KindBlocks, block.Append(nil))
}

// fire makes alerts of a metric rule stand, each with the labels given, names
// and values in turn.
func (s *scene) fire(rule, summary string, labels ...[]string) {
	s.t.Helper()
	_, set, _ := s.RulesView()
	levels := entry.Levels{Set: set}
	for _, v := range s.MetricRulesView() {
		if v.Name != rule {
			continue
		}
		for _, of := range labels {
			l := entry.Level{Rule: hex.EncodeToString(v.ID[:]), Value: "0.0123456789", Active: s.now.UnixNano(), Labels: []machine.Label{{Name: "alertname", Value: rule}}}
			for _, p := range v.Labels {
				l.Labels = append(l.Labels, machine.Label{Name: p.Name, Value: p.Value})
			}
			for i := 0; i < len(of); i += 2 {
				l.Labels = append(l.Labels, machine.Label{Name: of[i], Value: of[i+1]})
			}
			slices.SortFunc(l.Labels, func(a, b machine.Label) int { return strings.Compare(a.Name, b.Name) })
			if summary != "" {
				l.Annotations = []machine.Label{{Name: "summary", Value: summary}}
			}
			levels.Firing = append(levels.Firing, l)
		}
	}
	s.json(entry.KindLevels, levels)
}

// resolve says that a metric alert fires no more.
func (s *scene) resolve(set, id string) {
	s.t.Helper()
	s.json(entry.KindLevels, entry.Levels{Set: set, Resolved: []string{id}})
}

// Silences are those that were made.
func (s *scene) Silences(context.Context) ([]silence.Silence, error) { return s.silences, nil }

// Silence makes one.
func (s *scene) Silence(_ context.Context, actor string, one silence.Silence) (string, error) {
	if s.silence != nil {
		return "", s.silence
	}
	one.ID, one.By, one.State = fmt.Sprintf("s%d", len(s.silences)+1), actor, "active"
	s.silences = append(s.silences, one)
	return one.ID, nil
}

// Expire ends one.
func (s *scene) Expire(_ context.Context, _, id string) error {
	if s.silence != nil {
		return s.silence
	}
	for i := range s.silences {
		if s.silences[i].ID == id {
			s.silences[i].State, s.silences[i].Ends = "expired", time.Now()
			return nil
		}
	}
	return &machine.Refusal{Reason: machine.NotFound, Why: record.New(record.NoSilence, id)}
}

// SilencedBy are the active ones that name an alert.
func (s *scene) SilencedBy(labels []machine.Label) (out []string) {
	for _, one := range s.silences {
		naming, err := silence.NewMatchers(one.Matchers)
		if err == nil && one.State == "active" && naming.Count([]machine.Alert{{Labels: labels}}) == 1 {
			out = append(out, one.ID)
		}
	}
	return out
}

// get is a page; its status must be the one given.
func (s *scene) get(path string, status int) string {
	s.t.Helper()
	return s.request(http.MethodGet, path, nil, status)
}

func (s *scene) request(method, path string, form url.Values, status int, cookies ...*http.Cookie) string {
	s.t.Helper()
	w := s.answer(method, path, form, cookies...)
	if w.Code != status {
		s.t.Fatalf("%s %s: %d, want %d: %s", method, path, w.Code, status, excerpt(w.Body.String()))
	}
	return w.Body.String()
}

func (s *scene) answer(method, path string, form url.Values, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	return w
}

// id is the id of a standing alert of a rule.
func (s *scene) id(rule string) string {
	s.t.Helper()
	for _, a := range s.AlertsView() {
		if a.Rule == rule {
			return a.ID
		}
	}
	s.t.Fatalf("no alert of %s stands", rule)
	return ""
}

// wants finds texts that a page lacks.
func (s *scene) wants(page string, wants ...string) {
	s.t.Helper()
	for _, want := range wants {
		if !strings.Contains(page, want) {
			s.t.Errorf("it does not say %q: %s", want, excerpt(page))
		}
	}
}

// lacks finds texts that a page should not have.
func (s *scene) lacks(page string, unwanted ...string) {
	s.t.Helper()
	for _, u := range unwanted {
		if at := strings.Index(page, u); at >= 0 {
			s.t.Errorf("it says %q: %s", u, page[max(0, at-200):min(len(page), at+200)])
		}
	}
}

var tags = regexp.MustCompile(`<[^>]*>|\s+`)

// excerpt is what a page says, for a test that failed.
func excerpt(page string) string {
	text := plain(page)
	return text[:min(len(text), 1500)]
}

// plain is what the main part of a page says, without its markup.
func plain(page string) string {
	_, main, _ := strings.Cut(page, "<main")
	main, _, _ = strings.Cut(main, "</main>")
	return strings.Join(strings.Fields(tags.ReplaceAllString(main, " ")), " ")
}

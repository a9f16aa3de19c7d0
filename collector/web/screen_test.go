package web

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/access"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
	"github.com/tomeishi/tomeishi/collector/promrule"
	"github.com/tomeishi/tomeishi/collector/silence"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/window"
)

const screenRules = `groups:
- name: withdrawals
  rules:
  - alert: RequestPaidTwice
    event: payout.sent
    by: [data.request]
    within: 24h
    when: distinct(data.payment) >= 2
    limit: 10000
    labels: {severity: critical}
    annotations: {summary: '{{ $value }} payments for withdrawal {{ $labels.request }}'}
    mitigate: [stop-btc]
  - alert: PaidAtAll
    event: payout.paid
    by: [data.request]
    within: 1h
    when: count() >= 1
    limit: 10000
    labels: {severity: warning}
    annotations: {summary: 'one payment for {{ $labels.request }}'}
  - alert: Latency
    expr: x > 2
    labels: {severity: critical}
    mitigate: [ask-jpy]
gates:
- {name: withdrawals, mode: enforce, closed_by: people}
- {name: withdrawals/btc, mode: enforce}
- {name: withdrawals/jpy, mode: approve}
- {name: withdrawals/eth, mode: shadow}
- {name: deposits, mode: enforce, closed_by: people, open: {approvals: 2, alone: {after: 10m}}}
mitigations:
- {name: stop-btc, action: gate.close, target: withdrawals/btc, mode: enforce}
- {name: ask-jpy, action: gate.close, target: withdrawals/jpy, mode: approve}
`

// A screen is the screen of a machine that is fed without a ledger; decisions
// are applied at once.
type screen struct {
	*machine.Machine
	t      testing.TB
	mu     sync.Mutex // one entry at a time
	index  uint64
	mux    *http.ServeMux
	web    *Web
	asker  Asker
	decide func(entry.Decision) (any, error)
}

func newScreen(t testing.TB, language message.Language) *screen {
	s := &screen{
		Machine: machine.New(), t: t, mux: http.NewServeMux(),
		asker: Asker{Name: "hanako", May: []string{access.MayView, access.MayOperate, access.MayApprove}, LogOut: true},
	}
	s.apply(entry.KindGenesis, entry.Genesis{Cell: "c1", Behavior: machine.Behavior})
	s.apply(entry.KindPrepare, entry.Prepare{Set: "s", Files: []rules.File{{Name: "r.yml", Text: []byte(screenRules)}}})
	s.apply(entry.KindLive, entry.Live{Set: "s"})
	evidence := func(refs []window.Ref) []string {
		out := make([]string, len(refs))
		for i, r := range refs {
			out[i] = fmt.Sprintf("c1/payer%%40wallet/event%%2F%d", r.Index())
		}
		return out
	}
	s.decide = func(d entry.Decision) (any, error) {
		return s.try(entry.KindDecision, entry.Marshal(d)), nil
	}
	s.web = New(Options{
		Machine: s.Machine.Shown(true), Language: language, Version: "test",
		Message: message.New(message.Options{Machine: s.Machine.Shown(true), Evidence: evidence, Language: language, Zone: time.UTC}),
		Decider: &access.Decider{
			State: s.Machine, Actor: s.Actor,
			Submit: func(_ context.Context, d entry.Decision) (any, error) { return s.decide(d) },
		},
		Access: s, Views: around{evidence: evidence}, Signals: noSignals{},
		Silences: noSilences{},
	})
	s.web.Register(s.mux)
	return s
}

func (s *screen) Asker(*http.Request) Asker { return s.asker }

func (s *screen) Actor(_ *http.Request, right string) (string, error) {
	if !slices.Contains(s.asker.May, right) {
		return "", fmt.Errorf("this token does not have the right %q", right)
	}
	return s.asker.Name, nil
}

// around is the collector around a screen; what is nil is empty.
type around struct {
	evidence func([]window.Ref) []string
	groups   func() []promrule.Group
	trouble  []string
}

func (a around) Evidence(refs []window.Ref) []string { return a.evidence(refs) }
func (a around) Trouble() []string                   { return a.trouble }

func (a around) Groups() []promrule.Group {
	if a.groups == nil {
		return nil
	}
	return a.groups()
}

// noSignals has no series.
type noSignals struct{}

func (noSignals) Range(context.Context, string, time.Time, time.Time, time.Duration, func(map[string]string, []int64, []float64)) error {
	return nil
}

// signals answer as they are told.
type signals func(ctx context.Context, query string, from, to time.Time, step time.Duration, each func(map[string]string, []int64, []float64)) error

func (s signals) Range(ctx context.Context, query string, from, to time.Time, step time.Duration, each func(map[string]string, []int64, []float64)) error {
	return s(ctx, query, from, to, step, each)
}

// noSilences has none, and keeps none.
type noSilences struct{}

func (noSilences) Silences(context.Context) ([]silence.Silence, error) { return nil, nil }
func (noSilences) Silence(context.Context, string, silence.Silence) (string, error) {
	return "", entry.ErrNotStored
}
func (noSilences) Expire(context.Context, string, string) error { return entry.ErrNotStored }
func (noSilences) SilencedBy([]machine.Label) []string          { return nil }

func (s *screen) apply(kind entry.Kind, v any) {
	s.t.Helper()
	if err, ok := s.try(kind, entry.Marshal(v)).(error); ok {
		s.t.Fatal(err)
	}
}

func (s *screen) try(kind entry.Kind, body []byte) any { return s.entry(kind, body, time.Now()) }

func (s *screen) entry(kind entry.Kind, body []byte, at time.Time) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index++
	return s.Apply(entry.Entry{Index: s.index, Time: at.UnixNano(), Kind: kind, Body: body, Hash: [32]byte{byte(s.index)}})
}

// reports puts events with these data into the ledger.
func (s *screen) reports(kind string, data ...string) {
	s.t.Helper()
	var b report.Builder
	for i, d := range data {
		b.Add(&report.Event{ID: strconv.FormatUint(s.index, 10) + "-" + strconv.Itoa(i), Source: "payer@wallet", Type: kind, Seen: time.Now().UnixNano(), Data: []byte(d)})
	}
	if err, ok := s.try(entry.KindBatch, b.Bytes()).(error); ok {
		s.t.Fatal(err)
	}
}

// paysTwice makes RequestPaidTwice fire for a request, which closes the gate
// withdrawals/btc.
func (s *screen) paysTwice(request string) {
	s.t.Helper()
	s.reports("payout.sent", `{"request":"`+request+`","payment":"p1"}`, `{"request":"`+request+`","payment":"p2"}`)
}

// fires makes the metric rule Latency fire.
func (s *screen) fires() {
	s.t.Helper()
	id := s.MetricRulesView()[0].ID
	s.apply(entry.KindLevels, entry.Levels{Set: "s", Firing: []entry.Level{{
		Rule: hex.EncodeToString(id[:]), Value: "3", Active: time.Now().UnixNano(),
		Labels:      machine.BoundLabels([]machine.Label{{Name: "alertname", Value: "Latency"}, {Name: "severity", Value: "critical"}, {Name: "instance", Value: "db-1"}}),
		Annotations: []machine.Label{{Name: "summary", Value: "slow at db-1"}},
	}}})
}

// hears makes so many agents speak at a time.
func (s *screen) hears(n int, at time.Time) {
	s.t.Helper()
	schema := report.NewSchema([]report.Series{{Name: "x"}})
	for i := range n {
		b := report.Samples{
			Agent: fmt.Sprintf("web-%03d", i), Lane: report.SpoolID{1}, Schema: schema, Sent: at.UnixMilli(),
			Frames: []report.Frame{{Time: at.UnixMilli(), Values: []float64{1}}},
		}
		if err, ok := s.entry(entry.KindSamples, b.Append(nil), at).(error); ok {
			s.t.Fatal(err)
		}
	}
}

// get asks for a page.
func (s *screen) get(path string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, path, nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	return w
}

// send sends a form of names and values.
func (s *screen) send(path string, fields ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	return w
}

// says fails the test if the page lacks one of the texts.
func says(t testing.TB, w *httptest.ResponseRecorder, status int, texts ...string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("status %d, want %d", w.Code, status)
	}
	page := read(t, w).text()
	for _, want := range texts {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q:\n%s", want, page)
		}
	}
}

package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/access"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/message"
	"github.com/tomeishi/tomeishi/collector/promrule"
	"github.com/tomeishi/tomeishi/rules/window"
)

// server answers for the cell over HTTP; decisions are applied at once.
func (c *cell) server(groups func() []promrule.Group) *httptest.Server {
	return c.serve(c.api(groups))
}

func (c *cell) api(groups func() []promrule.Group) *API {
	return c.apiFor(groups, func(right string) (string, error) {
		if right != access.MayOperate {
			c.t.Errorf("asked for the right %s", right)
		}
		return "me", nil
	})
}

// apiFor is an API that is asked by whoever actor says.
func (c *cell) apiFor(groups func() []promrule.Group, actor func(right string) (string, error)) *API {
	return &API{Options: Options{
		Machine: c.Machine.Shown(true), Message: message.New(message.Options{}),
		Decider: &access.Decider{
			State: c.Machine,
			Actor: func(_ *http.Request, right string) (string, error) { return actor(right) },
			Submit: func(_ context.Context, d entry.Decision) (any, error) {
				return c.try(entry.KindDecision, entry.Marshal(d), time.Now()), nil
			},
		},
		Lifecycle: &edge{}, Views: &edge{groups: groups},
	}}
}

// edge is the collector around an API.
type edge struct {
	groups   func() []promrule.Group
	stopping chan struct{}
	still    func(*http.Request) error
}

func (e *edge) Evidence(refs []window.Ref) []string { return make([]string, len(refs)) }
func (e *edge) Status() Status                      { return Status{Version: "test"} }
func (e *edge) Ready() error                        { return nil }
func (e *edge) Stopping() <-chan struct{}           { return e.stopping }

func (e *edge) Groups() []promrule.Group {
	if e.groups == nil {
		return nil
	}
	return e.groups()
}

func (e *edge) Actor(*http.Request, string) (string, error) { return "me", nil }
func (e *edge) SpeaksFor(*http.Request, string) error       { return nil }
func (e *edge) Still(r *http.Request) error                 { return e.still(r) }

func (c *cell) serve(a *API) *httptest.Server {
	mux := http.NewServeMux()
	a.Register(mux)
	s := httptest.NewServer(mux)
	c.t.Cleanup(s.Close)
	return s
}

// ask sends a request and decodes the answer.
func ask(t testing.TB, method, url, body string, out any) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(text, out)
	}
	if err != nil {
		t.Fatalf("%s %s: %d %s: %v", method, url, resp.StatusCode, text, err)
	}
	return resp.StatusCode
}

var oneSeries = report.NewSchema([]report.Series{{Name: "x"}})

// speaks lets an agent send a frame at a time of the ledger.
func (c *cell) speaks(agent string, at time.Time) {
	c.t.Helper()
	s := report.Samples{
		Agent: agent, Lane: report.SpoolID{1}, Schema: oneSeries, Sent: at.UnixMilli(),
		Frames: []report.Frame{{Time: at.UnixMilli(), Values: []float64{1}}},
	}
	c.entry(entry.KindSamples, s.Append(nil), at)
}

// pays sends payments for requests, each of which is the name of one.
func (c *cell) pays(requests ...string) {
	c.t.Helper()
	var b report.Builder
	for i, request := range requests {
		b.Add(&report.Event{
			ID: strconv.Itoa(i), Source: "s", Type: "payout.sent", Seen: time.Now().UnixNano(), Data: []byte(`{"request": "` + request + `"}`),
		})
	}
	c.entry(entry.KindBatch, b.Bytes(), time.Now())
}

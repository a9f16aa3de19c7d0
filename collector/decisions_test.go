package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/collector/api"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// TestStrictBodies refuses decisions that two readers could understand
// differently, and keys that mean nothing where they stand.
func TestStrictBodies(t *testing.T) {
	r := start(t, testConfig(t))
	const approve, undo = "/v1/effects/e1/approve", "/v1/effects/e1/undo"
	for _, c := range []struct{ path, body, field, problem string }{
		{demoGate + "/close", `{"reason":"a","reason":"b"}`, "reason", "twice"},
		{demoGate + "/close", `{"reason":"a","match":{"tag":"1","tag":"2"}}`, "match.tag", "twice"},
		{demoGate + "/close", `{"Reason":"a"}`, "Reason", "the keys are reason, match"},
		{demoGate + "/close", "{\"reason\":\"\xff\"}", "reason", "UTF-8"},
		{demoGate + "/close", `{"reason":"a"} x`, "", "end of the JSON text"},
		{demoGate + "/close", `[]`, "", "want a JSON object"},
		{demoGate + "/close", `{"reason":[]}`, "reason", "found an array, want a string"},
		{demoGate + "/close", `{"reason":"a","match":"b"}`, "match", "found a string, want an object of strings"},
		{demoGate + "/close", `{"reason":"a","epoch":1}`, "epoch", "nothing is known"},
		{demoGate + "/open", `{"epoch":-1}`, "epoch", "want a whole number"},
		{demoGate + "/open", `{"match":{"tag":"1"}}`, "match", "nothing is known"},
		{approve, `{"hold":"h1"}`, "hold", "nothing is known"},
		{approve, `{"verdict":"real"}`, "verdict", "nothing is known"},
		{approve, `{"match":{}}`, "match", "nothing is known"},
		{undo, `{"hold":"h1"}`, "hold", "nothing is known"},
		{undo, `{"match":{}}`, "match", "nothing is known"},
		{"/v1/incidents/i1/verdict", `{"verdict":"real","epoch":1}`, "epoch", "nothing is known"},
	} {
		code, body := r.decide(c.path, c.body)
		var p struct{ Error, Field string }
		if err := json.Unmarshal([]byte(body), &p); err != nil || code != 400 || p.Field != c.field || !strings.Contains(p.Error, c.problem) {
			t.Errorf("%s %s: %d %s, want field %q and %q", c.path, c.body, code, body, c.field, c.problem)
		}
		if strings.Contains(body, "api.") || strings.Contains(body, "Go ") {
			t.Errorf("%s: %s speaks of Go", c.body, body)
		}
	}
}

// TestUndoNamesItsEpoch passes on the epoch that the asker has read.
func TestUndoNamesItsEpoch(t *testing.T) {
	var got entry.Decision
	mux := http.NewServeMux()
	a := &api.API{Options: api.Options{
		Machine: machine.New().Shown(true),
		Decider: deciderFunc(func(_ *http.Request, d entry.Decision) (any, error) {
			got = d
			return nil, nil
		}),
	}}
	a.Register(mux)
	ask(t, mux, "/v1/effects/e1/undo", `{"epoch":7,"reason":"r","verdict":"test"}`)
	if got.Epoch == nil || *got.Epoch != 7 || got.Verdict != "test" || got.Reason != "r" {
		t.Errorf("decided %+v", got)
	}
	ask(t, mux, "/v1/effects/e1/approve", `{"reason":"r"}`)
	if got.Do != entry.DoApprove || got.Reason != "r" {
		t.Errorf("decided %+v", got)
	}
}

// deciderFunc decides as it is told.
type deciderFunc func(*http.Request, entry.Decision) (any, error)

func (f deciderFunc) Decide(r *http.Request, d entry.Decision) (any, error) { return f(r, d) }

// reloading is a collector that anybody may ask to reload.
type reloading struct {
	edge
	err error
}

func (reloading) Actor(*http.Request, string) (string, error) { return "me", nil }
func (r reloading) Reload(context.Context) (string, error)    { return "", r.err }

// TestReloadOutcomes tells problems of the rule files from those of the ledger.
func TestReloadOutcomes(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
	}{
		{api.BadRules(errors.New("r.yml:1:1: no")), 422},
		{fmt.Errorf("make the rules live: %w", entry.ErrUnknown), 503},
		{fmt.Errorf("prepare: %w", entry.ErrNotStored), 503},
		{fmt.Errorf("prepare: %w", entry.ErrFull), 429},
	} {
		mux := http.NewServeMux()
		around := reloading{err: c.err}
		a := &api.API{Options: api.Options{Access: around, Operations: around}}
		a.Register(mux)
		code, body := ask(t, mux, "/-/reload", "")
		if code != c.code || strings.Contains(body, "goes on") != (c.code == 422) {
			t.Errorf("%v: %d %s, want %d", c.err, code, body, c.code)
		}
	}
}

// TestOutcomeDoesNotWait reads how the last reload went while one runs.
func TestOutcomeDoesNotWait(t *testing.T) {
	r := start(t, testConfig(t))
	r.reloader.mu.Lock() // a reload runs
	code, body := r.request(http.MethodGet, "/metrics", "", "")
	r.want(200, code, body, "tomeishi_rules_last_reload_successful 1")
	code, body = r.request(http.MethodGet, "/v1/status", "", "")
	r.want(200, code, body)
	r.reloader.mu.Unlock()
}

// TestFileGone is a problem of the rule files like any other.
func TestFileGone(t *testing.T) {
	c := testConfig(t)
	path := filepath.Join(t.TempDir(), "r.yml")
	if err := os.WriteFile(path, []byte(demoRules(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Rules = []string{path}
	r := startOptions(t, Options{Config: c, Log: slog.New(slog.DiscardHandler), Up: true})
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	code, body := r.decide("/-/reload", "")
	r.want(422, code, body, "goes on", path)
}

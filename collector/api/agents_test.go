package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// TestAgents lists agents with what is wrong with them, and forgets one.
func TestAgents(t *testing.T) {
	c := newCell(t)
	now := time.Now()
	c.apply(entry.KindLead, entry.Lead{})
	c.speaks("gone", now)
	c.speaks("well", now)
	c.speaks("well", now.Add(time.Minute))
	c.entry(entry.KindTick, []byte("{}"), now.Add(70*time.Second))
	s := c.server(nil)
	var list agentList
	if code := ask(t, http.MethodGet, s.URL+"/v1/agents", "", &list); code != http.StatusOK || len(list.Agents) != 2 {
		t.Fatalf("%d %+v", code, list)
	}
	gone, well := list.Agents[0], list.Agents[1]
	if gone.Agent != "gone" || gone.State != "silent" || gone.Ills[0] != "silent" || gone.Series != 1 || gone.Frames != 1 || gone.Heard == "" {
		t.Errorf("%+v, want it silent", gone)
	}
	if well.State != "ok" || well.Ills != nil || well.Frames != 2 {
		t.Errorf("%+v, want it well", well)
	}
	var st Status
	ask(t, http.MethodGet, s.URL+"/v1/status", "", &st)
	if len(st.BuiltIn) != 1 || st.BuiltIn[0].Name != "AgentSilent" || st.BuiltIn[0].Labels != "agent=gone" || !strings.Contains(st.BuiltIn[0].Summary, "gone") {
		t.Errorf("status has %+v, want the silent agent", st.BuiltIn)
	}

	var p struct{ Error, Field string }
	if code := ask(t, http.MethodPost, s.URL+"/v1/agents/gone/forget", `{"reason": " "}`, &p); code != http.StatusBadRequest || p.Field != "reason" {
		t.Errorf("without a reason: %d %+v", code, p)
	}
	if code := ask(t, http.MethodPost, s.URL+"/v1/agents/gone/forget", `{"why": "x"}`, &p); code != http.StatusBadRequest || p.Field != "why" {
		t.Errorf("with another key: %d %+v", code, p)
	}
	if code := ask(t, http.MethodPost, s.URL+"/v1/agents/well/forget", `{"reason": "x"}`, &p); code != http.StatusConflict {
		t.Errorf("one that is heard: %d %+v", code, p)
	}
	if code := ask(t, http.MethodPost, s.URL+"/v1/agents/gone/forget", `{"reason": "given back"}`, &list); code != http.StatusOK || len(list.Agents) != 1 {
		t.Errorf("%d %+v, want one agent left", code, list)
	}
	if code := ask(t, http.MethodPost, s.URL+"/v1/agents/gone/forget", `{"reason": "given back"}`, &p); code != http.StatusNotFound {
		t.Errorf("a second time: %d %+v", code, p)
	}
}

// TestAgentNames finds agents whatever their names are.
func TestAgentNames(t *testing.T) {
	c := newCell(t)
	now := time.Now()
	c.apply(entry.KindLead, entry.Lead{})
	names := []string{"a/b", "..", ".", "/", "a//b", "a b", "%2F", "%", "日本", "a?b#c", "forget", "../x", "+"}
	for _, name := range names {
		c.speaks(name, now)
	}
	c.entry(entry.KindTick, []byte("{}"), now.Add(time.Minute))
	s := c.server(nil)
	for i, name := range names {
		var list agentList
		path := "/v1/agents/" + strings.ReplaceAll(url.PathEscape(name), ".", "%2E") + "/forget"
		if code := ask(t, http.MethodPost, s.URL+path, `{"reason": "x"}`, &list); code != http.StatusOK || len(list.Agents) != len(names)-i-1 {
			t.Errorf("%q: %d, %d agents left", name, code, len(list.Agents))
		}
	}
}

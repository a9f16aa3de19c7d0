package machine

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

// peoplesWords are the keys under which stands what people wrote: their reasons,
// their rule files and the annotations in them.
var peoplesWords = map[string]bool{"Reason": true, "reason": true, "Files": true, "files": true, "Annotations": true, "annotations": true}

// prose are the strings of JSON that are neither an id, a name, a label, a value
// nor a person's words: more than two words.
func prose(at string, v any) (found []string) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if !peoplesWords[key] {
				found = append(found, prose(at+"."+key, value)...)
			}
		}
	case []any:
		for _, value := range v {
			found = append(found, prose(at+"[]", value)...)
		}
	case string:
		if strings.Count(strings.TrimSpace(v), " ") > 1 || v == string(record.Legacy) {
			found = append(found, fmt.Sprintf("%s: %q", at, v))
		}
	}
	return found
}

// TestNoProse walks the state and the entries of histories, and finds no sentence
// but those that people wrote.
func TestNoProse(t *testing.T) {
	check := func(what string, body []byte) {
		t.Helper()
		var v any
		if err := json.Unmarshal(body, &v); err != nil {
			return // it does not travel as JSON
		}
		for i, found := range prose(what, v) {
			if i < 5 {
				t.Error(found)
			}
		}
	}
	for seed := range uint64(3) {
		s := newSimulation(t, seed)
		for range 600 {
			s.step()
			s.checkHosts()
		}
		check("state", entry.Marshal(&s.m.state))
		for _, e := range s.tape {
			check(fmt.Sprintf("entry of kind %d", e.Kind), e.Body)
		}
		notes := 0
		for _, in := range s.m.IncidentsView() {
			notes += len(in.Log)
		}
		if notes < 50 {
			t.Errorf("%d steps were noted, and this shows little", notes)
		}
	}
	old := everything(t, Behavior)
	check("state", entry.Marshal(&old.m.state))
	if len(prose("x", map[string]any{"Cause": "a sentence it is", "Reason": "a person's own words"})) != 1 {
		t.Error("a sentence is not found")
	}
}

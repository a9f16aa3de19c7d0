package machine

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// FuzzReadLevels compares what is read without reflection with what package
// json reads, on anything.
func FuzzReadLevels(f *testing.F) {
	for _, l := range []entry.Levels{
		{},
		{Set: "s", Resolved: []string{"a1", "a2"}},
		{Set: "s", Firing: []entry.Level{{Rule: "0f", Value: "1", Active: -5}}},
		{Set: "s<\"\\\u2028é\xff", Firing: []entry.Level{
			{Rule: "r", Labels: []Label{{Name: "a", Value: "b"}, {Name: "a\"", Value: `c\`}}, Annotations: []Label{{Name: "a", Value: "\x00"}}, Value: "NaN", Active: 1 << 62},
			{Rule: "r", Labels: []Label{{Name: "a", Value: ""}}, Active: 1767225600000000000},
		}, Resolved: []string{""}},
	} {
		f.Add(entry.Marshal(l))
	}
	for _, s := range []string{
		`{"set":"s","firing":[{"rule":"r","labels":[],"value":"","active":0}]}`,
		`{"set":"s"} `, `{"set":"s"}x`, `{"set":"s","set":"t"}`, `{"SET":"s"}`, `{}`, `null`, `{"set":null}`, `{"set":"\ud800"}`, `{"set":"\`, `{"set":"\\"}`, "{\"set\":\"\n\"}",
		`{"set":"s","firing":[{"rule":"r","labels":[{"Name":"a","Value":"b"}],"value":"","active":9223372036854775807}]}`,
		`{"set":"s","firing":[{"rule":"r","labels":[{"Name":"a","Value":"b"}],"value":"","active":01}]}`,
		`{"set":"s","firing":[{"rule":"r","labels":[{"Name":"a","Value":"b"}],"value":"","active":1e3}]}`,
		`{"set":"s","firing":[{"rule":"r","labels":[{"Name":"a","Value":"b"}],"value":"","active":-0}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := readLevels(body)
		var want entry.Levels
		if wantErr := json.Unmarshal(body, &want); (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: error %v, json says %v", body, err, wantErr)
		}
		if err != nil {
			return
		}
		if d := cmp.Diff(entry.Marshal(want), entry.Marshal(got)); d != "" {
			t.Errorf("%q: %s", body, d)
		}
	})
}

// What entry.Marshal makes is read without reflection.
func TestReadLevelsKnowsItsForm(t *testing.T) {
	want := entry.Levels{
		Set: "s", Resolved: []string{"a1"},
		Firing: []entry.Level{{Rule: "r", Labels: []Label{{Name: "a", Value: "b<é"}}, Annotations: []Label{{Name: "c", Value: "\n"}}, Value: "1", Active: 1}, {Rule: "r", Labels: []Label{{Name: "a", Value: "c"}}, Value: "2"}},
	}
	r := levelsReader{b: entry.Marshal(want), names: map[string]string{}}
	if got := r.levels(); !r.ok() || !cmp.Equal(got, want) {
		t.Errorf("%+v, read to its end: %v", got, r.ok())
	}
}

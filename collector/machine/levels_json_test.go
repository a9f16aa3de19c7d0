package machine

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzReadLevels compares what is read without reflection with what package
// json reads, on anything.
func FuzzReadLevels(f *testing.F) {
	for _, l := range []Levels{
		{},
		{Set: "s", Resolved: []string{"a1", "a2"}},
		{Set: "s", Firing: []Level{{Rule: "0f", Value: "1", Active: -5}}},
		{Set: "s<\"\\\u2028é\xff", Firing: []Level{
			{Rule: "r", Labels: []Label{{"a", "b"}, {"a\"", `c\`}}, Annotations: []Label{{"a", "\x00"}}, Value: "NaN", Active: 1 << 62},
			{Rule: "r", Labels: []Label{{"a", ""}}, Active: 1767225600000000000},
		}, Resolved: []string{""}},
	} {
		f.Add(Encode(l))
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
		var want Levels
		if wantErr := json.Unmarshal(body, &want); (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: error %v, json says %v", body, err, wantErr)
		}
		if err != nil {
			return
		}
		if d := cmp.Diff(Encode(want), Encode(got)); d != "" {
			t.Errorf("%q: %s", body, d)
		}
	})
}

// What Encode makes is read without reflection.
func TestReadLevelsKnowsItsForm(t *testing.T) {
	want := Levels{
		Set: "s", Resolved: []string{"a1"},
		Firing: []Level{{Rule: "r", Labels: []Label{{"a", "b<é"}}, Annotations: []Label{{"c", "\n"}}, Value: "1", Active: 1}, {Rule: "r", Labels: []Label{{"a", "c"}}, Value: "2"}},
	}
	r := levelsReader{b: Encode(want), names: map[string]string{}}
	if got := r.levels(); !r.ok() || !cmp.Equal(got, want) {
		t.Errorf("%+v, read to its end: %v", got, r.ok())
	}
}

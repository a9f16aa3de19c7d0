package rules

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

// promFile is a rule file as Prometheus's parser declares it, but for durations,
// which stay texts.
type promFile struct {
	Groups []struct {
		Name        string            `yaml:"name"`
		Interval    string            `yaml:"interval,omitempty"`
		QueryOffset *string           `yaml:"query_offset,omitempty"`
		Limit       int               `yaml:"limit,omitempty"`
		Rules       []promFileRule    `yaml:"rules"`
		Labels      map[string]string `yaml:"labels,omitempty"`
	} `yaml:"groups"`
}

type promFileRule struct {
	Record        string            `yaml:"record,omitempty"`
	Alert         string            `yaml:"alert,omitempty"`
	Expr          string            `yaml:"expr"`
	For           string            `yaml:"for,omitempty"`
	KeepFiringFor string            `yaml:"keep_firing_for,omitempty"`
	Labels        map[string]string `yaml:"labels,omitempty"`
	Annotations   map[string]string `yaml:"annotations,omitempty"`
}

// asPrometheus reads a file by Go's YAML alone, as Prometheus's parser does,
// and refuses what that refuses but for what is PromQL's.
func asPrometheus(text []byte) (f promFile, err error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return f, err
	}
	seen := map[string]bool{}
	for _, g := range f.Groups {
		if g.Name == "" || seen[g.Name] {
			return f, errors.New("group without a name of its own: " + g.Name)
		}
		seen[g.Name] = true
		for _, r := range g.Rules {
			if (r.Alert == "") == (r.Record == "") || r.Expr == "" {
				return f, errors.New("incomplete rule")
			}
		}
	}
	return f, nil
}

// withRules is whether a file has a rule at all.
func (f promFile) withRules() bool {
	for _, g := range f.Groups {
		if len(g.Rules) > 0 {
			return true
		}
	}
	return false
}

// same is what means the same: nothing, and none of it.
var same = cmp.Options{cmpopts.EquateEmpty()}

// sameMeaning compares a set that was read with what YAML alone makes of the
// same file.
func sameMeaning(t *testing.T, want promFile, set *Set) {
	t.Helper()
	if !want.withRules() {
		if len(set.Prometheus)+len(set.Metrics)+len(set.Recording) > 0 {
			t.Errorf("a file without rules has %d rules", len(set.Metrics)+len(set.Recording))
		}
		return
	}
	if len(set.Prometheus) != 1 {
		t.Fatalf("%d files for Prometheus, want 1", len(set.Prometheus))
	}
	got, err := asPrometheus(set.Prometheus[0].Text)
	if err != nil {
		t.Fatalf("what was written is not sound: %v\n%s", err, set.Prometheus[0].Text)
	}
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Fatalf("(-as it stands +as it was written)\n%s", diff)
	}
	i := 0
	for _, g := range want.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" {
				continue
			}
			m := set.Metrics[i]
			i++
			labels := map[string]string{}
			maps.Copy(labels, g.Labels)
			maps.Copy(labels, r.Labels)
			if m.Group != g.Name || m.Name != r.Alert || m.Expr != r.Expr || m.For != lengthOfText(r.For) || m.KeepFiring != lengthOfText(r.KeepFiringFor) {
				t.Errorf("%+v is not of %+v", m, r)
			}
			if diff := cmp.Diff([][]Pair{sorted(labels), sorted(r.Annotations)}, [][]Pair{m.Labels, m.Annotations}, same); diff != "" {
				t.Error(diff)
			}
		}
	}
	if i != len(set.Metrics) {
		t.Errorf("%d alerting rules, want %d", len(set.Metrics), i)
	}
}

// FuzzMetrics holds the reading of rules of PromQL against YAML alone: what
// that takes is taken, and means the same; what it refuses is refused.
func FuzzMetrics(f *testing.F) {
	paths, _ := filepath.Glob("testdata/prometheus/*.yml")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(mixed))
	f.Add([]byte("groups: [{name: a, rules: [{alert: A, expr: up, <<: {for: 1m, <<: [{labels: {a: b}}]}}]}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		set, problems := Parse([]File{{Name: "f.yml", Text: text}})
		if set != nil {
			again(t, set)
		}
		want, err := asPrometheus(text)
		switch {
		case err == nil && set != nil:
			sameMeaning(t, want, set)
		case err == nil && utf8.Valid(text) && soundTexts(want):
			t.Errorf("this is refused: %v", problems)
		case err != nil && set != nil && len(set.Rules)+len(set.Gates)+len(set.Mitigations) == 0 && !bytes.Contains(text, []byte("mitigat")) && !bytes.Contains(text, []byte("gates")):
			t.Errorf("this is taken: %v", err)
		}
	})
}

// soundTexts is whether the durations are durations, and texts are UTF-8.
func soundTexts(f promFile) bool {
	sound := func(durations ...string) bool {
		return !slices.ContainsFunc(durations, func(s string) bool {
			_, err := strictyaml.ParseDuration(s)
			return err != nil && s != ""
		})
	}
	for _, g := range f.Groups {
		if !sound(g.Interval, deref(g.QueryOffset)) || !utf8.ValidString(g.Name) {
			return false
		}
		for _, r := range g.Rules {
			if !sound(r.For, r.KeepFiringFor) {
				return false
			}
		}
	}
	raw, err := yaml.Marshal(f)
	return err == nil && !bytes.Contains(raw, []byte("!!binary")) && !bytes.Contains(raw, []byte(`""`))
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

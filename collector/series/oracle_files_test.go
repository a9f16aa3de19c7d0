package series

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/prometheus/model/rulefmt"
	promrules "github.com/prometheus/prometheus/rules"

	"github.com/tomeishi/tomeishi/collector/series/syntax"
	"github.com/tomeishi/tomeishi/rules"
)

var prometheusDir = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/prometheus/prometheus").Output()
	if err != nil {
		return "", err
	}
	dir := strings.TrimSpace(string(out))
	if dir == "" {
		return "", errors.New("the module has no folder")
	}
	return dir, nil
})

// testdata is a folder of Prometheus's own tests.
func testdata(t *testing.T, path ...string) string {
	t.Helper()
	dir, err := prometheusDir()
	if err == nil {
		dir = filepath.Join(append([]string{dir}, path...)...)
		_, err = os.Stat(dir)
	}
	switch {
	case err == nil:
		return dir
	case os.Getenv("CI") != "":
		t.Fatal("Prometheus's own tests must be run here: ", err)
	default:
		t.Skip("Prometheus's own tests are not here: ", err)
	}
	return ""
}

// TestOracleFiles: what Prometheus takes for a rule file is taken and means the
// same, and what it refuses is refused.
func TestOracleFiles(t *testing.T) {
	taken, refused := 0, 0
	for _, folder := range []string{"rules/fixtures", "model/rulefmt/testdata", "cmd/promtool/testdata"} {
		paths, err := filepath.Glob(filepath.Join(testdata(t, filepath.FromSlash(folder)), "*.y*ml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if sameFile(t, rules.File{Name: filepath.Base(path), Text: text}) {
				taken++
			} else {
				refused++
			}
		}
	}
	if taken < 25 || refused < 25 {
		t.Errorf("only %d files were taken and %d refused: are these the tests?", taken, refused)
	}
}

// sameFile compares what becomes of a file here and at Prometheus's.
func sameFile(t *testing.T, f rules.File) (taken bool) {
	t.Helper()
	want, errs := syntax.ParseRules(f, syntax.NewParser())
	set, problems := rules.Parse([]rules.File{f}, NewChecker())
	switch {
	case len(errs) > 0 && problems.Err() == nil:
		t.Errorf("%s is taken, and Prometheus says %v", f.Name, errs)
		return false
	case len(errs) > 0:
		return false
	case problems.Err() != nil:
		t.Errorf("%s is refused, and Prometheus takes it: %v", f.Name, problems.Err())
		return false
	}
	read, err := readSet("", set.Prometheus, set.Metrics, syntax.NewParser())
	if err != nil {
		t.Errorf("%s: %v", f.Name, err)
		return true
	}
	got := &rulefmt.RuleGroups{}
	if len(set.Prometheus) > 0 {
		got = read.whole(f.Name)
	}
	if diff := cmp.Diff(withRules(got), withRules(want), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s means another thing (-got +want):\n%s", f.Name, diff)
	}
	return true
}

// withRules are the groups that have any, if the file has any at all.
func withRules(groups *rulefmt.RuleGroups) (out []rulefmt.RuleGroup) {
	for _, g := range groups.Groups {
		if len(g.Rules) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// FuzzOracleFile looks for files that mean one thing here and another at
// Prometheus's.
func FuzzOracleFile(f *testing.F) {
	for _, seed := range []string{
		"groups: [{name: a, limit: 3, query_offset: 1m, labels: {a: b}, rules: [{alert: A, expr: 1, for: 5m, keep_firing_for: 1d, labels: {x: null}, annotations: {y: 7}}]}]",
		"groups: [{name: a, interval: 0s, rules: [{record: a:b, expr: sum(up)}, {alert: A, expr: up == 0, labels: {x: '{{ $value }}'}}]}]",
		"groups:\n- &g {name: a, rules: [{<<: {expr: up}, record: b}]}\n---\ngroups: 7\n",
		"groups: null", "groups: [null]", "{}", "7", "groups: [{name: a, rules: [{alert: A, record: b, expr: up}]}]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		sameFile(t, rules.File{Name: "x.yml", Text: text})
	})
}

// whole are the groups of a file with the annotations that Prometheus does not
// get.
func (s *ruleSet) whole(file string) *rulefmt.RuleGroups {
	for _, g := range s.files[file].Groups {
		n := 0
		for i, r := range g.Rules {
			if r.Alert != "" {
				g.Rules[i].Annotations = s.alerts[promrules.GroupKey(file, g.Name)][n].annotations
				n++
			}
		}
	}
	return s.files[file]
}

package author

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/agent/filekind"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/config"
	"github.com/tomeishi/tomeishi/rules"
)

func TestCheckOutcome(t *testing.T) {
	odd := rules.Problem{File: "a.yml", Line: 3, Column: 5, Text: "odd\x1b[2J", Finding: true}
	wrong := rules.Problem{File: "a.yml", Line: 4, Column: 1, Text: "wrong"}
	for name, tt := range map[string]struct {
		problems rules.Problems
		want     error
		last     string
	}{
		"clean":    {nil, nil, "2 rules, 0 gates: no problems\n"},
		"findings": {rules.Problems{odd}, term.ExitCode(term.Findings), "2 rules, 0 gates: 1 finding\n"},
		"error":    {rules.Problems{odd, wrong}, term.ExitCode(term.Failed), "1 error, 1 finding: a collector would not load this\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := checkOutcome(tt.problems); !errors.Is(got, tt.want) {
				t.Errorf("outcome %v, want %v", got, tt.want)
			}
			var out strings.Builder
			showCheck(term.New(nil, &out, &out), checkReport{Rules: 2}, tt.problems)
			if !strings.HasSuffix(out.String(), tt.last) || strings.Contains(out.String(), "\x1b") {
				t.Errorf("output %q, want %q at its end", out.String(), tt.last)
			}
		})
	}
}

// TestKeys is that a configuration is known by each of its keys.
func TestKeys(t *testing.T) {
	for _, key := range config.Keys() {
		f := rules.File{Name: "f.yml", Text: []byte(key + ": x\n")}
		if kind := kindOf(f); kind != filekind.Collector {
			t.Errorf("%s is taken for a key of %s", key, kind)
		}
	}
}

// TestCheckSet reads a list beside its rule file, and says what overrides change.
func TestCheckSet(t *testing.T) {
	dir := t.TempDir()
	rule := filepath.Join(dir, "rules.yml")
	for name, text := range map[string]string{
		rule: `lists: {known: {file: known.txt}}
groups:
- name: g
  rules:
  - {alert: A, event: e, where: '!(data.address in lists.known)', within: 1h, when: count() >= 3, labels: {team: a}}
  - {alert: B, expr: up == 0}
overrides:
- {alert: A, set: {within: 2h, limit: 5}}
- {alert: B, disable: true}
`,
		filepath.Join(dir, "known.txt"): "a\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{rule}, {filepath.Join(dir, "*")}} {
		files, err := readRules(args, nil)
		if err != nil {
			t.Fatal(err)
		}
		set, problems, took := checkFiles(files)
		if len(problems)+len(took) > 0 {
			t.Fatal(problems, took)
		}
		var out strings.Builder
		showCheck(term.New(nil, &out, &out), newCheckReport(set, problems, false), problems)
		want := rule + " changes within of A from 1h to 2h\n" + rule + " gives A limit: 5\n" + rule + " disables B\n1 rule, 0 gates: no problems\n"
		if out.String() != want {
			t.Errorf("%s\nwant\n%s", out.String(), want)
		}
	}
}

// TestCheckTape finds rules that look further back than the tape of a collector
// whose configuration is checked with them.
func TestCheckTape(t *testing.T) {
	rule := rules.File{Name: "rules.yml", Text: []byte(`groups:
- name: g
  rules:
  - {alert: Short, event: e, within: 1d, when: count() >= 3}
  - {alert: Long, event: e, within: 20d, when: count() >= 3}
`)}
	for tape, want := range map[string]string{
		"30d": `rules.yml:5:3: the rule "Long" looks back over 40d with what may come late, and the tape is kept for 30d: `, "40d": "", "0": "",
	} {
		_, problems, _ := checkFiles([]rules.File{rule, {Name: "collector.yml", Text: []byte("data: d\nretention: {tape: " + tape + "}\n")}})
		got := ""
		for _, p := range problems {
			got += p.String()
		}
		if !strings.HasPrefix(got, want) || want == "" && got != "" || problems.Err() != nil {
			t.Errorf("%s: %s", tape, got)
		}
	}
}

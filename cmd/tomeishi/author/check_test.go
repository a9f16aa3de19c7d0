package author

import (
	"errors"
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

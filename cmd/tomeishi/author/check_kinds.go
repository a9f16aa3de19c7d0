package author

import (
	"path/filepath"
	"strings"
	"time"

	agentconfig "github.com/tomeishi/tomeishi/agent/config"
	"github.com/tomeishi/tomeishi/agent/filekind"
	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/collector/config"
	"github.com/tomeishi/tomeishi/collector/series/syntax"
	"github.com/tomeishi/tomeishi/rules"
)

// A tookFile is a file that is no rule file, and what it was taken for.
type tookFile struct {
	File string `json:"file"`
	Kind string `json:"kind"`

	kind filekind.Kind
}

// checkFiles checks each file as what it is; the rule files are one set, nil if
// it would not be loaded.
func checkFiles(files []rules.File) (set *rules.Set, problems rules.Problems, took []tookFile) {
	var ofRules []rules.File
	var tapes []time.Duration // for how long collectors keep them
	for _, f := range rules.WithLists(files, readList) {
		if f.List {
			ofRules = append(ofRules, f)
			continue
		}
		kind := kindOf(f)
		if kind == filekind.Rules {
			ofRules = append(ofRules, f)
			continue
		}
		took = append(took, tookFile{f.Name, kind.String(), kind})
		problems = append(problems, checkKind(kind, f)...)
		if kind == filekind.Collector {
			tapes = append(tapes, config.Tape(f.YAML()))
		}
	}
	if len(ofRules) > 0 {
		var found rules.Problems
		set, found = rules.Parse(ofRules, syntax.NewChecker())
		problems = append(found, problems...)
		if set != nil {
			for _, tape := range tapes {
				problems = append(problems, set.Unfillable(ofRules, tape)...)
			}
		}
	}
	return set, problems, took
}

func readList(name string) ([]byte, error) {
	f, err := strictyaml.Load(name, rules.MaxListBytes)
	return f.Text, err
}

// kindOf is what a file is taken for. Where agent and collector would both read
// it, its name decides. What has no keys is for the rules to complain about.
func kindOf(f rules.File) filekind.Kind {
	preferred := filekind.Collector
	if strings.Contains(filepath.Base(f.Name), "agent") {
		preferred = filekind.Agent
	}
	kind := filekind.Of(f.YAML(), preferred)
	if kind == filekind.Unknown && len(strictyaml.TopKeys(f.YAML(), maxRules)) == 0 {
		return filekind.Rules
	}
	return kind
}

func checkKind(kind filekind.Kind, f rules.File) rules.Problems {
	switch kind {
	case filekind.Collector:
		return config.Check(f.YAML())
	case filekind.Agent:
		return agentconfig.Check(f.YAML())
	case filekind.Alertmanager:
		return checkReceivers(f)
	default:
		text := "this is " + kind.String() + ", which is not read here: " + kind.Remedy()
		return rules.Problems{strictyaml.ProblemAt(f.YAML(), 1, text, false)}
	}
}

package author

import (
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/collector/notify"
	"github.com/tomeishi/tomeishi/rules"
)

// splitReceivers sets Alertmanager configurations apart from rule files.
func splitReceivers(files []rules.File) (ofRules, told []rules.File) {
	for _, f := range files {
		if f.Name != stdinName && hasReceivers(f.Text) {
			told = append(told, f)
			continue
		}
		ofRules = append(ofRules, f)
	}
	return ofRules, told
}

// hasReceivers tells whether a file says who is told. What is no YAML is for
// the rules to complain about.
func hasReceivers(text []byte) bool {
	var top map[string]yaml.Node
	if yaml.Unmarshal(text, &top) != nil {
		return false
	}
	_, receivers := top["receivers"]
	_, route := top["route"]
	return receivers || route
}

func checkReceivers(files []rules.File) (out rules.Problems) {
	for _, f := range files {
		findings, err := notify.Check(f.Name)
		if err != nil {
			line, text := placeIn(f.Name, err.Error())
			out = append(out, strictyaml.ProblemAt(strictyaml.File(f), line, text, false))
		}
		for _, n := range findings {
			out = append(out, strictyaml.ProblemAt(strictyaml.File(f), n.Line, n.Text, true))
		}
	}
	return out
}

var lineInText = regexp.MustCompile(`\bline (\d+): `)

// placeIn takes the place out of an error's text; line 0 if it names none.
func placeIn(file, text string) (line int, rest string) {
	rest = strings.TrimPrefix(text, file+":")
	if number, after, ok := strings.Cut(rest, ":"); ok {
		if n, err := strconv.Atoi(number); err == nil {
			return n, strings.TrimSpace(after)
		}
	}
	if m := lineInText.FindStringSubmatchIndex(rest); m != nil {
		if n, err := strconv.Atoi(rest[m[2]:m[3]]); err == nil {
			line, rest = n, rest[m[1]:]
		}
	}
	return line, strings.TrimSpace(rest)
}

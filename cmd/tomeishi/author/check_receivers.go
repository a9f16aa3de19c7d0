package author

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/collector/notify"
	"github.com/tomeishi/tomeishi/rules"
)

// checkReceivers checks an Alertmanager configuration. It is read from disk, for
// the names of files in it are relative to its folder.
func checkReceivers(f rules.File) (out rules.Problems) {
	if f.Name == stdinName {
		return rules.Problems{strictyaml.ProblemAt(f.YAML(), 1, "an Alertmanager configuration is checked as a file, for it names others beside it: tomeishi check FILE", false)}
	}
	findings, err := notify.Check(f.Name)
	if err != nil {
		line, text := placeIn(f.Name, err.Error())
		out = append(out, strictyaml.ProblemAt(f.YAML(), line, text, false))
	}
	for _, n := range findings {
		out = append(out, strictyaml.ProblemAt(f.YAML(), n.Line, n.Text, true))
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

package operate

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
	"github.com/tomeishi/tomeishi/collector/silence"
)

// matcher names alerts by one label, as Alertmanager's API has it.
type matcher struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	IsRegex bool   `json:"isRegex"`
	IsEqual *bool  `json:"isEqual,omitempty"` // absent: true
}

func (m matcher) equal() bool { return m.IsEqual == nil || *m.IsEqual }

// word is the matcher in the words of the collector.
func (m matcher) word() silence.Matcher {
	op := "="
	switch {
	case m.IsRegex && m.equal():
		op = "=~"
	case m.IsRegex:
		op = "!~"
	case !m.equal():
		op = "!="
	}
	return silence.Matcher{Name: m.Name, Op: op, Value: m.Value}
}

// namingOf understands matchers, as the collector does.
func namingOf(matchers []matcher) (silence.Matchers, error) {
	words := make([]silence.Matcher, len(matchers))
	for i, m := range matchers {
		words[i] = m.word()
	}
	return silence.NewMatchers(words)
}

// labelOf asks for a label of the alert.
func labelOf(a api.Alert) func(string) string {
	return func(name string) string { return a.Labels[name] }
}

// matchersText is how people write matchers.
func matchersText(matchers []matcher) string {
	var words []string
	for _, m := range matchers {
		words = append(words, m.word().String())
	}
	return term.Few(words)
}

var (
	matcherShape = regexp.MustCompile(`^\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*((?s:.*))$`)
	oneWord      = regexp.MustCompile(`^[\pL\pN_./:@%+-]+$`)
)

// parseMatchers reads what names alerts, and refuses what names all of them.
func parseMatchers(args []string) ([]matcher, error) {
	var out []matcher
	for _, arg := range args {
		m, err := parseMatcher(arg)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	naming, err := namingOf(out)
	if err != nil {
		return nil, term.Usagef("%v", err)
	}
	if naming.Everything() {
		return nil, term.Usagef("%s would silence every alert: name at least one label that must be there", term.Quote(matchersText(out)))
	}
	return out, nil
}

func parseMatcher(arg string) (matcher, error) {
	parts := matcherShape.FindStringSubmatch(arg)
	if parts == nil {
		if oneWord.MatchString(arg) && arg != "alertname" {
			return matcher{}, term.Usagef("%s is not a matcher such as alertname=%s", term.Quote(arg), arg)
		}
		return matcher{}, term.Usagef("%s is not a matcher: NAME=VALUE, NAME!=VALUE, NAME=~REGEXP or NAME!~REGEXP", term.Quote(arg))
	}
	value := strings.TrimSpace(parts[3])
	if strings.HasPrefix(value, `"`) {
		var err error
		if value, err = strconv.Unquote(value); err != nil {
			return matcher{}, term.Usagef("%s: the quotes around the value do not close, or what is in them is not readable", term.Quote(arg))
		}
	}
	return matcher{Name: parts[1], Value: value, IsRegex: strings.HasSuffix(parts[2], "~"), IsEqual: new(parts[2][0] == '=')}, nil
}

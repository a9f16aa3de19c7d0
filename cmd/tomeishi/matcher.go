package main

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// matcher names alerts by one label, as Alertmanager's API has it.
type matcher struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	IsRegex bool   `json:"isRegex"`
	IsEqual *bool  `json:"isEqual,omitempty"` // absent: true
}

func (m matcher) equal() bool { return m.IsEqual == nil || *m.IsEqual }

// op is the matcher's operator.
func (m matcher) op() string {
	switch {
	case m.IsRegex && m.equal():
		return "=~"
	case m.IsRegex:
		return "!~"
	case m.equal():
		return "="
	}
	return "!="
}

// matches tells whether the labels are such; a label that is not there is empty.
func (m matcher) matches(labels map[string]string) bool {
	value := labels[m.Name]
	if !m.IsRegex {
		return (value == m.Value) == m.equal()
	}
	whole, err := regexp.Compile("^(?:" + m.Value + ")$")
	return err == nil && whole.MatchString(value) == m.equal()
}

// matches tells whether all matchers name an alert with these labels.
func (s silence) matches(labels map[string]string) bool {
	return !slices.ContainsFunc(s.Matchers, func(m matcher) bool { return !m.matches(labels) })
}

// matchersText is how people write matchers.
func matchersText(matchers []matcher) string {
	var words []string
	for _, m := range matchers {
		value := m.Value
		if !plainValue.MatchString(value) {
			value = strconv.Quote(value)
		}
		words = append(words, m.Name+m.op()+value)
	}
	return few(words)
}

var (
	matcherShape = regexp.MustCompile(`^\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*((?s:.*))$`)
	plainValue   = regexp.MustCompile(`^[\pL\pN_./:@%+-]+$`)
)

// parseMatchers reads what names alerts, and refuses what names all of them.
func parseMatchers(args []string) ([]matcher, error) {
	var out []matcher
	empty := true
	for _, arg := range args {
		m, err := parseMatcher(arg)
		if err != nil {
			return nil, err
		}
		empty = empty && m.matches(nil)
		out = append(out, m)
	}
	if empty {
		return nil, usagef("%s would silence every alert: name at least one label that must be there", quote(matchersText(out)))
	}
	return out, nil
}

func parseMatcher(arg string) (matcher, error) {
	parts := matcherShape.FindStringSubmatch(arg)
	if parts == nil {
		if plainValue.MatchString(arg) && arg != "alertname" {
			return matcher{}, usagef("%s is not a matcher such as alertname=%s", quote(arg), arg)
		}
		return matcher{}, usagef("%s is not a matcher: NAME=VALUE, NAME!=VALUE, NAME=~REGEXP or NAME!~REGEXP", quote(arg))
	}
	value := strings.TrimSpace(parts[3])
	if strings.HasPrefix(value, `"`) {
		var err error
		if value, err = strconv.Unquote(value); err != nil {
			return matcher{}, usagef("%s: the quotes around the value do not close, or what is in them is not readable", quote(arg))
		}
	}
	m := matcher{Name: parts[1], Value: value, IsRegex: strings.HasSuffix(parts[2], "~"), IsEqual: new(parts[2][0] == '=')}
	if m.IsRegex {
		if _, err := regexp.Compile(value); err != nil {
			return matcher{}, usagef("%s: %v", quote(arg), err)
		}
	}
	return m, nil
}

// atLeastOne takes one argument or more.
func atLeastOne(name string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef("%s is missing", name)
		}
		return nil
	}
}

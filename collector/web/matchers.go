package web

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tomeishi/tomeishi/collector/machine"
)

const (
	maxMatchers    = 32
	maxMatcherText = 4 << 10 // bytes of all of them
)

// readMatchers reads matchers as people write them, with blanks or commas
// between them: alertname=HostGone instance=~"db.*". A value is quoted if it
// has a blank, a comma or a quote in it. The braces of PromQL may be around
// all.
func readMatchers(text string) ([]machine.Matcher, error) {
	if len(text) > maxMatcherText {
		return nil, fmt.Errorf("they are longer than %d bytes", maxMatcherText)
	}
	if !utf8.ValidString(text) {
		return nil, errors.New("they are not UTF-8")
	}
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") {
		text = text[1 : len(text)-1]
	}
	var out []machine.Matcher
	all := true // alerts are named so far
	for text = strings.TrimLeftFunc(text, between); text != ""; text = strings.TrimLeftFunc(text, between) {
		if len(out) == maxMatchers {
			return nil, fmt.Errorf("there are more than %d of them", maxMatchers)
		}
		m, rest, err := readMatcher(text)
		if err != nil {
			return nil, err
		}
		re, err := pattern(m)
		if err != nil {
			return nil, fmt.Errorf("the pattern of %.40q: %w", m.Name, err)
		}
		all = all && matches(m, re, "")
		out, text = append(out, m), rest
	}
	if len(out) == 0 {
		return nil, errors.New("there is none: name at least one label, as alertname=HostGone")
	}
	if all {
		return nil, errors.New("they name every alert: at least one must name a value that is not empty")
	}
	return out, nil
}

func between(r rune) bool { return unicode.IsSpace(r) || r == ',' }

// readMatcher reads the first matcher of a text.
func readMatcher(text string) (m machine.Matcher, rest string, err error) {
	if m.Name, rest, err = readWord(text, "=!~"); err != nil {
		return m, "", err
	}
	rest = strings.TrimLeftFunc(rest, unicode.IsSpace)
	for _, op := range []string{"=~", "!~", "!=", "="} {
		if after, ok := strings.CutPrefix(rest, op); ok {
			m.Op, rest = op, strings.TrimLeftFunc(after, unicode.IsSpace)
			break
		}
	}
	switch {
	case m.Name == "":
		return m, "", fmt.Errorf("a label's name must stand before %.20q", rest)
	case m.Op == "":
		return m, "", fmt.Errorf("after %.40q there must be =, !=, =~ or !~", m.Name)
	}
	if m.Value, rest, err = readWord(rest, ""); err != nil {
		return m, "", err
	}
	return m, rest, nil
}

// readWord reads a word up to a blank, a comma or one of the signs, or a quoted
// one.
func readWord(text, signs string) (word, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexFunc(text, func(r rune) bool { return between(r) || strings.ContainsRune(signs, r) })
		if end < 0 {
			end = len(text)
		}
		if strings.Contains(text[:end], `"`) {
			return "", "", fmt.Errorf("%.40q has a quote in it: put the whole value into quotes", text[:end])
		}
		return text[:end], text[end:], nil
	}
	quoted, err := strconv.QuotedPrefix(text)
	if err != nil {
		return "", "", fmt.Errorf("a quote is not closed, or what is in it is not understood: %.40s", text)
	}
	word, err = strconv.Unquote(quoted)
	if err != nil || strings.ToValidUTF8(word, "") != word {
		return "", "", fmt.Errorf("%.40s is not UTF-8", quoted)
	}
	return word, text[len(quoted):], nil
}

// maxCounted bounds patterns with counted repetitions, in bytes: x{1000} is a
// thousand times as much work as it is long.
const maxCounted = 256

// pattern is the matcher's regular expression, nil if it has none.
func pattern(m machine.Matcher) (*regexp.Regexp, error) {
	if m.Op != "=~" && m.Op != "!~" {
		return nil, nil
	}
	if len(m.Value) > maxCounted && strings.Contains(m.Value, "{") {
		return nil, fmt.Errorf("it counts with { and is longer than %d bytes", maxCounted)
	}
	return regexp.Compile("^(?s:" + m.Value + ")$")
}

// matches tells whether the matcher with this pattern names a value; a label
// that is not there is empty.
func matches(m machine.Matcher, re *regexp.Regexp, value string) bool {
	switch m.Op {
	case "=":
		return value == m.Value
	case "!=":
		return value != m.Value
	}
	return re != nil && re.MatchString(value) == (m.Op == "=~")
}

// named are the alerts that all matchers name. One whose pattern cannot be read
// here names none.
func named(matchers []machine.Matcher, alerts []machine.Alert) []machine.Alert {
	patterns := make([]*regexp.Regexp, len(matchers))
	for i, m := range matchers {
		re, err := pattern(m)
		if err != nil {
			return nil
		}
		patterns[i] = re
	}
	return slices.DeleteFunc(slices.Clone(alerts), func(a machine.Alert) bool {
		for i, m := range matchers {
			if !matches(m, patterns[i], a.Label(m.Name)) {
				return true
			}
		}
		return false
	})
}

// matcherText is a matcher as readMatchers reads it.
func matcherText(m machine.Matcher) string {
	value := m.Value
	if value == "" || strings.ContainsFunc(value, func(r rune) bool { return between(r) || strings.ContainsRune("\"{}", r) || !unicode.IsPrint(r) }) {
		value = strconv.Quote(value)
	}
	name := m.Name
	if strings.ContainsFunc(name, func(r rune) bool { return between(r) || strings.ContainsRune("\"{}=!~", r) || !unicode.IsPrint(r) }) {
		name = strconv.Quote(name)
	}
	return name + m.Op + value
}

func matchersText(matchers []machine.Matcher) string {
	var out []string
	for _, m := range matchers {
		out = append(out, matcherText(m))
	}
	return strings.Join(out, " ")
}

// matchersOf name the alerts with these labels.
func matchersOf(labels []machine.Label) string {
	var out []machine.Matcher
	for _, l := range labels {
		if l.Value != "" && len(out) < maxMatchers {
			out = append(out, machine.Matcher{Name: l.Name, Op: "=", Value: l.Value})
		}
	}
	return matchersText(out)
}

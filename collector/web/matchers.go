package web

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/silence"
)

const (
	maxMatchers    = 32
	maxMatcherText = 4 << 10 // bytes of all of them
)

// readMatchers reads matchers as people write them, with blanks or commas
// between them: alertname=HostGone instance=~"db.*". A value is quoted if it
// has a blank, a comma or a quote in it. The braces of PromQL may be around
// all.
func readMatchers(text string) ([]silence.Matcher, silence.Matchers, error) {
	out, err := splitMatchers(text)
	if err != nil {
		return nil, silence.Matchers{}, err
	}
	naming, err := silence.NewMatchers(out)
	if err == nil && naming.Everything() {
		err = errors.New("they name every alert: at least one must name a value that is not empty")
	}
	return out, naming, err
}

func splitMatchers(text string) ([]silence.Matcher, error) {
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
	var out []silence.Matcher
	for text = strings.TrimLeftFunc(text, between); text != ""; text = strings.TrimLeftFunc(text, between) {
		if len(out) == maxMatchers {
			return nil, fmt.Errorf("there are more than %d of them", maxMatchers)
		}
		m, rest, err := readMatcher(text)
		if err != nil {
			return nil, err
		}
		out, text = append(out, m), rest
	}
	if len(out) == 0 {
		return nil, errors.New("there is none: name at least one label, as alertname=HostGone")
	}
	return out, nil
}

func between(r rune) bool { return unicode.IsSpace(r) || r == ',' }

// readMatcher reads the first matcher of a text.
func readMatcher(text string) (m silence.Matcher, rest string, err error) {
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

// matchersText is matchers as readMatchers reads them.
func matchersText(matchers []silence.Matcher) string {
	var out []string
	for _, m := range matchers {
		out = append(out, m.String())
	}
	return strings.Join(out, " ")
}

// matchersOf name the alerts with these labels.
func matchersOf(labels []machine.Label) string {
	var out []silence.Matcher
	for _, l := range labels {
		if l.Value != "" && len(out) < maxMatchers {
			out = append(out, silence.Matcher{Name: l.Name, Op: "=", Value: l.Value})
		}
	}
	return matchersText(out)
}

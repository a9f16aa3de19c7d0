package silence

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tomeishi/tomeishi/collector/machine"
)

// maxCounted bounds patterns with counted repetitions, in bytes: x{1000} is a
// thousand times as much work as it is long.
const maxCounted = 256

var (
	plainName  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	plainValue = regexp.MustCompile(`^[\pL\pN_./:@%+-]+$`)
)

// String is the matcher as people write it: name, operator, and the value, in
// quotes where it is not plain.
func (m Matcher) String() string {
	name, value := m.Name, m.Value
	if !plainName.MatchString(name) {
		name = strconv.Quote(name)
	}
	if !plainValue.MatchString(value) {
		value = strconv.Quote(value)
	}
	return name + m.Op + value
}

// A Matchers is matchers that were understood: it names the alerts that all of
// them name, as the engine that keeps notifications back does.
type Matchers struct {
	matchers []Matcher
	patterns []*regexp.Regexp // of those with one; else nil
}

// NewMatchers understands matchers. An error is of the first that cannot be.
func NewMatchers(matchers []Matcher) (Matchers, error) {
	n := Matchers{matchers, make([]*regexp.Regexp, len(matchers))}
	for i, m := range matchers {
		switch m.Op {
		case "=", "!=":
			continue
		case "=~", "!~":
		default:
			return Matchers{}, fmt.Errorf("%.10q compares nothing: use =, !=, =~ or !~", m.Op)
		}
		if len(m.Value) > maxCounted && strings.Contains(m.Value, "{") {
			return Matchers{}, fmt.Errorf("the pattern of %.40q: it counts with { and is longer than %d bytes", m.Name, maxCounted)
		}
		var err error
		if n.patterns[i], err = regexp.Compile("^(?:" + m.Value + ")$"); err != nil {
			return Matchers{}, fmt.Errorf("the pattern of %.40q: %w", m.Name, err)
		}
	}
	return n, nil
}

// Names tells whether all matchers name what has these labels; value is that of
// a label, empty if it is not there.
func (n Matchers) Names(value func(label string) string) bool {
	for i, m := range n.matchers {
		v := value(m.Name)
		same := v == m.Value
		if n.patterns[i] != nil {
			same = n.patterns[i].MatchString(v)
		}
		if same == strings.HasPrefix(m.Op, "!") {
			return false
		}
	}
	return true
}

// Everything tells whether what has no labels at all is named: a silence like
// that would keep almost everything back.
func (n Matchers) Everything() bool {
	return n.Names(func(string) string { return "" })
}

// Count is how many alerts are named.
func (n Matchers) Count(alerts []machine.Alert) (named int) {
	for i := range alerts {
		if n.Names(alerts[i].Label) {
			named++
		}
	}
	return named
}

// Among are the alerts that are named.
func (n Matchers) Among(alerts []machine.Alert) []machine.Alert {
	return slices.DeleteFunc(slices.Clone(alerts), func(a machine.Alert) bool { return !n.Names(a.Label) })
}

package rules

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	syntax "text/template/parse"

	"github.com/tomeishi/tomeishi/rules/match"
)

const (
	// maxWork bounds one rendering: characters of the template walked, loops as
	// often as they are, and bytes given to functions.
	maxWork = 1 << 20
	// stepWork is the least that a round of a loop or a call of a function costs.
	stepWork = 16
	// maxMade bounds what a function makes of texts, in bytes.
	maxMade = 4 << 20
)

var errWork = errors.New("the template does too much work")

// A budget bounds what a rendering may cost, whatever the template says.
type budget struct{ left int }

func (b *budget) spend(n int) error {
	if b.left -= stepWork + n; b.left < 0 {
		return errWork
	}
	return nil
}

// meter makes the template pay for all that it may walk more than once: the
// bodies of its loops, and the templates that it defines. The function that
// they call is known only from here on, so that no author can call it.
func (b *budget) meter(t *template.Template) {
	t.Funcs(template.FuncMap{"step": func(n int) (string, error) { return "", b.spend(n) }})
	for _, t := range t.Templates() {
		if t.Tree != nil {
			meterList(t.Root)
		}
	}
}

// meterList begins a list of nodes with a step, and the loops in it too.
func meterList(list *syntax.ListNode) {
	size := len(list.String())
	meterLoops(list)
	trees, err := syntax.Parse("step", "{{step "+strconv.Itoa(size)+"}}", "", "", map[string]any{"step": true})
	if err != nil {
		panic(err) // it is the same text but for a number
	}
	list.Nodes = append([]syntax.Node{trees["step"].Root.Nodes[0]}, list.Nodes...)
}

func meterLoops(list *syntax.ListNode) {
	if list == nil {
		return
	}
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *syntax.RangeNode:
			meterList(n.List)
			meterLoops(n.ElseList)
		case *syntax.IfNode:
			meterLoops(n.List)
			meterLoops(n.ElseList)
		case *syntax.WithNode:
			meterLoops(n.List)
			meterLoops(n.ElseList)
		}
	}
}

// take pays for the arguments of a function and refuses what is too long.
func (b *budget) take(args ...any) error {
	n := 0
	for _, a := range args {
		size, ok := lengthOf(a)
		if !ok {
			return fmt.Errorf("a %T is no text and no number", a)
		}
		n += size
	}
	if n > maxRendered {
		return errRendered
	}
	return b.spend(n)
}

// lengthOf is about how long the text of a value is.
func lengthOf(v any) (n int, ok bool) {
	switch v := v.(type) {
	case nil:
	case string:
		return len(v), true
	case exactText:
		return len(v), true
	case []string:
		for _, s := range v {
			n += len(s) + 1
		}
	case map[string]string:
		for k, s := range v {
			n += len(k) + len(s) + 2
		}
	default:
		k := reflect.TypeOf(v).Kind()
		return 32, k >= reflect.Bool && k <= reflect.Complex128
	}
	return n + 8, true
}

// wide is a width or precision in a format that is long, or that an argument
// gives.
var wide = regexp.MustCompile(`%[-+# 0-9.\[\]]*(\*|[0-9]{4})`)

func (b *budget) printf(format string, args ...any) (string, error) {
	if err := b.take(append([]any{format}, args...)...); err != nil {
		return "", err
	}
	if wide.MatchString(strings.ReplaceAll(format, "%%", "")) {
		return "", errors.New("a width in printf has three digits at most")
	}
	longest := 0
	for _, a := range args {
		n, _ := lengthOf(a)
		longest = max(longest, n)
	}
	const escaped = 10 // bytes that %q makes of one
	if strings.Count(format, "%")*(escaped*longest+1000) > maxMade {
		return "", errRendered
	}
	return fmt.Sprintf(format, args...), nil
}

// pattern compiles a regular expression that is about to be tried on a text.
func (b *budget) pattern(pattern, text string) (*regexp.Regexp, error) {
	if err := b.take(pattern, text); err != nil {
		return nil, err
	}
	size, err := match.PatternSize(pattern)
	switch {
	case err != nil:
		return nil, err
	case size > match.MaxPattern:
		return nil, errors.New("the regular expression is too large")
	}
	if err := b.spend(size*stepWork + size*len(text)/16); err != nil {
		return nil, err
	}
	return regexp.Compile(pattern)
}

func (b *budget) replace(pattern, replacement, text string) (string, error) {
	if err := b.take(replacement); err != nil {
		return "", err
	}
	re, err := b.pattern(pattern, text)
	if err != nil {
		return "", err
	}
	var out []byte
	last := 0
	for _, at := range re.FindAllStringSubmatchIndex(text, -1) {
		out = append(out, text[last:at[0]]...)
		if last = at[1]; len(out) > maxRendered || len(replacement)*(at[1]-at[0]+1) > maxMade {
			return "", errRendered
		}
		out = re.ExpandString(out, replacement, text, at)
	}
	return string(append(out, text[last:]...)), nil
}

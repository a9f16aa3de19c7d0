package web

import (
	"slices"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/silence"
)

func TestReadMatchers(t *testing.T) {
	m := func(name, op, value string) silence.Matcher { return silence.Matcher{Name: name, Op: op, Value: value} }
	for _, c := range []struct {
		text string
		want []silence.Matcher
		err  string
	}{
		{text: `alertname=HostGone`, want: []silence.Matcher{m("alertname", "=", "HostGone")}},
		{text: ` alertname = HostGone  instance=~"db.*" `, want: []silence.Matcher{m("alertname", "=", "HostGone"), m("instance", "=~", "db.*")}},
		{text: `{a="1", b!="", c!~"x|y"}`, want: []silence.Matcher{m("a", "=", "1"), m("b", "!=", ""), m("c", "!~", "x|y")}},
		{text: "a=1,b=2\nc=3", want: []silence.Matcher{m("a", "=", "1"), m("b", "=", "2"), m("c", "=", "3")}},
		{text: `note="two \"words\", really"`, want: []silence.Matcher{m("note", "=", `two "words", really`)}},
		{text: `"a b"=1`, want: []silence.Matcher{m("a b", "=", "1")}},
		{text: `場所=東京`, want: []silence.Matcher{m("場所", "=", "東京")}},
		{text: `a=b=c`, want: []silence.Matcher{m("a", "=", "b=c")}},
		{text: ``, err: "there is none"},
		{text: `{}`, err: "there is none"},
		{text: `HostGone`, err: `after "HostGone" there must be`},
		{text: `=x`, err: "a label's name"},
		{text: `a~b`, err: `after "a" there must be`},
		{text: `a="x`, err: "a quote is not closed"},
		{text: `a=x"y"`, err: "has a quote in it"},
		{text: `a="\xff"`, err: "not UTF-8"},
		{text: `a=~"("`, err: `the pattern of "a"`},
		{text: "a=~" + strings.Repeat("x{1000}", 100), err: "it counts with {"},
		{text: `a=~".*"`, err: "they name every alert"},
		{text: `a=""`, err: "they name every alert"},
		{text: `a!=x`, err: "they name every alert"},
		{text: strings.Repeat("a=b ", 33), err: "more than 32"},
		{text: strings.Repeat("a", 5000), err: "longer than 4096"},
	} {
		got, _, err := readMatchers(c.text)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%.40s: %v, want %s", c.text, err, c.err)
			}
			continue
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v, want %q", c.text, got, err, c.want)
		}
	}
}

// TestNamed compares which alerts matchers name with what Alertmanager's would.
func TestNamed(t *testing.T) {
	alert := func(id string, labels ...string) machine.Alert {
		a := machine.Alert{ID: id}
		for i := 0; i < len(labels); i += 2 {
			a.Labels = append(a.Labels, machine.Label{Name: labels[i], Value: labels[i+1]})
		}
		return a
	}
	alerts := []machine.Alert{
		alert("one", "alertname", "A", "instance", "db1"), alert("two", "alertname", "A", "instance", "db10\nx"), alert("three", "alertname", "B"),
	}
	for _, c := range []struct{ text, want string }{
		{`alertname=A`, "one two"},
		{`instance=~db1`, "one"},                  // the whole value
		{`instance=~"db.*"`, "one"},               // a dot is no line break, as for the engine
		{`alertname=~"A|B" instance=""`, "three"}, // not there is empty
		{`alertname=~".+" instance!~"db1.*"`, "two three"},
		{`alertname!="" instance!=db1`, "two three"},
		{`alertname=C`, ""},
	} {
		_, naming, err := readMatchers(c.text)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range naming.Among(alerts) {
			got = append(got, a.ID)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s names %q, want %q", c.text, s, c.want)
		}
	}
}

// FuzzReadMatchers writes what was read, and reads it again.
func FuzzReadMatchers(f *testing.F) {
	for _, text := range []string{`a=b`, `{a="b",c=~"d.*"}`, `"a\n"="\u3000"`, `a=`, `a="" b=~"x"`, `a=` + markup} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		read, _, err := readMatchers(text)
		if err != nil {
			return
		}
		again := matchersText(read)
		if len(again) > maxMatcherText {
			return
		}
		got, _, err := readMatchers(again)
		if err != nil || !slices.Equal(got, read) {
			t.Errorf("%q is read as %q, written as %q and read again as %q, %v", text, read, again, got, err)
		}
	})
}

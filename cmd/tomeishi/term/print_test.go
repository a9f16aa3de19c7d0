package term

import (
	"strings"
	"testing"
	"time"
)

// What strangers wrote cannot move the cursor of whoever reads it.
func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"二重払い w-1":           "二重払い w-1",
		"a\nb\tc":            "a\nb\tc",
		"\x1b[2J\x1b[1;1H":   `\x1b[2J\x1b[1;1H`,
		"a\rb\x00":           `a\rb\x00`,
		"open\u202edesolc":   `open\u202edesolc`,
		"bad \xff utf-8":     `bad \ufffd utf-8`,
		"zero\u200bwidth":    `zero\u200bwidth`,
		"\u009b31m (C1 CSI)": `\u009b31m (C1 CSI)`,
	} {
		if got := Plain(in); got != want {
			t.Errorf("Plain(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		3 * time.Second:              "3s",
		3*time.Minute + time.Second:  "3m",
		26 * time.Hour:               "1d2h",
		5*time.Hour + 59*time.Minute: "5h59m",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%s) = %q, want %q", d, got, want)
		}
	}
}

func TestTableAligns(t *testing.T) {
	var out strings.Builder
	term := New(nil, &out, &out)
	term.Color = true
	term.Table([]string{"GATE", "STATE", "WHY"}, []string{"a/long/name", "open", "-"}, []string{"b", "CLOSED", "二\x1b"})
	want := "GATE         STATE   WHY\n" +
		"a/long/name  " + green + "open" + reset + "    -\n" +
		"b            " + red + "CLOSED" + reset + "  二\\x1b\n"
	if out.String() != want {
		t.Errorf("got\n%q\nwant\n%q", out.String(), want)
	}
}

// A pipe gets no colors.
func TestNoColorInAPipe(t *testing.T) {
	if term := New(nil, &strings.Builder{}, &strings.Builder{}); term.Color {
		t.Error("colors without a terminal")
	}
}

func FuzzPlain(f *testing.F) {
	for _, s := range []string{"", "w-1", "\x1b]0;x\a", "\u202e", "\xff\xfe", "二重"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Plain(s)
		if strings.ContainsFunc(got, hostile) {
			t.Errorf("Plain(%q) = %q lets something through", s, got)
		}
		if again := Plain(got); again != got {
			t.Errorf("Plain(%q) = %q, and again %q", s, got, again)
		}
	})
}

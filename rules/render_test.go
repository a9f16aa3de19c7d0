package rules

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestRender(t *testing.T) {
	labels := map[string]string{"request": "w-1", "host": "db1.example.com:9100"}
	for _, c := range []struct{ template, want string }{
		{"plain", "plain"},
		{"{{ $value }} for {{ $labels.request }}", "1234.5 for w-1"},
		{"{{ .Value }} {{ .Labels.request }}", "1234.5 w-1"},
		{"[{{ $labels.nothing }}]", "[]"},
		{"{{ range $evidence }}<{{ . }}>{{ end }}", "<a/b/1><a/b/2>"},
		{"{{ len $evidence }}", "2"},
		{`{{ printf "%.2f %s %v" $value $value $value }}`, "1234.50 1234.5 1234.5"},
		{"{{ $value | humanize }}", "1.234k"},
		{"{{ humanize1024 2048.0 }} {{ humanize 0.002 }}", "2ki 2m"},
		{"{{ humanizeDuration 90061.0 }} {{ humanizeDuration 0.25 }} {{ humanizeDuration 61 }}", "1d 1h 1m 1s 250ms 1m 1s"},
		{"{{ humanizePercentage 0.1234 }}", "12.34%"},
		{"{{ humanizeTimestamp 1435065584 }}", "2015-06-23 13:19:44 +0000 UTC"},
		{`{{ title "abc def" }} {{ toUpper "a" }} {{ toLower "A" }}`, "Abc Def A a"},
		{`{{ match "^w" $labels.request }} {{ reReplaceAll "w-(.*)" "W$1" $labels.request }}`, "true W1"},
		{"{{ stripPort $labels.host }} {{ stripDomain $labels.host }}", "db1.example.com db1:9100"},
		{`{{ parseDuration "1h" }}`, "3600"},
		{`{{ $labels.request | humanize }}`, `<error expanding template: <humanize>: error calling humanize: strconv.ParseFloat: parsing "w-1": invalid syntax>`},
		{`{{ index $evidence 7 }}`, `<error expanding template: <index $evidence 7>: error calling index: index out of range: 7>`},
	} {
		got := Render([]Pair{{"a", c.template}}, labels, "1234.5", []string{"a/b/1", "a/b/2"})["a"]
		if got != c.want {
			t.Errorf("%s = %q, want %q", c.template, got, c.want)
		}
	}
}

func TestRenderIsBounded(t *testing.T) {
	long := strings.Repeat("x", 1000)
	evidence := make([]string, 1000)
	got := Render([]Pair{{"a", "{{ range $evidence }}{{ $value }}{{ end }}"}}, nil, long, evidence)["a"]
	if len(got) > maxRendered+10 || !strings.HasSuffix(got, "…") {
		t.Errorf("rendered %d bytes, ending %q", len(got), got[len(got)-10:])
	}
}

// TestBombs is files that are small and would become large.
func TestBombs(t *testing.T) {
	var aliases bytes.Buffer
	aliases.WriteString("groups:\n- name: g\n  rules: &r\n  - &a {alert: A, event: e, within: 1h, when: count() > 1}\n")
	aliases.WriteString(strings.Repeat("  - *a\n", 3000))
	for i := range 1000 {
		fmt.Fprintf(&aliases, "- {name: g%d, rules: *r}\n", i)
	}
	deep := strings.Repeat("[", 100_000)
	lines := strings.Repeat("\tx\n", 1<<19)
	large := strings.Repeat("#", maxFile+1)
	keys := "{" + strings.Repeat("a: 1, ", 100_000) + "}"
	for name, text := range map[string]string{
		"aliases": aliases.String(), "deep": "groups: " + deep, "tabs": lines, "large": large, "keys": keys,
		"flow": strings.Repeat("{a: ", 9000), "quotes": strings.Repeat(`"`, 1<<20), "anchors": strings.Repeat("- &a *a\n", 10_000),
	} {
		t.Run(name, func(t *testing.T) {
			set, problems := Parse([]File{{"f.yml", []byte(text)}})
			if set != nil || len(problems) > maxProblems+1 || len(problems) == 0 {
				t.Fatalf("set %v, %d problems", set, len(problems))
			}
			for _, p := range problems {
				if len(p.String()) > 1000 {
					t.Fatalf("a problem of %d bytes", len(p.String()))
				}
			}
		})
	}
}

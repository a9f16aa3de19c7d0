package rules

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
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
		got := Compile(c.template).Render(labels, "1234.5", []string{"a/b/1", "a/b/2"})
		if got != c.want {
			t.Errorf("%s = %q, want %q", c.template, got, c.want)
		}
	}
}

func TestRenderIsBounded(t *testing.T) {
	long := strings.Repeat("x", 1000)
	evidence := make([]string, 1000)
	got := Compile("{{ range $evidence }}{{ $value }}{{ end }}").Render(nil, long, evidence)
	if len(got) > maxRendered+10 || !strings.HasSuffix(got, "…") {
		t.Errorf("rendered %d bytes, ending %q", len(got), got[len(got)-10:])
	}
}

// TestRenderBombs is templates that would take long or fill memory.
func TestRenderBombs(t *testing.T) {
	loops := func(n int, body string) string {
		return strings.Repeat("{{ range $evidence }}", n) + body + strings.Repeat("{{ end }}", n)
	}
	const work = "<error expanding template: the template does too much work>"
	for name, c := range map[string]struct{ template, want string }{
		"loops":     {loops(8, ""), work},
		"in if":     {"{{ if true }}{{ with 1 }}" + loops(8, "") + "{{ end }}{{ end }}", work},
		"in else":   {"{{ range 0 }}{{ else }}" + loops(8, "") + "{{ end }}", work},
		"number":    {"{{ range 1000000000000 }}{{ end }}", work},
		"continue":  {"{{ range 1000000000000 }}{{ continue }}{{ end }}", work},
		"recursion": {`{{ define "a" }}{{ template "a" }}{{ template "a" }}{{ end }}{{ template "a" }}`, work},
		"tree":      {`{{ define "a" }}{{ if . }}{{ template "a" slice . 1 }}{{ template "a" slice . 1 }}{{ end }}{{ end }}{{ template "a" $evidence }}`, work},
		"doubling":  {`{{ $x := "12345678" }}` + strings.Repeat("{{ $x = print $x $x }}", 60), "…"},
		"escaping":  {`{{ $x := "<" }}` + strings.Repeat("{{ $x = html $x $x }}", 60), "…"},
		"args":      {`{{ $x := args 1 2 }}` + strings.Repeat("{{ $x = args $x $x }}", 60) + "{{ $x }}", "is no text and no number>"},
		"width":     {`{{ printf "%1000000s%1000000s" "a" "b" }}`, "a width in printf has three digits at most>"},
		"starred":   {`{{ printf "%[1]*[2]s" 1000000 "a" }}`, "a width in printf has three digits at most>"},
		"hidden":    {`{{ printf "%5%%1000000s" "a" }}`, "a width in printf has three digits at most>"},
		"repeated":  {`{{ $x := printf "%999s" "" }}{{ $x = printf "%[1]s%[1]s%[1]s%[1]s" $x }}{{ printf "` + strings.Repeat("%[1]s", 2000) + `" $x }}`, "…"},
		"replace":   {`{{ reReplaceAll "" "` + strings.Repeat("x", 9000) + `" (printf "%999s" "") }}`, "…"},
		"groups":    {`{{ reReplaceAll "^(.*)$" "` + strings.Repeat("$1", 5000) + `" (printf "%999s" "") }}`, "…"},
		"pattern":   {`{{ match "(((a{10}){10}){10}b{1000}){1}" "a" }}`, "the regular expression is too large>"},
		"matching":  {loops(2, `{{ match "(a|b|c|d|e|f)+x" (printf "%999s" "") }}`), work},
		"step":      {"{{ step -1000000 }}", `<error expanding template: function "step" not defined>`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Compile(c.template).Render(nil, "1", make([]string, 100))
			if !strings.HasSuffix(got, c.want) || len(got) > maxRendered+10 {
				t.Errorf("%d bytes, %.200q, want %q at the end", len(got), got, c.want)
			}
		})
	}
}

// TestTemplateOften fills in one template again and again, by many at once: each
// rendering has its own text and all that it may spend.
func TestTemplateOften(t *testing.T) {
	const rounds = 30_000 // about half of what one rendering may spend
	text := Compile("{{ $labels.a }}" + fmt.Sprintf("{{ range %d }}{{ end }}", rounds))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			want := strconv.Itoa(i)
			for range 5 {
				if got := text.Render(map[string]string{"a": want}, "", nil); got != want {
					t.Errorf("%q, want %q", got, want)
				}
			}
		})
	}
	wg.Wait()
	if got := Compile("{{ if }}").Render(nil, "", nil); got != "<error expanding template: missing value for if>" {
		t.Errorf("a template that is not sound: %q", got)
	}
}

// TestManyFindings is a file with more findings than are shown, which loads,
// and one with as many before an error, which does not.
func TestManyFindings(t *testing.T) {
	text := "gates:\n"
	for i := range 2 * strictyaml.MaxProblems {
		text += fmt.Sprintf("- {name: g%d}\n", i)
	}
	set, problems := Parse([]File{{Name: "f.yml", Text: []byte(text)}})
	if set == nil || problems.Err() != nil || len(problems) != strictyaml.MaxProblems+1 {
		t.Errorf("set %v, %d problems, %v", set, len(problems), problems.Err())
	}
	if set, problems = Parse([]File{{Name: "f.yml", Text: []byte(text + "- {}\n")}}); set != nil || problems.Err() == nil {
		t.Errorf("an error after many findings: set %v, %v", set, problems)
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
			set, problems := Parse([]File{{Name: "f.yml", Text: []byte(text)}})
			if set != nil || len(problems) > strictyaml.MaxProblems+1 || len(problems) == 0 {
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

func FuzzRender(f *testing.F) {
	for _, s := range []string{
		"plain", "{{ $value }} {{ $labels.a | toUpper }}", "{{ range $i, $e := $evidence }}{{ if $i }}, {{ end }}{{ $e }}{{ else }}{{ break }}{{ end }}",
		`{{ define "a" }}{{ template "a" args . 1 }}{{ end }}{{ template "a" . }}`, `{{ printf "%9.3f %[1]q %%" $value }}`,
		`{{ reReplaceAll "(a|b)*" "$1$1" (print $labels) }}`, "{{ with . }}{{ block \"b\" . }}{{ html . }}{{ end }}{{ end }}", "{{ print . }}{{ . }}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Compile(text).Render(map[string]string{"a": "x"}, "1.5", []string{"e1", "e2"})
		if strings.Contains(text, "{{") && len(got) > maxRendered+10 && len(got) > 2*len(text)+200 {
			t.Errorf("%d bytes", len(got))
		}
	})
}

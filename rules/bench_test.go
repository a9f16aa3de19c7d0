package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// BenchmarkParse is a thousand alerting rules of PromQL, without a checker.
func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	for i := range 1000 {
		if i%20 == 0 {
			fmt.Fprintf(&text, "- name: group%d\n  interval: 15s\n  labels: {team: hosts}\n  rules:\n", i)
		}
		fmt.Fprintf(&text, `  - alert: HostDiskWillFill%d
    expr: |
      predict_linear(node_filesystem_avail_bytes{fstype!~"tmpfs|overlay", mountpoint="/data%d"}[6h], 24 * 3600) < 0
        and node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.3
    for: 30m
    labels: {severity: warning, kind: disk}
    annotations:
      summary: 'The disk {{ $labels.mountpoint }} of {{ $labels.instance }} will be full within a day'
      description: '{{ $value | humanize1024 }}B are left.'
`, i, i)
	}
	files := []File{{Name: "hosts.yml", Text: []byte("groups:\n" + text.String())}}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if set, problems := Parse(files); set == nil || len(set.Metrics) != 1000 {
			b.Fatal(problems)
		}
	}
}

// BenchmarkRender fills in three annotations of an alert, reading their
// templates each time and once.
func BenchmarkRender(b *testing.B) {
	rule := &Rule{Annotations: []Pair{
		{"runbook_url", "https://runbooks.example/payouts"},
		{"summary", "{{ $value }} payments for withdrawal {{ $labels.request }}"},
		{"description", `{{ range $i, $e := $evidence }}{{ if $i }}, {{ end }}{{ $e }}{{ end }}`},
	}}
	labels, evidence := map[string]string{"request": "w-1"}, []string{"c/app/1", "c/app/2"}
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			rule.Render(labels, "2", evidence)
		}
	})
	b.Run("compiled", func(b *testing.B) {
		var all []*Template
		for _, t := range rule.Annotations {
			all = append(all, Compile(t.Value))
		}
		b.ReportAllocs()
		for b.Loop() {
			for _, t := range all {
				t.Render(labels, "2", evidence)
			}
		}
	})
}

// manyRules are rules of one event each, every one with a mitigation and a gate of
// its own.
func manyRules(n int) []File {
	var rules, gates, mitigations strings.Builder
	for i := range n {
		fmt.Fprintf(&rules, "  - {alert: Twice%d, event: payout%d.sent, by: [data.request], within: 24h, when: distinct(data.payment) >= 2, mitigate: [stop%d]}\n", i, i%100, i)
		fmt.Fprintf(&gates, "- {name: btc/%d/hot, mode: enforce}\n", i)
		fmt.Fprintf(&mitigations, "- {name: stop%d, action: gate.close, target: btc/%d/hot, mode: enforce}\n", i, i)
	}
	return []File{
		{Name: "rules.yml", Text: []byte("groups:\n- name: g\n  rules:\n" + rules.String())},
		{Name: "gates.yml", Text: []byte("gates:\n" + gates.String() + "mitigations:\n" + mitigations.String())},
	}
}

// BenchmarkLoad is ten thousand rules with gates, read and looked at as a reload does:
// as they are, with names, a list and an override in each, and with a condition of its
// own in each too.
func BenchmarkLoad(b *testing.B) {
	files := manyRules(10_000)
	b.Run("plain", func(b *testing.B) { benchmarkLoad(b, files) })
	var overrides, list strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&overrides, "- {alert: Twice%d, set: {limit: 7}}\n", i)
		fmt.Fprintf(&list, "0x%040x\n", i)
	}
	text := strings.NewReplacer("24h", "vars.window", "when:", "where: data.amount > vars.big && !(data.address in lists.known), when:").Replace(string(files[0].Text))
	more := []File{
		{Name: "rules.yml", Text: []byte(text)},
		files[1],
		{Name: "known.txt", Text: []byte(list.String()), List: true},
		{Name: "own.yml", Text: []byte("vars: {window: 24h, big: 10.5}\nlists: {known: {file: known.txt}}\noverrides:\n" + overrides.String())},
	}
	b.Run("named", func(b *testing.B) { benchmarkLoad(b, more) })
	apart := slices.Clone(more)
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.Replace(lines[i], "where:", fmt.Sprintf("where: data.shop != %d &&", i), 1)
	}
	apart[0].Text = []byte(strings.Join(lines, "\n"))
	b.Run("apart", func(b *testing.B) { benchmarkLoad(b, apart) })
}

func benchmarkLoad(b *testing.B, files []File) {
	b.ReportAllocs()
	for b.Loop() {
		set, problems := Parse(files)
		if set == nil {
			b.Fatal(problems)
		}
		if len(set.Unguarded())+len(Disarmed(set, set)) > 0 {
			b.Fatal("every gate is guarded")
		}
	}
}

package rules

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const payout = `{"request":"w-2024-000123","attempt":"1","payment":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08:0",` +
	`"asset":"BTC","network":"bitcoin","address":"bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq","amount":"0.12500000","fee":"0.00001200","customer":"c-881"}`

// BenchmarkMatch is one event against sets of rules of its type; the time for a
// thousand must be about that for ten.
func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{10, 1000} {
		var list []string
		for i := range n {
			asset := "BTC"
			if i >= 10 {
				asset = fmt.Sprintf("T%d", i)
			}
			list = append(list, fmt.Sprintf(`where: 'data.asset == "%s" && data.amount > %d.5', by: [data.request], when: 'distinct(data.payment) >= 2'`, asset, i%10))
		}
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			m := parse(b, list...).Matcher()
			e := event(payout)
			b.ReportAllocs()
			for b.Loop() {
				m.Match(e)
			}
		})
	}
	b.Run("demo", func(b *testing.B) {
		m := parse(b, `by: [data.request], when: 'distinct(data.payment) >= 2'`).Matcher()
		e := event(payout)
		b.ReportAllocs()
		for b.Loop() {
			m.Match(e)
		}
	})
	b.Run("reference=encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var v map[string]any
			if err := json.Unmarshal([]byte(payout), &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkWhere(b *testing.B) {
	for _, text := range []string{
		`data.asset == "BTC"`,
		`data.amount > 0.5`,
		`data.outcome in ["ok", "failed", "unknown"]`,
		`data.asset == "ETH" || data.amount >= 0.1 && data.network != "x"`,
	} {
		set := parse(b, "where: '"+text+"'")
		rule, m := set.types["e"].rules[0], set.Matcher()
		m.read(set.types["e"], event(payout[:len(payout)-1]+`,"outcome":"ok"}`))
		b.Run("slots/"+text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rule.test(m.slots)
			}
		})
	}
	l := newLanguage()
	e, _ := l.condition(`data.asset == "BTC"`)
	program, err := l.plan(e)
	if err != nil {
		b.Fatal(err.text)
	}
	b.Run("reference=interpreter", func(b *testing.B) {
		vars := &eventVars{event: event(payout)}
		b.ReportAllocs()
		for b.Loop() {
			if v, err := interpret(program, vars); v != yes {
				b.Fatal(v, err)
			}
		}
	})
}

func BenchmarkProject(b *testing.B) {
	sh, slots := &shape{}, make([]value, 3)
	for i, k := range []string{"request", "payment", "amount"} {
		sh.add([]string{k}, i)
	}
	p, data := projector{slots: slots}, []byte(payout)
	b.SetBytes(int64(len(payout)))
	b.ReportAllocs()
	for b.Loop() {
		p.project(data, sh)
	}
}

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
	files := []File{{"hosts.yml", []byte("groups:\n" + text.String())}}
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

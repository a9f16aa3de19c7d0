package match

import (
	"encoding/json"
	"fmt"
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
			list = append(list, fmt.Sprintf(`where: 'data.asset == "%s" && data.amount > %d.5', by: [data.request], values: ['distinct(data.payment)']`, asset, i%10))
		}
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			m := parse(b, list...).Matcher(Spelled)
			e := event(payout)
			b.ReportAllocs()
			for b.Loop() {
				m.Match(e)
			}
		})
	}
	b.Run("demo", func(b *testing.B) {
		m := parse(b, `by: [data.request], values: ['distinct(data.payment)']`).Matcher(Spelled)
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
		rule, m := set.types["e"].sources[0], set.Matcher(Spelled)
		m.read(set.types["e"], event(payout[:len(payout)-1]+`,"outcome":"ok"}`))
		b.Run("slots/"+text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rule.test(m.slots)
			}
		})
	}
	l := NewLanguage()
	e, _ := l.Condition(`data.asset == "BTC"`)
	program, err := l.plan(e)
	if err != nil {
		b.Fatal(err.Text)
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

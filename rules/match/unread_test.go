package match

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestUnread says of events that a rule does not count whether it could read
// them, which field they lack, and which they have instead.
func TestUnread(t *testing.T) {
	const rejected = "rejected"
	names := map[Unread]string{0: "read", UnreadWhere: "where", UnreadKey: "key", UnreadData: "data"}
	for _, c := range []struct{ rule, data, want string }{
		{`by: [data.request]`, `{"request":"w"}`, "read"},
		{`by: [data.request]`, `{"reqest":"w"}`, "key data.request, not data.reqest"},
		{`by: [data.request]`, `{"REQUEST":"w"}`, "key data.request, not data.REQUEST"},
		{`by: [data.request]`, `{"withdrawal_request":"w"}`, "key data.request, not data.withdrawal_request"},
		{`by: [data.request]`, `{"id":"w"}`, "key data.request"},
		{`by: [data.request]`, `{"request":""}`, "key data.request"},
		{`by: [data.request]`, `{"request":{}}`, "key data.request"},
		{`by: [data.to.address]`, `{"to":{"addresz":"a"}}`, "key data.to.address, not data.to.addresz"},
		{`by: [data.to.address]`, `{"To":{"address":"a"}}`, "key data.to.address, not data.To"},
		{`by: [data.amount]`, `{"amount":"much"}`, "key data.amount"},
		{`values: ['distinct(data.payment)']`, `{"paymentId":"p"}`, "key data.payment, not data.paymentId"},
		{`values: ['sum(data.n)']`, `{"n":"x"}`, "key data.n"},
		{`by: [source]`, `"text"`, "read"},
		{`by: [subject]`, `{}`, "key subject"},

		{`by: [data.request]`, `"{\"request\":\"w\"}"`, "data"},
		{`by: [data.request]`, `[{"request":"w"}]`, "data"},
		{`where: 'data.asset == "BTC"'`, `"x"`, "data"},
		{`where: 'has(data.asset)'`, `"x"`, "data"},
		{`where: 'has(data.asset)', by: [source]`, `[]`, "data"},
		{`where: 'source == "other"', by: [data.a]`, `"x"`, rejected},
		{`where: 'data.l.exists(i, i == 1)'`, `"x"`, "data"},

		{`where: 'data.aset == "BTC"', by: [data.request]`, `{"asset":"BTC","request":"w"}`, "where data.aset, not data.asset"},
		{`where: 'data.asset == "BTC"', by: [data.request]`, `{"asset":"ETH"}`, rejected},
		{`where: 'data.asset == "BTC"', by: [data.request]`, `{"asset":null}`, rejected},
		{`where: 'data.n > 1'`, `{"n":"2"}`, "where"},
		{`where: 'data.amount > 1'`, `{"amount":"x"}`, "where"},
		{`where: 'data.asset == "BTC" && data.kind == "k"'`, `{"asset":"BTC"}`, "where data.kind"},
		{`where: 'data.asset == "BTC" || data.kind == "k"'`, `{"asset":"BTC"}`, "read"},
		{`where: 'data.memo.startsWith("x")'`, `{"note":"x"}`, "where data.memo"},
		{`where: 'data.l.exists(i, i.n == 1)'`, `{"l":[{"m":1}]}`, "where"},

		{`where: 'has(data.kind) && data.kind == "k"'`, `{}`, rejected},
		{`where: 'has(data.to.kind)'`, `{}`, "left out"},
		{`where: 'has(data.to.kind) && data.to.kind == "k"'`, `{"a":1}`, "left out"},
		{`where: 'has(data.to.kind) && data.asset == "BTC"'`, `{"a":1}`, "where data.asset"},
		{`where: 'has(data.to) && data.to.kind == "k"'`, `{"to":{"kid":1}}`, "where data.to.kind, not data.to.kid"},
		{`where: 'has(data.memo) && data.memo.startsWith("x")'`, `{}`, rejected},
	} {
		m := parse(t, c.rule).Matcher(Spelled)
		hits := m.Match(event(c.data))
		got := rejected
		if len(hits) > 0 {
			h := hits[0]
			got = names[h.Unread]
			if h.Unread == 0 && h.Missing {
				got = "left out"
			}
			if !h.Lack.IsZero() {
				got += " " + h.Lack.String()
				if near := m.Instead(h.Lack); near != "" {
					got += ", not " + near
				}
			}
		}
		if got != c.want {
			t.Errorf("%s\n  with %s\n  is %q, want %q", c.rule, c.data, got, c.want)
		}
	}
}

// TestUnspelled is what earlier versions of the behavior answered.
func TestUnspelled(t *testing.T) {
	for _, c := range []struct{ rule, data, want string }{
		{`by: [data.a]`, `{"a":""}`, "hit "},
		{`by: [data.address]`, `{"address":"0xAB"}`, "hit 0xAB"},
		{`values: ['distinct(data.p)']`, `{"p":""}`, `hit  "\x00\x00\x00\x00"`},
		{`values: ['sum(data.amount)']`, `{"amount":"1","asset":""}`, `hit  "\x00\x00\x00\x00" 1`},
		{`by: [data.a]`, `"x"`, "missing"},
	} {
		hits := parse(t, c.rule).Matcher(Spelled - 1).Match(event(c.data))
		if len(hits) != 1 || show(hits[0]) != c.want {
			t.Errorf("%s with %s is %+v, want %s", c.rule, c.data, hits, c.want)
		}
	}
	if hits := parse(t, `where: 'has(data.a)'`).Matcher(Spelled - 1).Match(event(`"x"`)); len(hits) != 0 {
		t.Errorf("data that is no object gave %+v", hits)
	}
}

func TestSlip(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"payout.sent", "Payout.Sent", true},
		{"payout.sent", "payout_sent", true},
		{"payout.sent", "payoutsent", true},
		{"payout.sent", "payout.set", true},
		{"payout.sent", "payouts.sent", true},
		{"payout.sent", "payout.send", true},
		{"payout.sent", "payotu.sent", true},
		{"payout.sent", "payout.sened", false},
		{"payout.sent", "refund.sent", false},
		{"payout.sent", "payout.result", false},
		{"payout.sent", "", false},
		{"a", "b", false},
		{"", "", true},
	} {
		if Slip(c.a, c.b) != c.want || Slip(c.b, c.a) != c.want {
			t.Errorf("%q and %q: want %v", c.a, c.b, c.want)
		}
	}
}

// TestUnreadProperty damages an event at random and asks, beside the matcher, a
// plain reading of the JSON.
func TestUnreadProperty(t *testing.T) {
	m := parse(t, `where: 'data.asset == "BTC" && (!has(data.kind) || data.kind == "customer")', by: [data.request, data.to.address], values: ['distinct(data.payment)']`).Matcher(Spelled)
	rnd := rand.New(rand.NewPCG(1, 2))
	anything := []any{nil, "", "x", "BTC", "customer", 7, true, []any{"x"}, map[string]any{"a": "x"}}
	damage := func(o map[string]any) {
		name := slices.Sorted(maps.Keys(o))[rnd.IntN(len(o))]
		switch rnd.IntN(3) {
		case 0:
			delete(o, name)
		case 1:
			o[name[:len(name)-1]] = o[name]
			delete(o, name)
		default:
			o[name] = anything[rnd.IntN(len(anything))]
		}
	}
	text := func(v any) bool {
		switch v := v.(type) {
		case string:
			return v != ""
		case int, bool:
			return true
		}
		return false
	}
	seen := map[string]int{}
	for range 5000 {
		to := map[string]any{"address": "a", "tag": "1"}
		data := map[string]any{"asset": "BTC", "request": "w", "to": to, "payment": "p", "amount": "1"}
		if rnd.IntN(2) == 0 {
			data["kind"] = "customer"
		}
		for range rnd.IntN(3) {
			damage(data)
		}
		if rnd.IntN(4) == 0 {
			damage(to)
		}
		var want string
		address := any(nil)
		if o, ok := data["to"].(map[string]any); ok {
			address = o["address"]
		}
		asset, hasAsset := data["asset"]
		kind, hasKind := data["kind"]
		switch {
		case hasAsset && asset != "BTC", hasKind && kind != "customer":
			want = "rejected" // whatever the other side lacks
		case !hasAsset:
			want = "where"
		case !text(data["request"]) || !text(address) || !text(data["payment"]):
			want = "key"
		default:
			want = "read"
		}
		raw, err := json.Marshal(data)
		if err != nil {
			t.Fatal(err)
		}
		switch rnd.IntN(20) {
		case 0:
			raw, err = json.Marshal(string(raw))
			want = "data"
		case 1:
			raw = []byte("[" + string(raw) + "]")
			want = "data"
		}
		if err != nil {
			t.Fatal(err)
		}
		got := "rejected"
		for _, h := range m.Match(event(string(raw))) {
			got = map[Unread]string{0: "read", UnreadWhere: "where", UnreadKey: "key", UnreadData: "data"}[h.Unread]
		}
		if seen[want]++; got != want {
			t.Fatalf("%s is %s, want %s", raw, got, want)
		}
	}
	for _, kind := range []string{"read", "rejected", "where", "key", "data"} {
		if seen[kind] < 50 {
			t.Errorf("only %d are %s", seen[kind], kind)
		}
	}
}

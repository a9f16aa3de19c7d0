package join_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
)

const (
	levels = "join: {owed: {event: balance.liabilities, by: [data.asset], max_age: 2m}, held: {event: balance.holdings, by: [data.asset], max_age: 5m}}, within: 10m, "
	minute = 60 * sec
	day    = 24 * 60 * minute
)

// stale lets time pass and is what is said of silent sides then, the last of each.
func (b *bench) stale(d int64) map[string]string {
	b.t.Helper()
	b.now += d
	out := map[string]string{}
	clock := form.Clock{Now: b.now, Heard: make([]int64, len(b.body.Sources()))}
	due := b.state.Due(clock)
	for say := (form.Say{}); b.state.Expire(clock, &say); say.Reset() {
		if due == 0 || due > b.now {
			b.t.Fatalf("%+v is said at %d, and due at %d", say, b.now, due)
		}
		if say.Stale.Side == "" {
			continue
		}
		out[say.Stale.Side] = fmt.Sprint(say.Stale.Keys)
		if say.Stale.Keys > 0 {
			out[say.Stale.Side] += fmt.Sprintf(" %s %d", say.Text[4:], (b.now-say.Stale.Since)/minute)
		}
	}
	return out
}

func (b *bench) restart() {
	b.t.Helper()
	again, rest, err := b.body.Load(b.state.Append(nil))
	if err != nil || len(rest) > 0 {
		b.t.Fatal(err, len(rest))
	}
	b.state = again
}

func (b *bench) wantStale(what string, d int64, want map[string]string) {
	b.t.Helper()
	if got := b.stale(d); fmt.Sprint(got) != fmt.Sprint(want) {
		b.t.Errorf("%s: %v, want %v", what, got, want)
	}
	b.restart()
}

func balance(asset string) string { return `{"asset":"` + asset + `","amount":"1"}` }

// TestStale lets sides fall silent.
func TestStale(t *testing.T) {
	t.Parallel()
	b := start(t, levels+"when: last(owed.data.amount) > last(held.data.amount)")
	b.send("balance.liabilities", balance("BTC"))
	b.send("balance.holdings", balance("BTC"))
	b.wantStale("a minute beyond is not over", 3*minute-1, nil)
	b.send("balance.holdings", balance("BTC"))
	b.wantStale("it is", 1, map[string]string{"owed": "1 BTC 3"})
	b.send("balance.holdings", balance("JPY"))
	b.wantStale("never reported, but not for long", 3*minute-1, nil)
	b.wantStale("never reported", 1, map[string]string{"owed": "2 BTC 6"})
	b.send("balance.liabilities", balance("BTC"))
	b.wantStale("one is reported", 0, map[string]string{"owed": "1 JPY 3"})
	b.sendAt(b.now-3*minute, "balance.liabilities", balance("JPY"))
	b.wantStale("what comes late is too old", 0, nil)
	b.wantStale("all are silent", 10*minute, map[string]string{"owed": "2 JPY 13", "held": "2 JPY 13"})
	b.wantStale("of one nothing came for a day", day-13*minute, map[string]string{"owed": "1 BTC 1437", "held": "1 BTC 1440"})
}

// TestStaleDecided has what decides without the side that is silent.
func TestStaleDecided(t *testing.T) {
	t.Parallel()
	b := start(t, levels+"when: last(owed.data.amount) > last(held.data.amount) || last(held.data.amount) > 100")
	for range 10 {
		b.send("balance.holdings", `{"asset":"BTC","amount":"101"}`)
		b.wantStale("it is true whatever is owed", minute, nil)
	}
	b.send("balance.holdings", balance("BTC"))
	b.wantStale("it is not decided any more", minute, map[string]string{"owed": "1 BTC 11"})
}

// TestStaleOfAll has a side that belongs to every key fall silent.
func TestStaleOfAll(t *testing.T) {
	t.Parallel()
	b := start(t, "join: {owed: {event: balance.liabilities, by: [data.asset], max_age: 2m}, rate: {event: rate, by: [], max_age: 10m}}, within: 10m, when: last(owed.data.amount) > last(rate.data.amount)")
	b.send("rate", balance(""))
	for range 11 {
		b.send("balance.liabilities", balance("BTC"))
		b.send("balance.liabilities", balance("JPY"))
		b.wantStale("it is not", minute-1, nil)
	}
	b.wantStale("it is", 11, map[string]string{"rate": "2 JPY 11"})
	b.send("rate", balance(""))
	b.wantStale("it is heard", 0, map[string]string{"rate": "0"})
}

// TestStaleAtRandom compares with what is so: how many keys have a side that has been silent
// for too long.
func TestStaleAtRandom(t *testing.T) {
	t.Parallel()
	said := 0
	for seed := range uint64(30) {
		b, rnd := start(t, levels+"when: last(owed.data.amount) > last(held.data.amount)"), rand.New(rand.NewPCG(seed, 5))
		ages, events, names := [2]int64{3 * minute, 6 * minute}, [2]string{"balance.liabilities", "balance.holdings"}, [2]string{"owed", "held"}
		newest, came, silent, told := map[string][2]int64{}, map[string]bool{}, map[string]bool{}, [2]string{"0", "0"}
		for range 300 {
			asset, side, at := fmt.Sprint(rnd.IntN(4)), rnd.IntN(2), b.now
			if rnd.IntN(3) == 0 {
				at -= rnd.Int64N(5 * minute)
			}
			if rnd.IntN(4) > 0 {
				of, known := newest[asset]
				if !known {
					of = [2]int64{b.now, b.now}
				}
				if !came[asset+names[side]] || at > of[side] {
					of[side] = at
				}
				newest[asset], came[asset+names[side]] = of, true
				if b.now-of[side] <= ages[side]-minute {
					silent[asset+names[side]] = false
				}
				b.sendAt(at, events[side], balance(asset))
			}
			for side, is := range b.stale(rnd.Int64N(3) * rnd.Int64N(2*minute)) {
				for i, name := range names {
					if name == side {
						told[i], _, _ = strings.Cut(is, " ")
					}
				}
				said++
			}
			for i := range names {
				want := 0
				for asset, of := range newest {
					if silent[asset+names[i]] = silent[asset+names[i]] || b.now-of[i] >= ages[i]; silent[asset+names[i]] {
						want++
					}
				}
				if told[i] != fmt.Sprint(want) {
					t.Fatalf("seed %d: %s keys are said to lack %s, want %d", seed, told[i], names[i], want)
				}
			}
			if rnd.IntN(20) == 0 {
				b.restart()
			}
		}
	}
	if said < 500 {
		t.Errorf("%d are said: this shows little", said)
	}
}

// TestLateFault has what comes late spoil what is judged then, and not what it is asked of
// when it comes.
func TestLateFault(t *testing.T) {
	t.Parallel()
	b := start(t, refunds)
	b.send("refund.sent", `{"charge":"c","asset":"EUR","amount":"1"}`)
	if say := b.sendAt(b.now-sec, "charge.captured", `{"charge":"c","asset":"JPY","amount":"1"}`); say.Fault != nil {
		t.Fatalf("of its time nothing else is there: %+v", say)
	}
	if say := b.wait(40); say.Answer != form.Unclear || say.Fault == nil || say.Fault.Kind != match.MixedAssets {
		t.Errorf("two assets: %+v", say)
	}
}

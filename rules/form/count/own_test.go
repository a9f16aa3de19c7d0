package count_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/decimal"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// A feed gives a rule amounts of one key and one asset, one a second.
type feed struct {
	form.State
	now   int64
	nums  int
	asset string // where windows keep it
	apart int
}

func newFeed(t *testing.T, when string) *feed {
	t.Helper()
	set, problems := rules.Parse([]rules.File{{Name: "f.yml", Text: []byte("groups:\n- name: g\n  rules:\n  - {alert: A, event: e, within: 100s, when: '" + when + "'}\n")}})
	if set == nil {
		t.Fatal(problems)
	}
	f := &feed{State: set.Rules[0].Body.State(), asset: "BTC"}
	f.apart, f.nums = set.Rules[0].Body.Sources()[0].Columns()
	return f
}

func (f *feed) pay(t *testing.T, amount string) (say form.Say) {
	t.Helper()
	n, err := decimal.Parse(amount)
	if err != nil {
		t.Fatal(err)
	}
	f.now += 1e9
	e := &form.Event{Behavior: form.LateCounts, Hit: &match.Hit{}, Time: f.now, Ref: window.MakeRef(uint64(f.now/1e9), 0)}
	for range f.nums {
		e.Hit.Nums = append(e.Hit.Nums, n)
	}
	for range f.apart {
		e.Hit.Distinct = append(e.Hit.Distinct, append([]byte{0, 0, 0, byte(len(f.asset))}, f.asset...))
		e.Distinct = append(e.Distinct, window.Key{uint64(len(f.asset)), 1})
	}
	f.Add(f.now, e, &say)
	return say
}

// TestOwnStandsForItsEvent sees that an alert about one event stands until that leaves
// the window, whatever comes after it.
func TestOwnStandsForItsEvent(t *testing.T) {
	f := newFeed(t, "last(data.n) > 10 * max_before(data.n)")
	for i, amount := range []string{"5", "50", "500.01", "7"} {
		if say := f.pay(t, amount); say.Answer == form.True != (i == 2) {
			t.Fatalf("event %d: %+v", i, say)
		}
	}
	at := int64(3e9)
	for now, want := range map[int64]form.Answer{f.now: form.True, at + 100e9: form.True, at + 100e9 + 1: form.Untrue} {
		var say form.Say
		if f.Ask(now, window.Key{}, &say); say.Answer != want || want == form.True && (say.Due != at+100e9+1 || say.Value != "500.01") {
			t.Errorf("at %d: %+v, want %v", now, say, want)
		}
	}
}

// TestOwnAfterVerdict sees what acts after a person accepted all that was there.
func TestOwnAfterVerdict(t *testing.T) {
	for _, c := range []struct {
		when, amount string
		fresh        bool
	}{
		{"last(data.n) > 10 * max_before(data.n)", "20000", true}, // nothing is left to compare it with
		{"last(data.n) + sum_before(data.n) > 1000", "10", false}, // true by what was accepted
		{"last(data.n) + sum_before(data.n) > 1000", "1001", true},
		{"count_before() >= 3", "1", false},
	} {
		f := newFeed(t, c.when)
		for _, amount := range []string{"10", "10", "1000"} {
			f.pay(t, amount)
		}
		read := uint64(f.now / 1e9)
		f.Accept(window.Key{}, read)
		if say := f.pay(t, c.amount); say.Answer != form.True || say.Fresh != c.fresh {
			t.Errorf("%s: %+v, want fresh %v", c.when, say, c.fresh)
		}
		var say form.Say
		if f.Since(f.now, window.Key{}, read, &say); say.Answer == form.True != c.fresh {
			t.Errorf("%s: since the verdict %+v, want %v", c.when, say, c.fresh)
		}
	}
}

// TestWhenIsUnclear sees that what cannot be calculated, and amounts of two assets, are
// errors of the rule and no answer.
func TestWhenIsUnclear(t *testing.T) {
	const large = "99999999999999999999999999999999999999"
	for _, c := range []struct {
		when string
		kind match.FaultKind
	}{
		{"max(data.n) * 1000000000 > 1", match.Incalculable},
		{"last(data.n) * 1000000000 > max_before(data.n)", match.Incalculable},
		{"last(data.amount) > 2 * max_before(data.amount)", match.MixedAssets},
		{"sum(data.amount) > 2 * count()", match.MixedAssets},
		{"sum(data.amount) - 3 * min(data.amount) > 0", match.MixedAssets},
	} {
		f := newFeed(t, c.when)
		f.pay(t, "1")
		f.asset = "satoshi"
		if say := f.pay(t, large); say.Answer == form.True || say.Fault == nil || say.Fault.Kind != c.kind {
			t.Errorf("%s: %s", c.when, fmt.Sprint(say.Answer, " ", say.Fault))
		}
	}
}

// TestAmountsThatMeet compares windows of amounts that have an asset each with the
// definition: what is compared is of one asset, or nothing is said.
func TestAmountsThatMeet(t *testing.T) {
	rnd, said := rand.New(rand.NewPCG(5, 1)), map[form.Answer]int{}
	for range 200 {
		f := newFeed(t, "sum(data.from.amount) > sum(data.to.amount)")
		type event struct {
			amounts [2]int64
			assets  [2]uint64
		}
		var events []event
		for range 1 + rnd.IntN(4) {
			e := event{[2]int64{rnd.Int64N(3), rnd.Int64N(3)}, [2]uint64{uint64(rnd.IntN(8) / 7), uint64(rnd.IntN(3) / 2)}}
			events = append(events, e)
			f.now += 1e9
			var say form.Say
			f.Add(f.now, &form.Event{
				Behavior: form.LateCounts, Time: f.now, Ref: window.MakeRef(uint64(f.now/1e9), 0), Distinct: []window.Key{{e.assets[0]}, {e.assets[1]}},
				Hit: &match.Hit{Nums: []decimal.Decimal{decimal.FromInt(e.amounts[0]), decimal.FromInt(e.amounts[1])}, Distinct: [][]byte{nil, nil}},
			}, &say)
			want, one := form.Untrue, true
			var sums [2]int64
			for _, e := range events {
				sums[0], sums[1] = sums[0]+e.amounts[0], sums[1]+e.amounts[1]
				one = one && e.assets == [2]uint64{events[0].assets[0], events[0].assets[0]}
			}
			switch {
			case !one:
				want = form.Unclear
			case sums[0] > sums[1]:
				want = form.True
			}
			var asked form.Say
			f.Ask(f.now, window.Key{}, &asked)
			said[asked.Answer]++
			if asked.Answer != want || (say.Answer == form.True) != (want == form.True) || (say.Fault != nil) != (want == form.Unclear) {
				t.Fatalf("%+v: %v, and asked %v, want %v (%v)", events, say.Answer, asked.Answer, want, say.Fault)
			}
		}
	}
	if len(said) != 3 {
		t.Errorf("this shows little: %v", said)
	}
}

func TestAddDoesNotAllocate(t *testing.T) {
	for _, when := range []string{
		"count() > 1000000 - 999999 && count() < 1", "sum(data.n) > 1000000000000000 && distinct(data.n) > 3",
		"last(data.n) > 10 * max_before(data.n) + count_before()",
	} {
		f := newFeed(t, when)
		for range 70 {
			f.pay(t, "3")
		}
		e := &form.Event{Behavior: form.LateCounts, Hit: &match.Hit{Nums: make([]decimal.Decimal, f.nums)}, Distinct: make([]window.Key, f.apart)}
		var say form.Say
		if n := testing.AllocsPerRun(40, func() {
			f.now += 1e9
			e.Time, e.Ref = f.now, window.MakeRef(uint64(f.now/1e9), 0)
			say.Reset()
			f.Add(f.now, e, &say)
		}); n != 0 {
			t.Errorf("%s: an event allocates %v times", when, n)
		}
	}
}

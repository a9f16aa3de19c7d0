package count_test

import (
	"testing"

	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// A crowd gives a rule with keys one event a second.
type crowd struct {
	form.State
	now int64
}

func newCrowd(t *testing.T, when string) *crowd {
	t.Helper()
	set, problems := rules.Parse([]rules.File{{Name: "f.yml", Text: []byte("groups:\n- name: g\n  rules:\n  - {alert: A, event: e, by: [data.k], within: 100s, when: '" + when + "'}\n")}})
	if set == nil {
		t.Fatal(problems)
	}
	return &crowd{State: set.Rules[0].Body.State(), now: 1e15}
}

func (c *crowd) come(key uint64) (say form.Say) {
	c.now += 1e9
	e := &form.Event{Behavior: form.LateCounts, Hit: &match.Hit{}, Time: c.now, Ref: window.MakeRef(uint64(c.now/1e9), 0), Key: window.Key{key, 1}}
	c.Add(c.now, e, &say)
	return say
}

// TestShareOverTime follows one key: the events of others make its part smaller.
func TestShareOverTime(t *testing.T) {
	c := newCrowd(t, "share() > 0.6 && count() >= 3")
	for _, key := range []uint64{1, 2, 1} {
		c.come(key)
	}
	say := c.come(1)
	if say.Answer != form.True || say.Value != "0.75" || say.Total != 3 {
		t.Fatalf("3 of 4: %+v", say)
	}
	for range 2 {
		if say := c.come(3); say.Answer == form.True {
			t.Fatalf("another: %+v", say)
		}
	}
	if say = c.come(1); say.Answer == form.True {
		t.Fatalf("4 of 7: %+v", say)
	}
	say.Reset()
	if c.Ask(c.now, window.Key{1, 1}, &say); say.Answer != form.Untrue {
		t.Fatalf("4 of 7, asked: %+v", say)
	}
	for range 3 {
		say = c.come(1)
	}
	if say.Answer != form.True || say.Value != "0.7" {
		t.Fatalf("7 of 10: %+v", say)
	}
}

// TestShareAfterVerdict leaves out what a person accepted, of the key and of all.
func TestShareAfterVerdict(t *testing.T) {
	c := newCrowd(t, "share() > 0.6 && count() >= 3")
	for _, key := range []uint64{2, 1, 1, 1} {
		c.come(key)
	}
	read := uint64(c.now / 1e9)
	c.Accept(window.Key{1, 1}, read)
	for i, fresh := range []bool{false, false, true} { // 1 of 2, 2 of 3, 3 of 4
		say, since := c.come(1), form.Say{}
		c.Since(c.now, window.Key{1, 1}, read, &since)
		if say.Answer != form.True || say.Fresh != fresh || since.Answer == form.True != fresh {
			t.Errorf("%d since the verdict: %+v, %+v", i+1, say, since)
		}
	}
}

// TestShareIsUnknown asks before it is known what came before the rule.
func TestShareIsUnknown(t *testing.T) {
	c := newCrowd(t, "share() > 0.6")
	c.State.(form.Recounter).Forget(c.now, 1, c.now)
	if say := c.come(1); say.Answer == form.True || say.Fault != nil {
		t.Errorf("the only one that is known: %+v", say)
	}
	c.State.(form.Recounter).Forget(c.now, 2, c.now-200e9)
	if say := c.come(1); say.Answer != form.True || say.Value != "1" {
		t.Errorf("all is known: %+v", say)
	}
}

// TestShareOfMany has more events in a slice than it keeps: what is not known is not
// said, and told.
func TestShareOfMany(t *testing.T) {
	c := newCrowd(t, "share() >= 0.00001")
	var say form.Say
	told := 0
	for i := range uint64(window.MaxCounted + 10) {
		e := &form.Event{Behavior: form.LateCounts, Hit: &match.Hit{}, Time: c.now, Ref: window.MakeRef(i, 0), Key: window.Key{i % 4, 1}}
		say.Reset()
		if c.Add(c.now, e, &say); say.Saturated {
			told++
		}
	}
	if say.Answer == form.True || told != 10 {
		t.Errorf("%+v, told %d times", say, told)
	}
}

func TestShareDoesNotAllocate(t *testing.T) {
	c := newCrowd(t, "share() > 0.6 && count() >= 10")
	for i := range uint64(300) {
		c.come(i % 7)
	}
	e := &form.Event{Behavior: form.LateCounts, Hit: &match.Hit{}, Key: window.Key{1, 1}}
	var say form.Say
	if n := testing.AllocsPerRun(100, func() {
		c.now += 1e6
		e.Time, e.Ref = c.now, window.MakeRef(uint64(c.now/1e6), 0)
		say.Reset()
		c.Add(c.now, e, &say)
	}); n != 0 {
		t.Errorf("an event allocates %v times", n)
	}
}

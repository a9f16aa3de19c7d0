package machine

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"
)

// took is what a reader of a feed knows: the alerts that stand and those that
// it was told have ended.
type took struct{ stands, ended map[string]Alert }

func (k *took) take(f *Feed) {
	if k.stands == nil {
		k.stands, k.ended = map[string]Alert{}, map[string]Alert{}
	}
	for _, a := range f.Take() {
		if a.Ended == 0 {
			k.stands[a.ID] = a
			continue
		}
		delete(k.stands, a.ID)
		k.ended[a.ID] = a
	}
}

// agrees checks that the reader knows exactly the alerts that stand.
func (k *took) agrees(t testing.TB, m *Machine) {
	t.Helper()
	alerts := m.AlertsView()
	for _, a := range alerts {
		if known, ok := k.stands[a.ID]; !ok || known.Incident != a.Incident {
			t.Errorf("alert %s stands in incident %q; the reader has %v, %q", a.ID, a.Incident, ok, known.Incident)
		}
	}
	if len(alerts) != len(k.stands) {
		t.Errorf("%d alerts stand, the reader has %d", len(alerts), len(k.stands))
	}
}

func TestFeed(t *testing.T) {
	r := newRig(t, testRules)
	r.send(payout("m1", "w2", "p3", "a", "6"), payout("m2", "w3", "p4", "a", "5.5"))
	f := r.m.Follow()
	var k took
	<-f.News()
	k.take(f)
	k.agrees(t, r.m)
	if again := f.Take(); len(again) != 0 {
		t.Errorf("nothing has changed, and there is %+v", again)
	}
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	<-f.News()
	k.take(f)
	k.agrees(t, r.m)
	r.later(11 * time.Minute)
	r.tick() // Much is over
	k.take(f)
	k.agrees(t, r.m)
	if len(k.ended) != 1 {
		t.Errorf("ended: %+v, want one", k.ended)
	}
	// Who begins now also hears of what ended, for a day, also after a restart.
	twin := New()
	if err := twin.Restore(bytes.NewReader(r.m.Snapshot().Bytes)); err != nil {
		t.Fatal(err)
	}
	for _, m := range []*Machine{r.m, twin} {
		var late took
		late.take(m.Follow())
		late.agrees(t, m)
		if len(late.ended) != 1 {
			t.Errorf("ended: %+v, want one", late.ended)
		}
		for id := range late.ended {
			if a, ok := m.AlertView(id); !ok || a.Cause.IsZero() {
				t.Errorf("alert %s that ended lately: %v, %+v", id, ok, a)
			}
		}
	}
	r.later(lately + time.Second)
	r.tick()
	var later took
	later.take(r.m.Follow())
	for _, a := range later.ended {
		if a.Ended < r.now.Add(-lately).UnixNano() {
			t.Errorf("a day later %+v is still known", a)
		}
	}
}

// TestFeedBegins gives a reader all there is once it has missed too much, and
// when the state was replaced.
func TestFeedBegins(t *testing.T) {
	r := newRig(t, testRules)
	f := r.m.Follow()
	f.Take()
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	many := make([]*Alert, maxPending)
	for i := range many {
		many[i] = &Alert{ID: fmt.Sprint("a", i+1000)}
	}
	f.add(many)
	var k took
	k.take(f)
	k.agrees(t, r.m)

	if err := r.m.Restore(bytes.NewReader(New().Snapshot().Bytes)); err != nil {
		t.Fatal(err)
	}
	<-f.News()
	k.take(f)
	k.agrees(t, r.m)
	if left := f.Take(); len(left) != 0 {
		t.Errorf("an empty machine has alerts: %+v", left)
	}
}

// TestFeedEndsAll tells a reader that begins anew also of ends that are no longer
// known.
func TestFeedEndsAll(t *testing.T) {
	r := newRig(t, testRules)
	for i := range maxGone + maxGone/2 {
		r.m.builtIn(ruleErrors, Label{Name: "rule", Value: fmt.Sprint(i)})
	}
	f := r.m.Follow()
	var k took
	k.take(f)
	k.agrees(t, r.m)
	r.later(builtInQuiet)
	r.tick()
	if len(r.m.AlertsView()) != 0 {
		t.Fatal("they stand")
	}
	f.add(make([]*Alert, maxPending)) // too many to be kept
	k.take(f)
	k.agrees(t, r.m)
}

// TestFeedOrder gives alerts in the order they were raised.
func TestFeedOrder(t *testing.T) {
	r := newRig(t, testRules)
	f := r.m.Follow()
	for i := range 12 {
		r.pay(fmt.Sprint("w", i), "p1")
		r.pay(fmt.Sprint("w", i), "p2")
	}
	taken := f.Take()
	if len(taken) < 12 || !slices.IsSortedFunc(taken, func(a, b Alert) int { return compareAlerts(&a, &b) }) {
		t.Errorf("%d alerts in the order %+v", len(taken), taken)
	}
}

// TestGoneIsBounded forgets the oldest of too many that ended.
func TestGoneIsBounded(t *testing.T) {
	m := New()
	for i := range 2*maxGone + 7 {
		m.goneBy(&Alert{ID: fmt.Sprint("a", i), Ended: 1})
		if len(m.Gone) > maxGone+maxGone/10 {
			t.Fatalf("%d are kept", len(m.Gone))
		}
	}
	if last := m.Gone[len(m.Gone)-1].ID; last != fmt.Sprint("a", 2*maxGone+6) || len(m.Gone) < maxGone {
		t.Errorf("the last of %d is %s", len(m.Gone), last)
	}
}

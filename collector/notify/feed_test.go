package notify

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/alert"

	"github.com/tomeishi/tomeishi/collector/machine"
)

// TestEqualLabels: two alerts with equal labels are one, which is over when the
// last of them is.
func TestEqualLabels(t *testing.T) {
	n := &Notifier{o: Options{External: "https://screen"}}
	f := follower{n: n, standing: map[fingerprint][]*told{}, under: map[string]*alert.Alert{}}
	now := time.Now()
	step := func(a machine.Alert) (id string, standing bool, since time.Time) {
		c := n.convert(a, now)
		got := f.change(c.Fingerprint(), a, c)
		return string(got.Annotations[alertAnnotation]), !got.ResolvedAt(now), got.StartsAt
	}
	first, second := an("a1", "Twice"), an("a2", "Twice")
	first.Raised, second.Raised = now.Add(-2*time.Minute).UnixNano(), now.Add(-time.Minute).UnixNano()
	ended := func(a machine.Alert) machine.Alert { a.Ended = now.UnixNano(); return a }
	for i, s := range []struct {
		a        machine.Alert
		id       string
		standing bool
		since    int64
	}{
		{first, "a1", true, first.Raised},
		{second, "a2", true, first.Raised},
		{second, "a2", true, first.Raised}, // joined an incident
		{ended(first), "a2", true, second.Raised},
		{ended(second), "a2", false, second.Raised},
		{first, "a1", true, first.Raised},
		{second, "a2", true, first.Raised},
		{ended(second), "a1", true, first.Raised},
		{ended(first), "a1", false, first.Raised},
	} {
		id, standing, since := step(s.a)
		if id != s.id || standing != s.standing || since.UnixNano() != s.since {
			t.Errorf("step %d: got %s, standing %t since %v, want %s, %t, %v", i, id, standing, since, s.id, s.standing, time.Unix(0, s.since))
		}
	}
	if len(f.standing) != 0 {
		t.Errorf("%d still stand", len(f.standing))
	}
}

// TestRelabelled: an alert whose labels are masked from now on is over under those
// that it was told with, and stands under the others.
func TestRelabelled(t *testing.T) {
	n := &Notifier{}
	f := follower{n: n, standing: map[fingerprint][]*told{}, under: map[string]*alert.Alert{}}
	now := time.Now()
	before, after := an("a1", "Twice"), an("a1", "Twice")
	after.Labels = append(slices.Clone(after.Labels), machine.Label{Name: "customer", Value: "•a1b2c3d4"})
	f.changes([]machine.Alert{before}, now.Add(-time.Minute))
	got := f.changes([]machine.Alert{after}, now)
	if len(got) != 2 || !got[0].ResolvedAt(now) || got[0].Labels["customer"] != "" || got[1].ResolvedAt(now) || got[1].Labels["customer"] == "" {
		t.Errorf("changes %v, want the old labels resolved and the new ones firing", got)
	}
	if len(f.standing) != 1 {
		t.Errorf("%d sets of labels stand, want one", len(f.standing))
	}
}

// TestEndsAhead: ledger time may be ahead of the wall; what is over is over.
func TestEndsAhead(t *testing.T) {
	n := &Notifier{}
	now := time.Now()
	a := an("a1", "Ahead")
	a.Ended = now.Add(time.Minute).UnixNano()
	if c := n.convert(a, now); !c.ResolvedAt(now) {
		t.Errorf("stands until %v", c.EndsAt)
	}
}

// TestManyAtOnce: the built-in configuration tells of thousands of alerts of one
// rule in one notification, and of a critical one at once.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t, "")
	w.start()
	var all []machine.Alert
	for i := range 3000 {
		all = append(all, an(fmt.Sprintf("a%d", i), "Many", "request", fmt.Sprint(i)))
		all[i].Incident = fmt.Sprintf("i%d", i%3)
	}
	began := time.Now()
	w.raise(append(all, an("c", "Grave", "severity", "critical"))...)
	told := w.awaitTold(1)
	if took := time.Since(began); took > 3*time.Second || !slices.Equal(told[0].Alerts, []string{"c"}) {
		t.Errorf("after %v: told %+v, want the critical alert", took, told[0])
	}
	many := w.awaitTold(2)[1]
	if many.Firing != len(all) || len(many.Alerts) != maxToldNames || len(many.Incidents) != 3 || many.Receiver != screenReceiver {
		t.Errorf("told of %d, named %d, incidents %v", many.Firing, len(many.Alerts), many.Incidents)
	}
}

// TestEndNotToldAgain: an end that was told is not told again after a restart
// or a reload, also when the group was told of other alerts since.
func TestEndNotToldAgain(t *testing.T) {
	h := newHook(t)
	w := newWorld(t, quick(h.URL))
	w.start()
	a, b, c := an("a", "A"), an("b", "B"), an("c", "C")
	w.raise(a, b)
	w.awaitTold(1)
	w.raise(over(b))
	w.awaitTold(2)
	w.raise(c) // the log of the group forgets that b has ended
	w.awaitTold(3)
	if err := w.n.load(); err != nil {
		t.Fatal(err)
	}
	w.stop()
	w.raise(a, over(b), c)
	w.start()
	w.raise(over(a))
	w.awaitTold(4)
	w.stop()
	ends := map[string]int{}
	for _, m := range h.all() {
		for _, id := range m.names("resolved") {
			ends[id]++
		}
	}
	if len(h.all()) != 4 || ends["b"] != 1 || ends["a"] != 1 {
		t.Errorf("%d notifications, ends told: %v, want 4, each end once", len(h.all()), ends)
	}
}

// TestEndToldAfterRestart: an end that came while nobody told is told.
func TestEndToldAfterRestart(t *testing.T) {
	h := newHook(t)
	w := newWorld(t, quick(h.URL))
	w.start()
	a := an("a", "A")
	w.raise(a)
	w.awaitTold(1)
	w.stop()
	w.raise(over(a))
	w.start()
	w.awaitTold(2)
	if all := h.all(); len(all) != 2 || !slices.Equal(all[1].names("resolved"), []string{"a"}) {
		t.Errorf("told %+v", all)
	}
}

package machine

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
)

func (r *rig) note(n entry.NotifyState) {
	r.t.Helper()
	r.must(r.json(entry.KindNotifyState, n))
}

func TestKept(t *testing.T) {
	r := newRig(t, testRules)
	at := func(d time.Duration) int64 { return r.now.Add(d).UnixNano() }
	r.note(entry.NotifyState{Kept: []entry.NotifyRecord{
		{Of: entry.KeptSilence, Key: "s1", Updated: 5, Expires: at(time.Hour), Body: []byte("new")},
		{Of: entry.KeptSilence, Key: "s1", Updated: 4, Expires: at(2 * time.Hour), Body: []byte("old")},
		{Of: entry.KeptLog, Key: "s1", Updated: 1, Expires: at(2 * time.Hour), Body: []byte("log")},
	}})
	if kept := r.m.KeptView(); len(kept) != 2 || string(kept[0].Body) != "log" || string(kept[1].Body) != "new" {
		t.Errorf("kept: %+v", kept)
	}
	r.later(time.Hour)
	r.note(entry.NotifyState{})
	if kept := r.m.KeptView(); len(kept) != 1 || kept[0].Of != entry.KeptLog {
		t.Errorf("after the silence has expired: %+v", kept)
	}
	for _, bad := range []entry.NotifyRecord{{Of: "x", Key: "k"}, {Of: entry.KeptLog}, {Of: entry.KeptLog, Key: "k", Body: make([]byte, maxKeptBody+1)}} {
		if _, ok := r.json(entry.KindNotifyState, entry.NotifyState{Kept: []entry.NotifyRecord{{Of: entry.KeptLog, Key: "good", Expires: at(time.Hour)}, bad}}).(*Refusal); !ok {
			t.Errorf("%.20v was taken", bad)
		}
	}
	if kept := r.m.KeptView(); len(kept) != 1 {
		t.Errorf("half of a refused entry was taken: %+v", kept)
	}
}

// TestKeptIsBounded lets the oldest of the log give way, and no silence.
func TestKeptIsBounded(t *testing.T) {
	r := newRig(t, testRules)
	over := r.now.Add(time.Hour).UnixNano()
	r.note(entry.NotifyState{Kept: []entry.NotifyRecord{{Of: entry.KeptSilence, Key: "s", Expires: over}}})
	var n entry.NotifyState
	for i := range maxKept + 10 {
		n.Kept = append(n.Kept, entry.NotifyRecord{Of: entry.KeptLog, Key: fmt.Sprint(i), Updated: int64(i), Expires: over})
	}
	r.note(n)
	if len(r.m.Kept) > maxKept || r.m.Kept["silence/s"] == nil || r.m.Kept["log/0"] != nil || r.m.Kept[fmt.Sprint("log/", maxKept+9)] == nil {
		t.Errorf("%d are kept", len(r.m.Kept))
	}
}

func TestTold(t *testing.T) {
	r := newRig(t, testRules)
	r.pay("w1", "p1")
	r.pay("w1", "p2")
	in := r.m.IncidentsView()[0].ID
	for i := range 3 * maxTold {
		r.note(entry.NotifyState{Told: []entry.Notification{{At: int64(i), Receiver: "pager", Integration: "webhook", Firing: 1, Alerts: []string{"a1"}, Incidents: []string{in, "i99"}}}})
	}
	all := r.m.ToldView()
	if n := len(all); n < maxTold || n > maxTold+maxTold/10 || all[n-1].At != 3*maxTold-1 {
		t.Errorf("%d are known, the last %+v", n, all[n-1])
	}
	of := r.m.IncidentsView()[0].Told
	if n := len(of); n < maxToldOf || n > maxToldOf+maxToldOf/10 || of[0].At != 0 || of[firstTold-1].At != firstTold-1 || of[n-1].At != 3*maxTold-1 || len(of[0].Alerts) != 1 {
		t.Errorf("of the incident %d are known: %+v", len(of), of)
	}
}

// TestVersions counts what changes, and wakes who waits.
func TestVersions(t *testing.T) {
	r := newRig(t, testRules)
	changes := map[string]struct {
		do   func()
		what func(Versions) uint64
	}{
		"a gate closes":   {func() { r.pay("w1", "p1"); r.pay("w1", "p2") }, func(v Versions) uint64 { return v.Gates }},
		"an alert":        {func() { r.pay("w2", "p1"); r.pay("w2", "p2") }, func(v Versions) uint64 { return v.Alerts }},
		"an incident":     {func() { r.pay("w3", "p1"); r.pay("w3", "p2") }, func(v Versions) uint64 { return v.Incidents }},
		"people are told": {func() { r.note(entry.NotifyState{Told: []entry.Notification{{Receiver: "r"}}}) }, func(v Versions) uint64 { return v.Told }},
		"a silence": {func() {
			r.note(entry.NotifyState{Kept: []entry.NotifyRecord{{Of: entry.KeptSilence, Key: "s", Updated: 1, Expires: r.now.Add(time.Hour).UnixNano()}}})
		}, func(v Versions) uint64 { return v.Silences }},
		"an agent":   {func() { r.speaks("host1") }, func(v Versions) uint64 { return v.Agents }},
		"a rule set": {func() { r.load(testRules + "# another\n") }, func(v Versions) uint64 { return v.Rules }},
	}
	for name, c := range changes {
		before, news := r.m.Versions()
		c.do()
		after, _ := r.m.Versions()
		if c.what(after) == c.what(before) {
			t.Errorf("%s: nothing is counted: %+v", name, after)
		}
		select {
		case <-news:
		default:
			t.Errorf("%s: nobody was woken", name)
		}
	}
	for what, happens := range []func(){
		func() { r.later(silentAfter + time.Second); r.tick() },
		func() { r.decided(r.decide(entry.Decision{Do: entry.DoForget, Agent: "host1", Reason: "sold"})) },
		func() { r.speaks("host1") },
	} {
		before, _ := r.m.Versions()
		happens()
		if after, _ := r.m.Versions(); after.Agents == before.Agents {
			t.Errorf("change %d of an agent is not counted", what)
		}
	}
	// Another state may differ in anything.
	old, woken := r.m.Versions()
	r.must(r.m.Restore(bytes.NewReader(r.m.Snapshot().Bytes)))
	v, _ := r.m.Versions()
	for name, changed := range map[string]bool{
		"gates": v.Gates > old.Gates, "alerts": v.Alerts > old.Alerts, "incidents": v.Incidents > old.Incidents, "told": v.Told > old.Told,
		"silences": v.Silences > old.Silences, "agents": v.Agents > old.Agents, "rules": v.Rules > old.Rules,
	} {
		if !changed {
			t.Errorf("%s: a restore is not counted", name)
		}
	}
	<-woken
	before, news := r.m.Versions()
	r.tick()
	r.speaks("host1")
	if after, _ := r.m.Versions(); after != before {
		t.Errorf("nothing that people see has changed: %+v, %+v", before, after)
	}
	select {
	case <-news:
		t.Error("woken for nothing")
	default:
	}
}

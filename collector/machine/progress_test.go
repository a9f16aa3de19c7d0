package machine

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

// A host is an agent with a clock and a way to the collector, as they are.
type host struct {
	*rig
	agent  string
	spool  report.SpoolID
	off    time.Duration // its clock
	seq    uint64
	prev   [32]byte
	knows  int64  // ledger time that it was last told
	queue  []byte // blocks that wait
	source string
}

func (r *rig) host(name string) *host {
	r.next++
	return &host{rig: r, agent: name, spool: report.SpoolID{7, byte(r.next), byte(r.next >> 8)}, source: "app@" + name}
}

func (h *host) clock() int64 { return h.now.Add(h.off).UnixNano() }

// accepts puts events into the spool.
func (h *host) accepts(events ...report.Event) {
	for i := range events {
		h.next++
		events[i].ID, events[i].Seen = fmt.Sprint("h", h.next), h.clock()
		if events[i].Source == "" {
			events[i].Source = h.source
		}
	}
	h.seq++
	b := block(report.Head{Agent: h.agent, Spool: h.spool, Seq: h.seq, Prev: h.prev}, events...)
	h.prev = b.Batch.Digest()
	h.queue = b.Append(h.queue)
}

// says puts into the spool how far it is.
func (h *host) says() {
	h.accepts(report.Event{Type: report.ProgressType, Source: "tomeishi/agent/" + h.agent, Data: fmt.Appendf(nil, `{"ledger":%d}`, h.knows)})
}

// delivers sends what waits.
func (h *host) delivers() {
	h.t.Helper()
	if h.queue != nil {
		h.must(h.apply(entry.KindBlocks, h.queue))
	}
	h.queue, h.knows = nil, h.now.UnixNano()
}

// lives lets hosts live for so long, second by second.
func (r *rig) lives(d time.Duration, hosts ...*host) {
	r.t.Helper()
	for range d / time.Second {
		r.later(time.Second)
		for _, h := range hosts {
			h.says()
			h.delivers()
		}
		if due := r.m.Due(); due != 0 && due <= r.now.UnixNano() {
			r.tick()
		}
	}
}

func works(worker string) report.Event {
	return report.Event{Type: "worker.beat", Data: fmt.Appendf(nil, `{"worker":%q}`, worker)}
}

func appBeat(types ...string) report.Event {
	return report.Event{Type: report.AppBeatType, Data: entry.Marshal(report.AppBeat{Types: types})}
}

func quietRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, m: withQuiet(), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	r.json(entry.KindGenesis, entry.Genesis{Cell: "c0", Secret: [2]uint64{1, 2}, Behavior: Behavior})
	r.load(quietRules)
	return r
}

// quiet are the workers that are called quiet, with a question mark where that is not
// proven.
func (r *rig) quiet() (out []string) {
	for _, a := range r.m.AlertsView() {
		if a.Rule == "WorkerQuiet" && a.Label("worker") != "first" {
			mark := ""
			if a.unproven() {
				mark = "?"
			}
			out = append(out, a.Label("worker")+mark)
		}
	}
	slices.Sort(out)
	return out
}

func (r *rig) wantQuiet(what string, want ...string) {
	r.t.Helper()
	if got := r.quiet(); !slices.Equal(got, want) {
		r.t.Fatalf("%s: quiet are %v, want %v", what, got, want)
	}
}

// restarts goes on from a snapshot.
func (r *rig) restarts() {
	r.t.Helper()
	saved := r.m.Snapshot().Bytes
	r.m = withQuiet()
	r.must(r.m.Restore(bytes.NewReader(saved)))
	if !bytes.Equal(saved, r.m.Snapshot().Bytes) {
		r.t.Fatal("a restored machine is not the one that was saved")
	}
}

const minute = time.Minute

// TestProof: what does not come is proven once all were heard who report it, and else
// told as uncertain, which closes no gate.
func TestProof(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(r *rig, h, other *host)
	}{
		{"a silent application beside a living agent", func(r *rig, h, other *host) {
			h.accepts(works("w"))
			r.lives(61*time.Second, h, other)
			r.wantQuiet("in time", "w")
			r.wantClosed("btc", true)
		}},
		{"not before it was heard", func(r *rig, h, other *host) {
			h.accepts(works("w"))
			r.lives(58*time.Second, h, other)
			r.later(2 * time.Second)
			r.tick()
			r.wantQuiet("before", []string{}...)
			r.lives(2*time.Second, h, other)
			r.wantQuiet("after", "w")
		}},
		{"a silent agent", func(r *rig, h, other *host) {
			h.accepts(works("w"))
			r.lives(30*time.Second, h, other)
			r.lives(59*time.Second, other)
			r.wantQuiet("waits")
			r.lives(2*time.Second, other)
			r.wantQuiet("is not sure", "w?")
			r.wantClosed("btc", false)
			if e := r.newestEffect(); e.Mode.String() != "approve" {
				t.Errorf("%+v", e)
			}
			r.restarts()
			r.lives(3*time.Second, h, other)
			r.wantQuiet("is sure", "w")
			r.wantClosed("btc", true)
			causes := []record.Kind{}
			for _, a := range r.m.Gone {
				if a.Rule == "WorkerQuiet" && a.Label("worker") == "w" {
					causes = append(causes, a.Cause.Kind)
				}
			}
			if in := r.m.IncidentsView(); len(in) != 1 || in[0].Ended != 0 || !slices.Equal(causes, []record.Kind{record.Proven}) {
				t.Errorf("incidents %+v, causes %v", in, causes)
			}
		}},
		{"a partition of an hour", func(r *rig, h, other *host) {
			h.accepts(works("w"), works("v"))
			r.lives(30*time.Second, h, other)
			for range 120 { // it goes on beyond
				r.later(30 * time.Second)
				h.accepts(works("w"))
				h.says()
				other.says()
				other.delivers()
			}
			r.wantQuiet("unsure of both", "v?", "w?")
			r.wantClosed("btc", false)
			h.delivers()
			r.wantQuiet("one worked all the time", "v?")
			r.lives(2*time.Second, h, other)
			r.wantQuiet("and the other did not", "v")
			for _, a := range r.m.Gone {
				if a.Label("worker") == "w" && a.Cause.Kind != record.NoLongerTrue {
					r.t.Errorf("it ended because %+v", a.Cause)
				}
			}
		}},
		{"a clock ten minutes ahead", func(r *rig, h, other *host) {
			h.off = 10 * minute
			r.lives(5*time.Second, h, other)
			other.accepts(works("w"))
			r.lives(50*time.Second, h, other)
			for range 20 { // a slow way
				r.later(time.Second)
				h.says()
				other.says()
				other.delivers()
				r.tick()
			}
			r.wantQuiet("its clock is not believed")
			h.delivers()
			r.wantQuiet("nor what it said before it knew better")
			r.lives(2*time.Second, h, other)
			r.wantQuiet("heard", "w")
		}},
		{"a clock ten minutes behind", func(r *rig, h, other *host) {
			h.off = -10 * minute
			other.accepts(works("w"))
			r.lives(89*time.Second, h, other)
			r.wantQuiet("waits")
			r.lives(2*time.Second, h, other)
			r.wantQuiet("is not sure", "w?")
			r.lives(10*minute, h, other)
			r.wantQuiet("it only took longer", "w")
		}},
		{"an application's own beats", func(r *rig, h, other *host) {
			h.accepts(works("w"), appBeat("worker.beat"))
			r.lives(30*time.Second, h, other)
			h.accepts(appBeat("worker.beat"))
			r.lives(40*time.Second, h, other)
			r.wantQuiet("it was not heard since")
			r.lives(20*time.Second, h, other)
			r.wantQuiet("is not sure", "w?")
			h.accepts(appBeat())
			r.lives(2*time.Second, h, other)
			r.wantQuiet("is sure", "w")
		}},
		{"an old agent that says nothing of it", func(r *rig, h, other *host) {
			h.accepts(works("w"))
			for range 91 {
				r.later(time.Second)
				h.accepts(report.Event{Type: report.BeatType, Source: "tomeishi/agent/" + h.agent})
				h.delivers()
				other.says()
				other.delivers()
			}
			r.wantQuiet("proves nothing", "w?")
		}},
		{"lost blocks", func(r *rig, h, other *host) {
			h.accepts(works("w"))
			r.lives(10*time.Second, h, other)
			h.accepts(works("w"))
			lost := h.queue
			h.queue = nil
			r.lives(52*time.Second, h, other)
			r.wantQuiet("waits")
			r.must(r.apply(entry.KindBlocks, lost))
			r.lives(5*time.Second, h, other)
			r.wantQuiet("it had worked")
			r.lives(10*time.Second, h, other)
			r.wantQuiet("but no more", "w")
		}},
		{"lost for good", func(r *rig, h, other *host) {
			h.accepts(works("w"))
			r.lives(10*time.Second, h, other)
			h.accepts(works("w"))
			h.queue = nil
			r.lives(80*time.Second, h, other)
			r.wantQuiet("is not sure", "w?")
			other.accepts(works("v"))
			r.lives(2*minute, h, other)
			r.wantQuiet("for as long as it may matter", "v?", "w?")
			r.lives(time.Hour, h, other)
			other.accepts(works("u"))
			r.lives(62*time.Second, h, other)
			if !slices.Contains(r.quiet(), "u") {
				r.t.Errorf("quiet are %v, and nothing was lost for an hour", r.quiet())
			}
		}},
		{"nobody served", func(r *rig, h, other *host) {
			h.accepts(works("w"))
			r.lives(10*time.Second, h, other)
			r.later(time.Hour)
			r.json(entry.KindLead, entry.Lead{})
			r.lives(10*time.Second, other)
			r.wantQuiet("they could not be heard")
			r.lives(3*time.Second, h, other)
			r.wantQuiet("heard", "w")
		}},
		{"nobody served, and one does not come back", func(r *rig, h, other *host) {
			h.accepts(works("w"))
			r.lives(10*time.Second, h, other)
			r.later(time.Hour)
			r.json(entry.KindLead, entry.Lead{})
			r.lives(29*time.Second, other)
			r.wantQuiet("may still come")
			r.restarts()
			r.lives(2*time.Second, other)
			r.wantQuiet("did not", "w?")
		}},
		{"a host that is gone", func(r *rig, h, other *host) {
			r.lives(10*time.Second, h, other)
			other.accepts(works("w"))
			r.lives(91*time.Second, other)
			r.wantQuiet("is not sure", "w?")
			r.must(r.decide(entry.Decision{Do: entry.DoForget, Agent: h.agent, Reason: "sold"}))
			r.wantQuiet("a person knows", "w")
		}},
		{"a reload in the middle", func(r *rig, h, other *host) {
			h.accepts(works("w"))
			r.lives(59*time.Second, h, other)
			r.load(quietRules + "# another\n")
			r.lives(2*time.Second, h, other)
			r.wantQuiet("in time", "w")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := quietRig(t)
			h, other := r.host("h"), r.host("other")
			h.accepts(works("first")) // so that both are known to report it
			other.accepts(works("first"))
			r.lives(3*time.Second, h, other)
			c.do(r, h, other)
		})
	}
}

// TestProofOfDeclared: who is declared must be heard, and nobody else.
func TestProofOfDeclared(t *testing.T) {
	r := quietRig(t)
	r.load(quietRules + "events: {worker.beat: {sources: [app@h, app@i]}}\n")
	h, i, other := r.host("h"), r.host("i"), r.host("other")
	h.accepts(works("w"))
	other.accepts(works("v"))
	other.delivers()
	r.lives(80*time.Second, h)
	r.wantQuiet("one is not known")
	r.lives(15*time.Second, h)
	r.wantQuiet("is not sure", "w?")
	i.accepts(works("u"))
	r.lives(2*time.Second, h, i)
	r.wantQuiet("both are heard", "w")
}

// TestProofAtIntake: what came to the collector itself goes by ledger time, and what
// nobody is known to report is never proven.
func TestProofAtIntake(t *testing.T) {
	r := quietRig(t)
	r.works("w")
	r.later(minute)
	r.tick()
	r.wantQuiet("at once", "w")
	r.wantClosed("btc", true)
	r.later(25 * time.Hour) // whoever reported it reports it no more
	r.tick()
	e := works("v")
	e.ID, e.Source, e.Time = "v", "test", r.now.UnixNano()
	r.send(e)
	r.m.Reporters, r.m.reporting.last = nil, nil
	r.m.linkReporters()
	r.later(minute)
	r.tick()
	r.wantQuiet("nobody is known", "w")
	r.later(30 * time.Second)
	r.tick()
	r.wantQuiet("is not sure", "v?", "w")
}

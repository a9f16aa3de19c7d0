package api

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/message"
)

// listAge is how old an answer with all gates may be. A change of a gate is
// seen at once; a reason may show a value of its alert that is so old.
const listAge = time.Second

// encodedList is an answer with all gates, made once for all who ask.
type encodedList struct {
	epoch   uint64
	version uint64 // with the agreements, which are no change of a gate, without what is held
	made    time.Time
	views   []machine.GateView
	text    []byte
}

type listCache struct {
	mu   sync.Mutex // guards last; held while the list is encoded, so that it is once
	last *encodedList
}

func (a *API) list() *encodedList {
	c := &a.gateLists
	c.mu.Lock()
	defer c.mu.Unlock()
	versions, _ := a.Machine.Versions()
	version := versions.Gates - versions.Held
	if l := c.last; l != nil && l.epoch == a.Machine.GateEpoch() && l.version == version && time.Since(l.made) < listAge {
		return l
	}
	views, epoch := a.Machine.GatesView()
	out := gateList{report.GateList{Cell: a.Machine.CellID(), Epoch: epoch}, []Gate{}}
	size := 0
	for _, v := range views {
		told := a.told(v)
		if size += len(encoded(told)); size > maxListBytes {
			told = a.plain(v)
		}
		out.Gates = append(out.Gates, told)
	}
	c.last = &encodedList{epoch, version, time.Now(), views, append(encoded(out), '\n')}
	return c.last
}

// What a list tells of a gate is bounded: agents read no answer that is longer than
// 16 MiB, and one that they cannot read leaves a gate open that was closed.
const (
	maxListBytes = 8 << 20 // bytes; gates beyond are told plain
	maxTold      = 3       // holds that close a gate: any of them is enough
	maxReason    = 300     // bytes of a hold's
)

// told is a gate as a list has it.
func (a *API) told(v machine.GateView) Gate {
	closers := 0
	v.Holds = slices.DeleteFunc(slices.Clone(v.Holds), func(h machine.Hold) bool {
		if h.Match != nil {
			return h.Cause == machine.ByParent
		}
		closers++
		return closers > maxTold
	})
	g := a.gate(v)
	for i := range g.Holds {
		g.Holds[i].Reason = message.Short(g.Holds[i].Reason, maxReason)
	}
	return g
}

// plain is a gate in few words: closed also where only some payments are held,
// since nobody can be told which.
func (a *API) plain(v machine.GateView) Gate {
	held := len(v.Holds) > 0
	v.Holds, v.Approvals, v.InShadow = nil, nil, nil
	g := a.gate(v)
	if held {
		g.State = report.GateClosed
	}
	return g
}

func encoded(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("api: encode the gates: " + err.Error()) // only types of this package
	}
	return text
}

package api

import (
	"bytes"
	"encoding/json"
	"sync"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/machine"
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
	for _, v := range views {
		out.Gates = append(out.Gates, a.gate(v))
	}
	var text bytes.Buffer
	if err := json.NewEncoder(&text).Encode(out); err != nil {
		panic("api: encode the gates: " + err.Error()) // only types of this package
	}
	c.last = &encodedList{epoch, version, time.Now(), views, text.Bytes()}
	return c.last
}

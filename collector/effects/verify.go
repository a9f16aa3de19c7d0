package effects

import (
	"context"
	"strconv"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/record"
)

// State is what verification reads of the machine.
type State interface {
	// Unverified are the applied effects that nobody has seen arrive.
	Unverified() []machine.Effect
	// Gate is one gate without what holds it.
	Gate(name string) (machine.Gate, bool)
	// SpoolsView are the agents that have ever reported.
	SpoolsView() []machine.Spool
}

// A Verifier finds out which closed gates have arrived at the agents.
type Verifier struct {
	State  State
	Leases *Leases
	// Submit puts a result into the ledger. If it fails, nothing is known, and
	// the next round looks again.
	Submit func(context.Context, entry.Result) error
}

// Run looks at applied effects again and again until ctx ends.
func (v *Verifier) Run(ctx context.Context) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			v.round(ctx)
		}
	}
}

func (v *Verifier) round(ctx context.Context) {
	unverified := v.State.Unverified()
	if len(unverified) == 0 {
		return
	}
	var reporters []string
	for _, s := range v.State.SpoolsView() {
		reporters = append(reporters, s.Agent)
	}
	for _, e := range unverified {
		know, open := v.Leases.Confirmed(e.Epoch, e.Target)
		gate, ok := v.State.Gate(e.Target)
		if open > 0 || !ok || !v.Leases.Sure(e.Epoch, gate, reporters) {
			continue
		}
		kind := record.ResultConfirmed
		if !e.WouldClose() {
			kind = record.ResultHeldSeen
		}
		said := record.New(kind, strconv.Itoa(know))
		if err := v.Submit(ctx, entry.Result{Effect: e.ID, State: string(machine.Verified), Said: said}); err != nil {
			return
		}
	}
}

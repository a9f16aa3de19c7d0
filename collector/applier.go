package collector

import (
	"io"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/ledger"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/series"
	"github.com/tomeishi/tomeishi/collector/tape"
)

// applier hands the ledger's entries to the machine, and then to those who
// follow it.
type applier struct {
	machine *machine.Machine
	tape    *tape.Tape
	series  *series.Store
}

// Apply gives the entry to the machine, then to the tape and the series.
func (a *applier) Apply(e entry.Entry) any {
	if err := machine.CanApply(e); err != nil {
		return ledger.Fatal{Err: err}
	}
	out := a.machine.Apply(e)
	a.tape.Append(e.Index, e.Raw())
	a.series.Offer(e)
	return out
}

// Snapshot captures the machine.
func (a *applier) Snapshot() (func(io.Writer) error, error) {
	b := a.machine.Snapshot().Bytes
	return func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	}, nil
}

// Restore replaces the machine and tells the tape what it may lack.
func (a *applier) Restore(r io.Reader) (ledger.Head, error) {
	if err := a.machine.Restore(r); err != nil {
		return ledger.Head{}, err
	}
	index, hash, at := a.machine.At()
	a.tape.Expect(index)
	return ledger.Head{Index: index, Hash: hash, Time: at.UnixNano()}, nil
}

package selfreport

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tomeishi/tomeishi/agent/report"
)

// asks are what the asks at each gate named and left out since the last beat, so
// that people know whom a hold on one customer would stop. An ask costs no lock.
type asks struct {
	gates sync.Map // *atomic.Uint32 by the gate's name; only known gates are noted
}

// maxAsked is of how many gates one beat tells.
const maxAsked = 100

// Bits of the fields, in the order of report.Matchable: that an ask named it, and
// that one left it out.
func bitsOf(field int) (named, lacked uint32) {
	return 1 << field, 1 << (field + len(report.Matchable))
}

func (s *asks) note(gate string, ask map[string]string) {
	bits := uint32(0)
	for i, field := range report.Matchable {
		named, lacked := bitsOf(i)
		if ask[field] != "" {
			bits |= named
		} else {
			bits |= lacked
		}
	}
	v, ok := s.gates.Load(gate)
	if !ok {
		v, _ = s.gates.LoadOrStore(strings.Clone(gate), new(atomic.Uint32))
	}
	if seen := v.(*atomic.Uint32); seen.Load()&bits != bits {
		seen.Or(bits)
	}
}

// take is what was noted, which begins anew.
func (s *asks) take() (out []report.Asked) {
	s.gates.Range(func(gate, v any) bool {
		bits := v.(*atomic.Uint32).Swap(0)
		if bits == 0 {
			return true
		}
		a := report.Asked{Gate: gate.(string)}
		for i, field := range report.Matchable {
			named, lacked := bitsOf(i)
			if bits&named != 0 {
				a.Names = append(a.Names, field)
			}
			if bits&lacked != 0 {
				a.Lacks = append(a.Lacks, field)
			}
		}
		out = append(out, a)
		return len(out) < maxAsked
	})
	slices.SortFunc(out, func(a, b report.Asked) int { return strings.Compare(a.Gate, b.Gate) })
	return out
}

// Asked notes what an ask at a gate named.
func (r *Reporter) Asked(gate string, ask map[string]string) { r.asks.note(gate, ask) }

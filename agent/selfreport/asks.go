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
	told  string   // the gate that a beat told last; the beats' alone
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

// take is what was noted, of at most maxAsked gates, which begin anew. It goes on
// behind the last gate that was told, so that each has its turn.
func (s *asks) take() (out []report.Asked) {
	var noted []string
	s.gates.Range(func(gate, v any) bool {
		if v.(*atomic.Uint32).Load() != 0 {
			noted = append(noted, gate.(string))
		}
		return true
	})
	slices.Sort(noted)
	next, _ := slices.BinarySearch(noted, s.told+"\x00")
	for i := range min(len(noted), maxAsked) {
		s.told = noted[(next+i)%len(noted)]
		v, _ := s.gates.Load(s.told)
		out = append(out, askedAt(s.told, v.(*atomic.Uint32).Swap(0)))
	}
	return out
}

func askedAt(gate string, bits uint32) report.Asked {
	a := report.Asked{Gate: gate}
	for i, field := range report.Matchable {
		named, lacked := bitsOf(i)
		if bits&named != 0 {
			a.Names = append(a.Names, field)
		}
		if bits&lacked != 0 {
			a.Lacks = append(a.Lacks, field)
		}
	}
	return a
}

// Asked notes what an ask at a gate named.
func (r *Reporter) Asked(gate string, ask map[string]string) { r.asks.note(gate, ask) }

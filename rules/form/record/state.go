package record

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/rules/decimal"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// A state is what was counted. It holds as many keys as the rule makes series, and
// keeps them: a counter that is forgotten and comes back looks like one that was reset.
type state struct {
	*rule
	series map[window.Key]*series
	text   int // bytes of the keys' texts
}

type series struct {
	text  []byte // canonical text of the key
	value decimal.Decimal
}

var _ form.Recorder = (*state)(nil)

// State implements form.Rule.
func (r *rule) State() form.State { return &state{rule: r, series: map[window.Key]*series{}} }

// Horizon implements form.Rule: what was counted needs its event no more.
func (r *rule) Horizon() time.Duration { return time.Minute }

// Add implements form.State. What is one series too many, and what makes a sum too
// large, is not counted, and said.
func (s *state) Add(_ int64, e *form.Event, say *form.Say) {
	c := s.series[e.Key]
	if c == nil {
		if len(s.series) >= s.most {
			say.Saturated = true
			return
		}
		c = &series{text: slices.Clone(e.Hit.Key)}
		s.series[e.Key], s.text = c, s.text+len(c.text)
	}
	sum, ok := c.value.Add(s.value(e.Hit.Nums))
	if !ok {
		say.Fault = &match.Fault{Kind: match.Incalculable}
		return
	}
	c.value = sum
}

// Recorded implements form.Recorder.
func (s *state) Recorded(each func(text []byte, value decimal.Decimal)) {
	for _, key := range s.keys() {
		each(s.series[key].text, s.series[key].value)
	}
}

func (s *state) keys() []window.Key {
	return slices.SortedFunc(maps.Keys(s.series), func(x, y window.Key) int { return slices.Compare(x[:], y[:]) })
}

// Ask implements form.State: nothing is true.
func (s *state) Ask(int64, window.Key, *form.Say) {}

// Due implements form.State.
func (s *state) Due(form.Clock) int64 { return 0 }

// Expire implements form.State.
func (s *state) Expire(form.Clock, *form.Say) bool { return false }

// Accept implements form.State.
func (s *state) Accept(window.Key, uint64) {}

// Since implements form.State.
func (s *state) Since(int64, window.Key, uint64, *form.Say) {}

// Keys implements form.State.
func (s *state) Keys() int { return len(s.series) }

// Bytes implements form.State.
func (s *state) Bytes() int { return 128*len(s.series) + s.text }

// Append implements form.State.
func (s *state) Append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, uint32(len(s.series)))
	for _, key := range s.keys() {
		c := s.series[key]
		for _, word := range append(key[:], c.value[:]...) {
			b = le.AppendUint64(b, word)
		}
		b = le.AppendUint32(b, uint32(len(c.text)))
		b = append(b, c.text...)
	}
	return b
}

var errState = errors.New("state of a rule that records: malformed")

// Load implements form.Rule.
func (r *rule) Load(b []byte) (form.State, []byte, error) {
	const words, fixed = 6, 6*8 + 4
	s := &state{rule: r, series: map[window.Key]*series{}}
	if len(b) < 4 {
		return nil, nil, errState
	}
	n := binary.LittleEndian.Uint32(b)
	b = b[4:]
	for range n {
		if len(b) < fixed {
			return nil, nil, errState
		}
		var w [words]uint64
		for i := range w {
			w[i] = binary.LittleEndian.Uint64(b[8*i:])
		}
		size := binary.LittleEndian.Uint32(b[fixed-4:])
		if b = b[fixed:]; uint64(size) > uint64(len(b)) {
			return nil, nil, errState
		}
		s.series[window.Key(w[:2])] = &series{text: slices.Clone(b[:size]), value: decimal.Decimal(w[2:])}
		s.text, b = s.text+int(size), b[size:]
	}
	return s, b, nil
}

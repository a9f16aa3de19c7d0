// Package formtest is for tests of rule forms. It has a form that is not
// shipped, as small as one can be, and what must hold of every form's state.
package formtest

import (
	"cmp"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/rules/form"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// Quiet is a form: a rule is true of a key of which nothing has come for so
// long. It becomes true by time alone, and untrue by an event. Where those who report
// it were not heard, it waits for them for as long again, at most 30 s, and says then
// that it is uncertain.
type Quiet struct{}

// grace is how long it waits.
func (r *rule) grace() int64 { return int64(min(r.after, 30*time.Second)) }

// Keys implements form.Form.
func (Quiet) Keys() []form.Key {
	return []form.Key{
		{Name: "quiet", Must: "write which type of event is missed, as in `quiet: app.beat`"},
		{Name: "by"},
		{Name: "after", Must: "write after how long it is missed, as in `after: 1m`"},
	}
}

// Begin implements form.Form.
func (Quiet) Begin(in form.Reader) form.Draft { return &draft{in: in} }

type draft struct {
	rule
	in form.Reader
}

// Read implements form.Draft.
func (d *draft) Read(key string, v *yaml.Node) {
	switch key {
	case "quiet":
		d.source.Event = d.in.Event(v)
	case "by":
		d.source.By = d.in.By(v)
	case "after":
		d.after = d.in.Duration(v, "after", true)
	}
}

// Rule implements form.Draft.
func (d *draft) Rule() form.Rule {
	if d.source.Event == "" || d.after == 0 {
		return nil
	}
	return &d.rule
}

type rule struct {
	source match.Source
	after  time.Duration
}

// Sources implements form.Rule.
func (r *rule) Sources() []match.Source { return []match.Source{r.source} }

// Identify implements form.Rule.
func (r *rule) Identify(d *form.Digest, group, name string) {
	d.Add("quiet rule 1", group, name, r.source.Event)
	d.By(r.source.By)
	d.Length(r.after)
}

// Explain implements form.Rule.
func (r *rule) Explain() string {
	return " there has been no " + r.source.Event + " event" + form.OfOne(r.source.By) + " for " + strictyaml.DurationText(r.after)
}

// Horizon implements form.Rule.
func (r *rule) Horizon() time.Duration { return r.after }

// State implements form.Rule.
func (r *rule) State() form.State { return &state{rule: r, last: map[window.Key]*heard{}} }

type state struct {
	*rule
	last map[window.Key]*heard
}

// heard is the newest event of a key.
type heard struct {
	at       int64
	ref      window.Ref
	told     form.Answer // form.Unclear for what is uncertain
	accepted bool
	text     []byte
}

// Add implements form.State.
func (s *state) Add(now int64, e *form.Event, say *form.Say) {
	h := s.last[e.Key]
	if h == nil {
		h = &heard{text: slices.Clone(e.Hit.Key)}
		s.last[e.Key] = h
	}
	if e.Time >= h.at {
		h.at, h.ref, h.told, h.accepted = e.Time, e.Ref, form.Untrue, false
	}
	say.Wake = max(now, h.at+int64(s.after))
}

// Ask implements form.State.
func (s *state) Ask(now int64, key window.Key, say *form.Say) {
	h := s.last[key]
	if h == nil || h.at+int64(s.after) > now {
		return
	}
	say.Answer, say.Fresh, say.Value = form.True, !h.accepted, time.Duration(now-h.at).String()
	say.Since, say.Total, say.Due = h.at, 1, now+int64(s.after)
}

// next is the key of which there is something to tell first, and when.
func (s *state) next(c form.Clock) (first window.Key, due int64) {
	for key, h := range s.last {
		at := h.at + int64(s.after)
		switch {
		case h.told == form.True, h.told == form.Unclear && at > c.Heard[0]:
			continue
		case at > c.Heard[0]:
			at += s.grace()
		}
		if due != 0 && cmp.Or(cmp.Compare(at, due), slices.Compare(key[:], first[:])) > 0 {
			continue
		}
		first, due = key, at
	}
	return first, due
}

// Due implements form.State.
func (s *state) Due(c form.Clock) int64 {
	_, due := s.next(c)
	return due
}

// Expire implements form.State.
func (s *state) Expire(c form.Clock, say *form.Say) bool {
	key, due := s.next(c)
	if due == 0 || due > c.Now {
		return false
	}
	h := s.last[key]
	h.told = form.True
	if say.Uncertain = h.at+int64(s.after) > c.Heard[0]; say.Uncertain {
		h.told = form.Unclear
	}
	s.Ask(c.Now, key, say)
	say.Key, say.Text, say.Evidence = key, h.text, append(say.Evidence, h.ref)
	return true
}

// Accept implements form.State.
func (s *state) Accept(key window.Key, upTo uint64) {
	if h := s.last[key]; h != nil && h.ref.Index() <= upTo {
		h.accepted = true
	}
}

// Since implements form.State.
func (s *state) Since(now int64, key window.Key, after uint64, say *form.Say) {
	if h := s.last[key]; h != nil && !h.accepted && h.ref.Index() > after {
		s.Ask(now, key, say)
	}
}

// Bytes implements form.State.
func (s *state) Bytes() int { return 64 * len(s.last) }

// Keys implements form.State.
func (s *state) Keys() int { return len(s.last) }

// Append implements form.State.
func (s *state) Append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, uint32(len(s.last)))
	for _, key := range slices.SortedFunc(maps.Keys(s.last), func(x, y window.Key) int { return slices.Compare(x[:], y[:]) }) {
		h := s.last[key]
		for _, word := range []uint64{key[0], key[1], uint64(h.at), uint64(h.ref), uint64(h.told) | bit(h.accepted)<<2} {
			b = le.AppendUint64(b, word)
		}
		b = le.AppendUint32(b, uint32(len(h.text)))
		b = append(b, h.text...)
	}
	return b
}

func bit(is bool) uint64 {
	if is {
		return 1
	}
	return 0
}

var errQuiet = errors.New("quiet state: malformed")

// Load implements form.Rule.
func (r *rule) Load(b []byte) (form.State, []byte, error) {
	const fixed = 5*8 + 4
	s := &state{rule: r, last: map[window.Key]*heard{}}
	if len(b) < 4 {
		return nil, nil, errQuiet
	}
	n := binary.LittleEndian.Uint32(b)
	b = b[4:]
	for range n {
		if len(b) < fixed {
			return nil, nil, errQuiet
		}
		word := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
		h := &heard{at: int64(word(2)), ref: window.Ref(word(3)), told: form.Answer(word(4) & 3), accepted: word(4)&4 != 0}
		s.last[window.Key{word(0), word(1)}] = h
		size := binary.LittleEndian.Uint32(b[fixed-4:])
		if b = b[fixed:]; uint64(size) > uint64(len(b)) {
			return nil, nil, errQuiet
		}
		h.text, b = slices.Clone(b[:size]), b[size:]
	}
	return s, b, nil
}

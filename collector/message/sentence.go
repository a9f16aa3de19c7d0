package message

import (
	"strconv"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/collector/record"
)

// A sentence says one kind of the record, in each language. In it {name} is an
// argument, [...] is left out where an argument in it is empty, {because} is
// what led to it, and {name#one|other} is a word for the number that the
// argument is.
type sentence struct {
	kind   record.Kind
	en, ja string
}

func sentences() map[record.Kind]sentence {
	out := map[record.Kind]sentence{}
	for _, list := range [][]sentence{stepSentences, causeSentences, resultSentences, aboutSentences, refusalSentences, faultSentences} {
		for _, s := range list {
			out[s.kind] = s
		}
	}
	return out
}

// A Part is a piece of a sentence: fixed text, or an argument as it is shown.
type Part struct {
	Text     string
	Name     string // of the argument; empty for fixed text
	Argument string // as it is in the record
}

// Record says a note of the record; empty if the note says nothing. A kind that
// this version does not know is said by its name and its arguments.
func (w *Words) Record(n record.Note) string {
	var b strings.Builder
	for _, p := range w.Parts(n) {
		b.WriteString(p.Text)
	}
	return b.String()
}

// Parts are the pieces of what Record says, for those who link arguments.
func (w *Words) Parts(n record.Note) []Part {
	if n.IsZero() {
		return nil
	}
	s, known := w.sentences[n.Kind]
	if !known {
		return []Part{{Text: oneLine(n.String(), maxLine)}}
	}
	text := s.en
	if w.language == Japanese {
		text = s.ja
	}
	parts, _ := w.fill(text, n)
	return parts
}

// fill puts the arguments into a text; missing tells whether one was empty.
func (w *Words) fill(text string, n record.Note) (out []Part, missing bool) {
	for text != "" {
		i := strings.IndexAny(text, "[{")
		if i < 0 {
			return append(out, Part{Text: text}), missing
		}
		if i > 0 {
			out = append(out, Part{Text: text[:i]})
		}
		if text[i] == '[' {
			end := i + strings.IndexByte(text[i:], ']')
			if inner, empty := w.fill(text[i+1:end], n); !empty {
				out = append(out, inner...)
			}
			text = text[end+1:]
			continue
		}
		end := i + strings.IndexByte(text[i:], '}')
		parts := w.argument(text[i+1:end], n)
		missing = missing || len(parts) == 0
		out = append(out, parts...)
		text = text[end+1:]
	}
	return out, missing
}

// argument is what stands between braces.
func (w *Words) argument(name string, n record.Note) []Part {
	if name == "because" {
		if n.Because == nil {
			return nil
		}
		return w.Parts(*n.Because)
	}
	name, forms, plural := strings.Cut(name, "#")
	value := n.Arg(name)
	switch {
	case plural:
		one, other, _ := strings.Cut(forms, "|")
		if value == "1" {
			other = one
		}
		return []Part{{Text: other}}
	case value == "":
		return nil
	}
	return []Part{{w.shown(name, value, n), name, value}}
}

// shown is an argument as people read it.
func (w *Words) shown(name, value string, n record.Note) string {
	switch name {
	case "verdict", "mode":
		return w.fixed(value, "|"+name, "")
	case "state", "wanted":
		return w.EffectState(value)
	case "cause":
		return w.holder(value, n.Arg("by"))
	case "reason":
		return oneLine(strings.TrimRight(strings.TrimSpace(value), ".。"), maxLine)
	case "until", "since", "backup", "deadline":
		return w.moment(value)
	case "offset":
		return w.offset(value)
	case "lag":
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			return w.For(time.Duration(n))
		}
	}
	return oneLine(value, maxLine)
}

// EffectState is where an effect is in its life.
func (w *Words) EffectState(state string) string { return w.fixed(state, "|effect", "") }

// holder is what put a hold on a gate.
func (w *Words) holder(cause, by string) string {
	by = oneLine(by, maxLine/2)
	switch cause {
	case "rule":
		return w.T("rule %s|holder", by)
	case "parent":
		return w.T("its parent gate %s|holder", by)
	case "restore":
		return w.T("a restore (%s)|holder", by)
	}
	return by
}

func (w *Words) moment(ns string) string {
	n, err := strconv.ParseInt(ns, 10, 64)
	if err != nil {
		return ns
	}
	return w.Time(time.Unix(0, n))
}

// offset says how far a clock is from another, in tenths of a second.
func (w *Words) offset(ns string) string {
	n, err := strconv.ParseInt(ns, 10, 64)
	if err != nil {
		return ns
	}
	text := "%d.%d s ahead"
	if n < 0 {
		text, n = "%d.%d s behind", -n
	}
	tenths := (time.Duration(n) + 50*time.Millisecond) / (100 * time.Millisecond)
	return w.T(text, int(tenths/10), int(tenths%10))
}

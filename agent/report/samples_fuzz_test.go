package report

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// checkSamples states what all samples are that came through.
func checkSamples(t *testing.T, s *Samples) {
	t.Helper()
	sound := func(v string, most int) {
		if v == "" || len(v) > most || !utf8.ValidString(v) || strings.ContainsFunc(v, unicode.IsControl) {
			t.Errorf("a text that is not clean, empty or too long: %.100q", v)
		}
	}
	labels := func(labels []Attr) map[string]bool {
		names := map[string]bool{"__name__": true, "instance": true}
		for _, l := range labels {
			sound(l.Name, 256)
			sound(l.Value, 1024)
			if names[l.Name] {
				t.Errorf("label %q should not be there, or not twice", l.Name)
			}
			names[l.Name] = true
		}
		if len(labels) > 32 || !slices.IsSortedFunc(labels, func(a, b Attr) int { return strings.Compare(a.Name, b.Name) }) {
			t.Errorf("too many labels, or not sorted: %q", labels)
		}
		return names
	}
	sound(s.Agent, 255)
	own := labels(s.Labels)
	if n := len(s.Schema.Series()); n == 0 || n > 10_000 || n*len(s.Frames) > MaxValues {
		t.Errorf("%d series, %d frames", n, len(s.Frames))
	}
	seen := map[string]bool{}
	for _, one := range s.Schema.Series() {
		sound(one.Name, 256)
		labels(one.Labels)
		key := one.Name
		for _, l := range one.Labels {
			key += "\x00" + l.Name + "\x00" + l.Value
			if own[l.Name] {
				t.Errorf("label %q is the agent's", l.Name)
			}
		}
		if seen[key] {
			t.Errorf("%q stands twice", key)
		}
		seen[key] = true
	}
	last := int64(-1)
	for _, f := range s.Frames {
		if f.Time <= last || f.Time >= at("2100-01-01T00:00:00Z")/1e6 || len(f.Values) != len(s.Schema.Series()) {
			t.Errorf("a frame at %d after %d with %d values", f.Time, last, len(f.Values))
		}
		last = f.Time
	}
	if len(s.Frames) == 0 || len(s.Frames) > 4096 || s.Sent < 0 {
		t.Errorf("%d frames, sent at %d", len(s.Frames), s.Sent)
	}
}

// framedSamples puts body into a sound frame of the ledger.
func framedSamples(body []byte) []byte {
	head := binary.LittleEndian.AppendUint64([]byte(samplesMagic+"\x01"), uint64(len(body)))
	return sealed(append(head, body...))
}

func ledgerBody(s *Samples) []byte {
	raw := s.Append(nil)
	return raw[samplesFixed : len(raw)-4]
}

func FuzzReadSamples(f *testing.F) {
	few := fewSamples()
	f.Add(few.Append(nil))
	f.Add(few.frame(0).Append(few.Append(nil)))
	f.Add(ledgerBody(few))
	f.Add(ledgerBody(few.frame(3)))
	f.Add(ledgerBody(newHost(1).samples(1)))
	f.Add([]byte("TMSA\x01\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, rest := range [][]byte{raw, framedSamples(raw)} { // a fuzzer does not guess checksums
			for len(rest) > 0 {
				s, more, err := ReadSamples(rest)
				if err != nil {
					break
				}
				checkSamples(t, &s)
				h, after, err := ReadSamplesHead(rest)
				if err != nil || len(after) != len(more) || h.Agent != s.Agent || h.Frames != len(s.Frames) || h.Series != len(s.Schema.series) ||
					h.First != s.Frames[0].Time || h.Last != s.Frames[h.Frames-1].Time {
					t.Errorf("the head is %+v, %v", h, err)
				}
				sameSamples(t, readSamples(t, s.Append(nil)), &s)
				rest = more
			}
		}
	})
}

func FuzzSampleDecoder(f *testing.F) {
	few := fewSamples()
	var e SampleEncoder
	whole := e.Encode(nil, few.frame(0))
	e.Acked()
	seeds := [][]byte{whole, e.Encode(nil, few.frame(1)), e.Encode(nil, few)}
	other := *few.frame(2)
	other.Agent = "other"
	seeds = append(seeds, e.Encode(nil, &other))
	for _, raw := range seeds {
		f.Add(raw)
		f.Add(raw[:len(raw)-4])
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, raw := range [][]byte{raw, sealed(raw)} {
			var d SampleDecoder
			if _, err := d.Decode(whole); err != nil {
				t.Fatal(err)
			}
			s, err := d.Decode(raw)
			if err != nil {
				continue
			}
			checkSamples(t, &s)
			checkMemory(t, &d.memory)
			if agent, err := SamplesAgent(raw); agent != s.Agent || err != nil {
				t.Errorf("the agent is %q, %v; Decode says %q", agent, err, s.Agent)
			}
			if again, err := d.Decode(raw); err != nil || !bytes.Equal(again.Append(nil), s.Append(nil)) {
				t.Errorf("read again they are others: %v", err)
			}
			w := wired{TB: t, d: new(SampleDecoder)}
			w.pass(&s)
			w.e.Acked()
			w.pass(&s)
		}
	})
}

package report

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// What a checksum cannot find, because whoever lies makes it anew.
func TestReadSamplesRefusesLies(t *testing.T) {
	one := under(Series{"n", []Attr{{"l", "v"}}})
	head := func(first, span, frames, series uint64) []byte {
		b := one.appendSource(nil)
		for _, v := range [...]uint64{first, span, frames, series} {
			b = binary.AppendUvarint(b, v)
		}
		return b
	}
	schema := func(parts ...byte) []byte { return append([]byte{byte(len(parts))}, parts...) }
	sound := schema(3, 1, 1, 0, 1, 'l', 0, 1, 'n', 0, 1, 'v', 1, 1, 0, 2)
	nothing := []byte{0} // no labels
	frame := []byte{0, opEnd << 4}
	body := slices.Concat[[]byte]
	with := func(parts ...byte) []byte { return body(head(9, 0, 1, 1), nothing, schema(parts...), frame) }
	values := func(parts ...byte) []byte { return body(head(9, 0, 1, 1), nothing, sound, []byte{0}, parts) }
	huge := binary.AppendUvarint(nil, 1<<63)
	if _, _, err := ReadSamples(framedSamples(body(head(9, 0, 1, 1), nothing, sound, frame))); err != nil {
		t.Fatalf("the sound one: %v", err)
	}
	for name, bad := range map[string][]byte{
		"nothing inside":           nil,
		"a head cut off":           head(9, 0, 1, 1)[:10],
		"a first time too large":   body(head(1<<63, 0, 1, 1), nothing, sound, frame),
		"a span that overflows":    body(head(9, 1<<64-1, 1, 1), nothing, sound, frame),
		"a wrong span":             body(head(9, 1, 1, 1), nothing, sound, frame),
		"a wrong first time":       body(head(9, 0, 1, 1), nothing, sound, []byte{2, opEnd << 4}),
		"a first time too early":   body(head(9, 3, 2, 1), nothing, sound, []byte{2, opEnd << 4}, []byte{4, opEnd << 4}),
		"more frames than bytes":   body(head(9, 0, 4000, 1), nothing, sound, frame),
		"fewer frames than named":  body(head(9, 0, 2, 1), nothing, sound, frame, []byte{2}),
		"more frames than named":   body(head(9, 0, 1, 1), nothing, sound, frame, frame),
		"a wrong count of series":  body(head(9, 0, 1, 2), nothing, sound, frame),
		"2^63 series":              body(head(9, 0, 1, 1<<63), nothing, sound, frame),
		"labels cut off":           body(head(9, 0, 1, 1), []byte{3, 1, 'a'}),
		"a label too long":         body(head(9, 0, 1, 1), []byte{3}, huge),
		"a schema too long":        body(head(9, 0, 1, 1), nothing, huge, sound),
		"an empty schema":          with(),
		"a count of words":         with(slices.Concat(huge, []byte{1, 0, 0, 0, 0})...),
		"a count of series":        with(slices.Concat([]byte{1}, huge, []byte{0, 0, 0, 0, 0})...),
		"a count of labels":        with(slices.Concat([]byte{1, 1}, huge, []byte{0, 1, 'n', 0, 0})...),
		"more labels than counted": with(3, 1, 0, 0, 1, 'l', 0, 1, 'n', 0, 1, 'v', 1, 1, 0, 2),
		"fewer labels than said":   with(3, 1, 2, 0, 1, 'l', 0, 1, 'n', 0, 1, 'v', 1, 1, 0, 2),
		"words not in order":       with(3, 1, 1, 0, 1, 'n', 0, 1, 'l', 0, 1, 'v', 0, 1, 1, 2),
		"a word twice":             with(3, 1, 1, 0, 1, 'l', 0, 1, 'n', 1, 0, 0, 1, 0, 2),
		"a word shares too much":   with(3, 1, 1, 0, 1, 'l', 2, 1, 'n', 0, 1, 'v', 1, 1, 0, 2),
		"shares beyond the last":   with(3, 1, 1, 0, 1, 'l', 0, 1, 'n', 2, 1, 'v', 1, 1, 0, 2),
		"a word too long":          with(1, 1, 0, 0, 9, 'n', 0, 0),
		"an unknown name":          with(3, 1, 1, 0, 1, 'l', 0, 1, 'n', 0, 1, 'v', 3, 1, 0, 2),
		"an unknown value":         with(3, 1, 1, 0, 1, 'l', 0, 1, 'n', 0, 1, 'v', 1, 1, 0, 3),
		"a number in two ways":     with(1, 1, 0, 0, 1, 'n', 0x80, 0, 0),
		"a rest of the schema":     with(1, 1, 0, 0, 1, 'n', 0, 0, 0),
		"no end":                   values(),
		"an end that skips":        values(opEnd<<4 | 1),
		"an unknown op":            values(11<<4, opEnd<<4),
		"another unknown op":       values(12<<4, opEnd<<4),
		"a value too many":         values(opAbsent<<4, opAbsent<<4, opEnd<<4),
		"a skip too far":           values(opAbsent<<4|1, opEnd<<4),
		"a long skip too far":      values(opAbsent<<4|15, 0, opEnd<<4),
		"a skip that overflows":    values(slices.Concat([]byte{opAbsent<<4 | 15}, binary.AppendUvarint(nil, 1<<64-15), []byte{opEnd << 4})...),
		"bits cut off":             values(opBits<<4, 1, 2, 3),
		"a difference cut off":     values(1<<4, 0x80),
		"a number beyond exact":    values(slices.Concat([]byte{1 << 4}, binary.AppendVarint(nil, maxExact+1), []byte{opEnd << 4})...),
		"a number below exact":     values(slices.Concat([]byte{1 << 4}, binary.AppendVarint(nil, -maxExact-1), []byte{opEnd << 4})...),
	} {
		if _, rest, err := ReadSamples(framedSamples(bad)); !errors.Is(err, errShape) || rest != nil {
			t.Errorf("%s: %v, want it malformed", name, err)
		}
	}
	for name, tt := range map[string]struct {
		raw  []byte
		says string
	}{
		"no frames": {body(head(9, 0, 0, 1), nothing, sound), "no frames"},
		"cut off":   {nil, "cut off"},
	} {
		raw := framedSamples(tt.raw)
		if tt.raw == nil {
			raw = raw[:9]
		}
		if _, _, err := ReadSamples(raw); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want an error that says %q", name, err, tt.says)
		}
	}
}

func TestDecodeRefusesLies(t *testing.T) {
	few := fewSamples()
	var d SampleDecoder
	w := wired{TB: t, d: &d}
	whole := w.pass(few.frame(0))
	w.e.Acked()
	delta := w.e.Encode(nil, few.frame(1))
	changed := func(raw []byte, change func([]byte) []byte) []byte {
		return sealed(change(bytes.Clone(raw[:len(raw)-4])))
	}
	source := len(wireMagic) + 2 + len(few.appendSource(nil)) // where the id of a difference begins
	for name, bad := range map[string][]byte{
		"an unknown kind":         changed(whole, func(b []byte) []byte { b[len(wireMagic)+1] = 2; return b }),
		"a rest":                  changed(whole, func(b []byte) []byte { return append(b, 0) }),
		"a rest of a difference":  changed(delta, func(b []byte) []byte { return append(b, opEnd<<4) }),
		"nothing":                 sealed([]byte("TMSW\x01")),
		"a difference cut off":    changed(delta, func(b []byte) []byte { return b[:source+20] }),
		"a whole as a difference": changed(whole, func(b []byte) []byte { b[len(wireMagic)+1] = wireDelta; return b[:source+5] }),
	} {
		if _, err := d.Decode(bad); !errors.Is(err, errShape) {
			t.Errorf("%s: %v, want it malformed", name, err)
		}
	}
	for at := source; at < source+30; at++ { // id, time and sum of the base
		bad := changed(delta, func(b []byte) []byte { b[at] ^= 1; return b })
		if _, err := d.Decode(bad); !errors.Is(err, ErrBase) {
			t.Errorf("another base, byte %d: %v", at-source, err)
		}
	}
	w.decode(delta, few.frame(1))
}

// A small input must not make the reader ask for much memory, whatever it says.
func TestReadingSamplesIsBoundedByTheInput(t *testing.T) {
	one := under(Series{"n", nil})
	source := append(one.appendSource(nil), 9, 0)
	uvarint := func(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }
	schema := func(words, series, labels int, rest []byte) []byte {
		raw := slices.Concat(uvarint(words), uvarint(series), uvarint(labels), rest)
		return slices.Concat(source, uvarint(1), uvarint(min(series, MaxSeries)), []byte{0}, uvarint(len(raw)), raw)
	}
	zeros, words := make([]byte, 300<<10), bytes.Repeat([]byte{0, 1, 'w'}, 100<<10)
	sound := one.Schema.raw
	for name, body := range map[string][]byte{
		"words":        schema(100<<10, 0, 0, words),
		"words, more":  schema(100<<10-2, 1, 0, words),
		"series":       schema(0, MaxSeries, 0, zeros),
		"labels":       schema(0, MaxSeries, 100<<10, zeros),
		"long words":   schema(3<<10, 1, 0, slices.Concat([]byte{0}, uvarint(1000), bytes.Repeat([]byte("w"), 1000), bytes.Repeat([]byte{0xff, 7, 1, 'x'}, 3<<10))),
		"frames":       slices.Concat(source, uvarint(MaxFrames), []byte{1, 0}, uvarint(len(sound)), sound, make([]byte, 2*MaxFrames)),
		"frames, none": slices.Concat(source, uvarint(MaxFrames), []byte{1, 0}, uvarint(len(sound)), sound),
		"own labels":   slices.Concat(source, []byte{1, 1}, uvarint(1<<30), zeros),
	} {
		raw := framedSamples(body)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := ReadSamples(raw)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: the lie was believed", name)
		}
		if used, most := after.TotalAlloc-before.TotalAlloc, uint64(20*len(raw)+8192); used > most {
			t.Errorf("%s: %d bytes allocated for an input of %d, at most %d", name, used, len(raw), most)
		}
	}
}

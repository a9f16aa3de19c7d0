package report

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sealed ends b with its checksum, as an encoder would.
func sealed(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(slices.Clip(b), crc32.Checksum(b, castagnoli))
}

func TestBatchReadsAsAdded(t *testing.T) {
	for n := range len(mixed()) + 1 {
		batch := builder(mixed()[:n]...).Batch()
		if batch.Len() != n {
			t.Errorf("Len is %d, want %d", batch.Len(), n)
		}
		diff(t, all(batch), append([]Event(nil), mixed()[:n]...))
	}
}

func TestMergeReadsAsOneAfterTheOther(t *testing.T) {
	events := mixed()
	whole := builder(events...).Batch()
	for cut := range len(events) + 1 {
		a, b := builder(events[:cut]...), builder(events[cut:]...)
		a.Merge(b)
		if !bytes.Equal(a.Bytes(), whole.Bytes()) {
			t.Errorf("cut at %d: the merged batch is not the batch of all events", cut)
		}
	}
	twice := builder(events...)
	twice.Merge(twice)
	diff(t, all(twice.Batch()), append(mixed(), events...))
}

func TestBuilderSizeBoundsTheBatch(t *testing.T) {
	var b Builder
	for i, ev := range mixed() {
		ev.Source += strings.Repeat("s", 100*i) // words count too
		b.Add(&ev)
		if n := len(b.Bytes()); b.Size() < n || b.Size() > n+64 {
			t.Errorf("Size is %d, the batch has %d bytes", b.Size(), n)
		}
	}
}

func TestResetForgets(t *testing.T) {
	var b Builder
	for i := range 3 * keepWords {
		b.Add(&Event{ID: "1", Source: strings.Repeat("s", i+1)})
	}
	for range 2 {
		if b.Reset(); len(b.words) != 0 || cap(b.words) > 2*keepWords {
			t.Errorf("room for %d words is kept, at most %d", cap(b.words), 2*keepWords)
		}
		if b.Len() != 0 || len(b.Bytes()) != len(new(Builder).Bytes()) {
			t.Fatalf("after Reset: %d events, %d bytes", b.Len(), len(b.Bytes()))
		}
		for _, ev := range mixed() {
			b.Add(&ev)
		}
		diff(t, all(b.Batch()), mixed())
	}
}

func TestDigest(t *testing.T) {
	base := builder(mixed()...)
	want := base.Batch().Digest()
	again := builder(all(base.Batch())...)
	if again.Batch().Digest() != want {
		t.Error("Digest changed by decoding and encoding again")
	}

	seen := map[[32]byte]string{want: "the batch itself"}
	differs := func(what string, d [32]byte) {
		t.Helper()
		if other, ok := seen[d]; ok {
			t.Errorf("%s has the digest of %s", what, other)
		}
		seen[d] = what
	}
	for i := range base.facts {
		other := *base
		other.facts = bytes.Clone(base.facts)
		other.facts[i] ^= 1
		if b, err := OpenBatch(other.Bytes()); err == nil {
			differs("a changed byte of the facts", b.Digest())
		}
	}
	for i := range base.payloads {
		other := *base
		other.payloads = bytes.Clone(base.payloads)
		other.payloads[i] ^= 1
		differs("a changed byte of a payload", other.Batch().Digest())
	}
	for i := range base.dict {
		other := *base
		other.dict = bytes.Clone(base.dict)
		other.dict[i] ^= 1
		if b, err := OpenBatch(other.Bytes()); err == nil {
			differs("a changed byte of the dictionary", b.Digest())
		}
	}
	for n := range mixed() {
		differs("a batch of fewer events", builder(mixed()[:n]...).Batch().Digest())
	}
	swapped := mixed()
	swapped[0], swapped[5] = swapped[5], swapped[0]
	differs("another order", builder(swapped...).Batch().Digest())
	absent := mixed()
	absent[2].Data = nil
	differs("absent instead of empty data", builder(absent...).Batch().Digest())
}

// The same bytes must not read as dictionary in one batch and as facts in
// another with the same digest.
func TestDigestCoversTheCounts(t *testing.T) {
	b := builder(mixed()...).Batch()
	if !bytes.HasPrefix(b.raw, b.head) || !bytes.HasSuffix(b.head, []byte(b.words[len(b.words)-1])) {
		t.Fatal("head is not what stands before the facts")
	}
	if len(b.head) < len(batchMagic)+3 || b.head[len(batchMagic)+1] != byte(b.n) {
		t.Error("the digest leaves out how many events there are")
	}
}

// A payload can be laid elsewhere, or replaced by its digest, and the digest of
// the batch stays.
func TestDigestIsOfFactsAndPayloadDigests(t *testing.T) {
	batch := builder(mixed()...).Batch()
	moved := batch
	moved.payloads = append([]byte(nil), batch.payloads...)
	if moved.Digest() != batch.Digest() {
		t.Error("Digest depends on where payloads lie")
	}
	shifted := append(make([]byte, 13, 13+len(batch.raw)), batch.raw...)[13:]
	again, err := OpenBatch(shifted)
	if err != nil {
		t.Fatal(err)
	}
	if again.Digest() != batch.Digest() {
		t.Error("Digest depends on where the batch lies")
	}
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	batch := builder(mixed()...).Batch()
	block := Block{Head: Head{Agent: "h1", Seq: 3}, Batch: batch}.Append(nil)
	for name, tt := range map[string]struct {
		raw  []byte
		open func([]byte) error
	}{
		"batch": {batch.Bytes(), func(b []byte) error { _, err := OpenBatch(b); return err }},
		"block": {block, func(b []byte) error { _, _, err := ReadBlock(b); return err }},
	} {
		for i := range tt.raw {
			for bit := range 8 {
				bad := bytes.Clone(tt.raw)
				bad[i] ^= 1 << bit
				if tt.open(bad) == nil {
					t.Fatalf("%s: byte %d, bit %d flipped and not found", name, i, bit)
				}
			}
			if tt.open(tt.raw[:i]) == nil {
				t.Fatalf("%s: cut off at %d of %d bytes and not found", name, i, len(tt.raw))
			}
		}
	}
}

// What a checksum cannot find, because whoever lies makes it anew.
func TestOpenBatchRefusesLies(t *testing.T) {
	raw := func(parts ...[]byte) []byte {
		return sealed(slices.Concat([]byte(batchMagic), []byte{batchVersion}, slices.Concat(parts...)))
	}
	fact := func(flags byte, words [3]byte, rest ...byte) []byte {
		return append([]byte{flags, words[0], words[1], words[2], 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, rest...)
	}
	huge := binary.AppendUvarint(nil, 1<<62)
	facts := func(n byte, f []byte, payloads ...byte) []byte {
		return raw([]byte{n, 1, 1, 'w', byte(len(f))}, f, payloads)
	}
	if _, err := OpenBatch(facts(1, fact(0, [3]byte{1, 0, 1}))); err != nil {
		t.Fatalf("the sound one: %v", err)
	}
	for name, bad := range map[string][]byte{
		"nothing inside":          raw(),
		"a count of events":       raw(huge, []byte{0, 0}),
		"a count of words":        raw([]byte{0}, huge, []byte{0}),
		"no varint":               raw(bytes.Repeat([]byte{0xff}, 20)),
		"a word too long":         raw([]byte{0, 1}, huge, []byte("abcdef")),
		"an empty word":           raw([]byte{0, 1, 0, 0}),
		"facts too long":          raw([]byte{0, 0}, huge),
		"a rest":                  raw([]byte{0, 0, 0, 1}),
		"a rest of facts":         raw([]byte{0, 0, 1, 1}),
		"fewer facts than events": facts(2, fact(0, [3]byte{})),
		"more facts than events":  facts(1, append(fact(0, [3]byte{}), fact(0, [3]byte{})...)),
		"an unknown word":         facts(1, fact(0, [3]byte{2, 0, 0})),
		"an unknown flag":         facts(1, fact(8, [3]byte{})),
		"a payload too long":      facts(1, fact(hasData, [3]byte{}, 2), 1),
		"a payload too short":     facts(1, fact(hasData, [3]byte{}, 2), 1, 2, 3),
		"a payload of 2^62":       facts(1, fact(hasData, [3]byte{}, huge...), 1),
		"2^62 attributes":         facts(1, fact(hasExt, [3]byte{}, huge...)),
		"a cut-off time":          facts(1, fact(hasTime, [3]byte{})[:12]),
		"an attribute cut off":    facts(1, fact(hasExt, [3]byte{}, 1, 1, 5, 'a')),
	} {
		if _, err := OpenBatch(bad); !errors.Is(err, errShape) {
			t.Errorf("%s: %v, want it malformed", name, err)
		}
	}
}

// A small input must not make the decoder ask for much memory, whatever it says.
func TestDecodingIsBoundedByTheInput(t *testing.T) {
	words := bytes.Repeat([]byte{1, 'w'}, 1<<19)
	attrs := bytes.Repeat([]byte{1, 0}, 1<<19)
	count := func(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }
	head := []byte(batchMagic + "\x01")
	fact := slices.Concat([]byte{hasExt, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, count(1<<19), attrs)
	for name, raw := range map[string][]byte{
		"words":      sealed(slices.Concat(head, count(0), count(len(words)/3), words)),
		"no words":   sealed(slices.Concat(head, count(0), count(len(words)), words)),
		"attributes": sealed(slices.Concat(head, count(1), []byte{1, 1, 'w'}, count(len(fact)), fact)),
		"events":     sealed(slices.Concat(head, count(1<<19/14), []byte{0}, count(1<<19), make([]byte, 1<<19))),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := OpenBatch(raw)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: the lie was believed", name)
		}
		if used, most := after.TotalAlloc-before.TotalAlloc, uint64(6*len(raw)+4096); used > most {
			t.Errorf("%s: %d bytes allocated for an input of %d, at most %d", name, used, len(raw), most)
		}
	}
}

func golden(t *testing.T, name string, now []byte) []byte {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, now, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(raw, now) {
		t.Errorf("%s: the encoding has changed: a new format needs a new version", file)
	}
	return raw
}

func TestGoldenBatch(t *testing.T) {
	raw := golden(t, "v1.batch", builder(mixed()...).Bytes())
	b, err := OpenBatch(raw)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, all(b), mixed())
	digest := b.Digest()
	if got := golden(t, "v1.digest", digest[:]); !bytes.Equal(got, digest[:]) {
		t.Error("the digest has changed: every chain made before would break")
	}
}

func TestVersionsAndMagic(t *testing.T) {
	batch := builder(mixed()...).Batch()
	block := Block{Head: Head{Agent: "h1", Seq: 3}, Batch: batch}.Append(nil)
	open := map[string]func([]byte) error{
		"batch": func(b []byte) error { _, err := OpenBatch(b); return err },
		"block": func(b []byte) error { _, _, err := ReadBlock(b); return err },
	}
	for what, raw := range map[string][]byte{"batch": batch.Bytes(), "block": block} {
		for _, tt := range []struct {
			name string
			raw  []byte
			want string
		}{
			{"newer", []byte(string(raw[:4]) + "\x02" + "whatever comes then"), what + ": format version 2; this program reads version 1: upgrade it first"},
			{"zero", []byte(string(raw[:4]) + "\x00" + "whatever comes then"), what + ": format version 0 does not exist; this program reads version 1"},
			{"nothing", nil, what + ": does not begin with " + `"` + string(raw[:4]) + `"`},
			{"text", []byte("hello, world, how are you"), what + ": does not begin with " + `"` + string(raw[:4]) + `"`},
		} {
			if err := open[what](tt.raw); err == nil || err.Error() != tt.want {
				t.Errorf("%s %s: %v, want %s", what, tt.name, err, tt.want)
			}
		}
	}
}

package report

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func block(seq uint64, events ...Event) Block {
	h := Head{Agent: "host-留", Seq: seq}
	for i := range h.Spool {
		h.Spool[i] = byte(i)
	}
	for i := range h.Prev {
		h.Prev[i] = byte(seq) + byte(i)
	}
	return Block{Head: h, Batch: builder(events...).Batch()}
}

func TestBlocksStandBackToBack(t *testing.T) {
	want := []Block{block(1), block(2, mixed()...), block(maxSeq, mixed()[:1]...)}
	var raw []byte
	for _, b := range want {
		raw = b.Append(raw)
	}
	rest := raw
	for i, w := range want {
		var got Block
		var err error
		if got, rest, err = ReadBlock(rest); err != nil {
			t.Fatalf("block %d: %v", i, err)
		}
		if d := cmp.Diff(w.Head, got.Head); d != "" {
			t.Errorf("head %d (-want +got):\n%s", i, d)
		}
		if !bytes.Equal(got.Batch.Bytes(), w.Batch.Bytes()) || got.Batch.Digest() != w.Batch.Digest() {
			t.Errorf("block %d carries another batch", i)
		}
		_ = append(got.Batch.Bytes(), "the owner of one block cannot write into the next"...)
	}
	if len(rest) != 0 {
		t.Errorf("%d bytes are left", len(rest))
	}
}

func TestReadBlockRefuses(t *testing.T) {
	good := block(7, mixed()...)
	raw := good.Append(nil)
	resealed := func(change func([]byte)) []byte {
		b := bytes.Clone(raw[:len(raw)-4])
		change(b)
		return sealed(b)
	}
	length := func(n uint64) []byte {
		return resealed(func(b []byte) { binary.LittleEndian.PutUint64(b[5:], n) })
	}
	size := uint64(len(raw) - 5 - 8 - 4)
	agent := func(name string) []byte {
		b := good
		b.Agent = name
		return b.Append(nil)
	}
	for _, tt := range []struct {
		name string
		raw  []byte
		says string
	}{
		{"cut off in the length", raw[:10], "cut off after 10 bytes"},
		{"cut off at the end", raw[:len(raw)-1], "cut off"},
		{"a length of one more", length(size + 1), "cut off"},
		{"a length of one less", length(size - 1), "checksum"},
		{"a length of nothing", length(0), "checksum"},
		{"the largest length", length(1<<64 - 1), "cut off"},
		{"a length that overflows", length(1<<64 - 17), "cut off"},
		{"a length of 2^63", length(1 << 63), "cut off"},
		{"no head", sealed([]byte("TMBK\x01\x00\x00\x00\x00\x00\x00\x00\x00")), "head: malformed"},
		{"no agent", agent(""), "head: malformed"},
		{"a long agent", agent(strings.Repeat("a", 256)), "head: malformed"},
		{"a control character in the agent", agent("a\nb"), "agent: holds a control character"},
		{"an agent that is not UTF-8", agent("\xff"), "agent: a string is not valid UTF-8"},
		{"sequence zero", block(0).Append(nil), "head: malformed"},
		{"a damaged batch", resealed(func(b []byte) { b[len(b)-6] ^= 1 }), "block 7: batch: checksum"},
		{"a block in a block", Block{Head: good.Head, Batch: Batch{raw: raw}}.Append(nil), `block 7: batch: does not begin with "TMBT"`},
	} {
		_, rest, err := ReadBlock(tt.raw)
		if err == nil || !strings.Contains(err.Error(), tt.says) || rest != nil {
			t.Errorf("%s: rest of %d bytes, %v; want nil and an error that says %q", tt.name, len(rest), err, tt.says)
		}
	}
	if _, _, err := ReadBlock(length(size - 1)); !errors.Is(err, ErrChecksum) {
		t.Errorf("a wrong length is %v, want ErrChecksum", err)
	}
}

func TestGoldenBlock(t *testing.T) {
	want := block(7, mixed()...)
	raw := golden(t, "v1.block", want.Append(nil))
	got, _, err := ReadBlock(raw)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want.Head, got.Head); d != "" {
		t.Errorf("head (-want +got):\n%s", d)
	}
	diff(t, all(got.Batch), mixed())
}

func TestSpoolIDIsShownInHex(t *testing.T) {
	if got := block(1).Spool.String(); got != "000102030405060708090a0b0c0d0e0f" {
		t.Errorf("got %s", got)
	}
}

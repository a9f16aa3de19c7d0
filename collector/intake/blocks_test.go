package intake

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/tomeishi/tomeishi/agent/report"
)

// block is a block with one event.
func block(agent string, seq uint64, ev report.Event) []byte {
	var b report.Builder
	b.Add(&ev)
	return report.Block{Head: report.Head{Agent: agent, Seq: seq}, Batch: b.Batch()}.Append(nil)
}

// TestBlocksThatAreRefused: only a block that was read whole is refused for good,
// by its sequence. Whatever may have happened on the way is no reason.
func TestBlocksThatAreRefused(t *testing.T) {
	d := newDoor(t, newCell())
	good := block("a", 1, report.Event{ID: "1", Source: "s", Type: "t"})
	bad := block("a", 2, report.Event{ID: "2", Source: "s", Type: "t\x00"})
	other := block("b", 2, report.Event{ID: "2", Source: "s", Type: "t"})

	got := d.post(bytes.Join([][]byte{good, bad}, nil), "Content-Type", report.BlocksType)
	if want := (answer{code: 400, Error: got.Error, Reason: report.ReasonBlocks, Field: "[1]", Seq: 2}); got != want || got.Error == "" {
		t.Errorf("a bad block: %+v", got)
	}
	if got := d.post(bytes.Join([][]byte{good, other}, nil), "Content-Type", report.BlocksType); got.code != 400 || got.Reason != "" {
		t.Errorf("two spools: %+v", got)
	}
	for i := range good {
		for _, flip := range []byte{1, 1 << 7} {
			damaged := bytes.Clone(good)
			damaged[i] ^= flip
			got := d.post(damaged, "Content-Type", report.BlocksType)
			if got.code < 400 || got.Reason != "" || got.Seq != 0 {
				t.Errorf("byte %d damaged: %+v", i, got)
			}
			if i >= len(good)/2 && got.code != http.StatusServiceUnavailable {
				t.Errorf("byte %d damaged: %d, want 503", i, got.code)
			}
		}
		if got := d.post(good[:i], "Content-Type", report.BlocksType); got.code < 400 || got.Reason != "" {
			t.Errorf("cut off after %d: %+v", i, got)
		}
	}
	if len(d.cell.bodies) > 0 {
		t.Errorf("%d entered the ledger", len(d.cell.bodies))
	}
}

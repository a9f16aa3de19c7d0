package collector

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/ledger"
	"github.com/tomeishi/tomeishi/collector/tape"
)

// What the tape of a backup cannot read is a hole in the restored one, too: it
// is not taken for nothing.
func TestHoleStaysAHole(t *testing.T) {
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	open := func() *tape.Tape {
		tp, err := tape.Open(filepath.Join(dir, "tape"), tape.Options{Log: log, Metrics: metrics.NewSet()})
		if err != nil {
			t.Fatal(err)
		}
		return tp
	}
	read := func() (whole, lost []uint64) {
		tp := open()
		for item, err := range tp.From(0) {
			if err != nil {
				lost = append(lost, item.Index)
			} else {
				whole = append(whole, item.Index)
			}
		}
		if err := tp.Close(); err != nil {
			t.Error(err)
		}
		return whole, lost
	}
	tp := open()
	const last = 30
	for i := uint64(1); i <= last; i++ {
		tp.Append(i, entry.Seal(entry.Entry{Kind: entry.KindTick, Time: int64(i), Body: make([]byte, 100)}).Raw())
		if err := tp.Sync(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := tp.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "tape", "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(files[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	whole, lost := read()
	if len(lost) != 1 || len(whole) == last {
		t.Fatalf("read %d entries, holes %v", len(whole), lost)
	}
	if err := cutTape(dir, ledger.Head{Index: last}, log); err != nil {
		t.Fatal(err)
	}
	if got, holes := read(); len(got) != len(whole) || len(holes) != 1 || holes[0] != lost[0] {
		t.Errorf("after a restore: %d entries, holes %v; before %d, %v", len(got), holes, len(whole), lost)
	}
}

package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// A folder that is removed while the ledger runs takes no events, and decisions
// as long as it can.
func TestFolderIsRemoved(t *testing.T) {
	for name, lose := range map[string]func(dir string) error{
		"the folder": os.RemoveAll,
		"the log":    func(dir string) error { return os.RemoveAll(filepath.Join(dir, "wal")) },
		"replaced": func(dir string) error {
			return errors.Join(os.Rename(dir, dir+".old"), os.CopyFS(dir, os.DirFS(dir+".old")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "ledger")
			l, _ := open(t, dir)
			propose(t, l, "one")
			if err := l.Gone(); err != nil {
				t.Fatal(err)
			}
			if err := lose(dir); err != nil {
				t.Fatal(err)
			}
			until(t, "it is seen", func() bool { return l.Gone() != nil })
			if _, _, err := l.Propose(t.Context(), Proposal{Kind: entry.KindBatch}); !errors.Is(err, ErrGone) || !errors.Is(err, entry.ErrNotStored) {
				t.Errorf("events: %v", err)
			}
			if _, _, err := l.Propose(t.Context(), Proposal{Kind: entry.KindDecision, Need: entry.NeedAll}); err != nil {
				t.Errorf("a decision: %v", err)
			}
		})
	}
}

// Closing leaves little to replay.
func TestSnapshotAtEnd(t *testing.T) {
	dir, want := filled(t, closingEntries+10, 1)
	_, r := open(t, dir)
	if got := r.all(t); fmt.Sprint(got) != fmt.Sprint(want) || len(r.indexes) > 0 {
		t.Errorf("%d entries, %d replayed", len(got), len(r.indexes))
	}
}

package ledger

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What was cut or lost is a sentence that says what to do, never the end of the
// process and never a shorter ledger.
func TestLostFiles(t *testing.T) {
	dir, _ := filled(t, 40, 16<<10, smallBallast)
	for name, lose := range map[string]func(*testing.T, string){
		"meta store, cut within a page": func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "wal", "wal-meta.db"), func(b []byte) []byte { return b[:9000] })
		},
		"meta store, one page": func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "wal", "wal-meta.db"), func(b []byte) []byte { return b[:4096] })
		},
		"meta store, emptied": func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "wal", "wal-meta.db"), func([]byte) []byte { return nil })
		},
		"the first segment": func(t *testing.T, dir string) { remove(t, segments(t, dir)[0]) },
		"a segment between": func(t *testing.T, dir string) { remove(t, segments(t, dir)[2]) },
		"the log":           func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "wal")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := copied(t, dir)
			lose(t, dir)
			l, err := openWith(t, dir, &record{}, smallBallast)
			if err == nil {
				err = errors.Join(errors.New("opened"), l.Close())
			}
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), remedy) {
				t.Errorf("it says %v", err)
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// A lost head file costs the check of the log's end, and that is said.
func TestLostHeadIsSaid(t *testing.T) {
	dir, want := filled(t, 5, 1)
	for name, lose := range map[string]func([]byte) []byte{
		"kept":  func(b []byte) []byte { return b },
		"empty": func([]byte) []byte { return nil },
		"zero":  func(b []byte) []byte { return make([]byte, len(b)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := copied(t, dir)
			edit(t, filepath.Join(dir, "head"), lose)
			var log bytes.Buffer
			l, r := open(t, dir, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
			closed(t, l)
			if got := r.all(t); len(got) != len(want) {
				t.Errorf("%d entries, want %d", len(got), len(want))
			}
			if said := strings.Contains(log.String(), "last acknowledged entry is missing"); said != (name != "kept") {
				t.Errorf("it said so: %v", said)
			}
		})
	}
}

package spool

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestFilesGone: nothing is taken into files that a restart would not find, and
// it goes on when they are back.
func TestFilesGone(t *testing.T) {
	aways := map[string]func(t *testing.T, dir string) (back func()){
		"folder moved": func(t *testing.T, dir string) func() {
			must(t, os.Rename(dir, dir+".away"))
			return func() { must(t, os.Rename(dir+".away", dir)) }
		},
		"another in its place": func(t *testing.T, dir string) func() {
			must(t, os.Rename(dir, dir+".away"))
			must(t, os.Mkdir(dir, 0o700))
			return func() { must(t, os.Remove(dir)); must(t, os.Rename(dir+".away", dir)) }
		},
		"segment moved": func(t *testing.T, dir string) func() {
			path := filepath.Join(dir, segName(1))
			must(t, os.Rename(path, dir+".seg"))
			return func() { must(t, os.Rename(dir+".seg", path)) }
		},
	}
	for name, away := range aways {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(ramDir(t), "spool")
			q := open(t, dir)
			must(t, q.Append(t.Context(), events("1")))
			if why := q.Trouble(); why != "" {
				t.Errorf("trouble with a sound spool: %s", why)
			}
			back := away(t, dir)
			for range 2 {
				if err := q.Append(t.Context(), events("lost")); !errors.Is(err, ErrGone) {
					t.Errorf("taken: %v", err)
				}
			}
			if q.Trouble() == "" {
				t.Error("no trouble without its files")
			}
			back()
			must(t, q.Append(t.Context(), events("2")))
			if why := q.Trouble(); why != "" {
				t.Errorf("trouble with what is back: %s", why)
			}
			if got := ids(waitingNow(t, q)); !slices.Equal(got, []string{"1", "2"}) {
				t.Errorf("found %q", got)
			}
		})
	}
}

// TestRemovedForGood: the folder is removed; a restart begins another spool.
func TestRemovedForGood(t *testing.T) {
	dir := filepath.Join(ramDir(t), "spool")
	q := open(t, dir)
	must(t, q.Append(t.Context(), events("1")))
	must(t, os.RemoveAll(dir))
	if err := q.Append(t.Context(), events("lost")); !errors.Is(err, ErrGone) || q.Trouble() == "" {
		t.Errorf("taken: %v, trouble %q", err, q.Trouble())
	}
	must(t, q.Close())
	q = open(t, dir)
	must(t, q.Append(t.Context(), events("2")))
	if got := ids(waitingNow(t, q)); !slices.Equal(got, []string{"2"}) || q.Trouble() != "" {
		t.Errorf("found %q, trouble %q", got, q.Trouble())
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

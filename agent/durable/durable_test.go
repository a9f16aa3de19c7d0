package durable

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReplace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, want := range []string{"first", "second, longer", ""} {
		if err := Replace(path, []byte(want)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	if _, err := os.Stat(path + ".tmp"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a temporary file is left: %v", err)
	}
	if err := Replace(filepath.Join(t.TempDir(), "no", "dir"), nil); err == nil {
		t.Error("no error for a directory that is not there")
	}
}

func TestLockNamesTheHolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made")
	first, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Lock(dir)
	want := fmt.Sprintf("in use by pid %d", os.Getpid())
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := Lock(dir)
	if err != nil {
		t.Fatalf("after the first let go: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

func TestFrame(t *testing.T) {
	raw := Frame("TMXX", 1, []byte("body"))
	if got, err := Unframe("TMXX", 1, raw); err != nil || string(got) != "body" {
		t.Fatalf("got %q, %v", got, err)
	}
	for i := range raw {
		for n := range i {
			if _, err := Unframe("TMXX", 1, raw[:n]); !errors.Is(err, ErrDamaged) {
				t.Fatalf("cut at %d: %v", n, err)
			}
		}
		bad := bytes.Clone(raw)
		bad[i] ^= 1
		if _, err := Unframe("TMXX", 1, bad); !errors.Is(err, ErrDamaged) {
			t.Errorf("flipped byte %d: %v", i, err)
		}
	}
	_, err := Unframe("TMXX", 1, Frame("TMXX", 2, nil))
	if err == nil || errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "version 2") || !strings.Contains(err.Error(), "version 1") {
		t.Errorf("a newer version: %v", err)
	}
}

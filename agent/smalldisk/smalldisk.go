// Package smalldisk is a small file system in memory, for tests of what happens
// when a disk is full or cannot be written.
//
// It promises that a test on it ends with nothing of it in use, unless it asked
// for one that is detached. It is for tests only.
package smalldisk

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Mount returns the folder of a new one, of a size as mount takes it (256k, 24m).
// Where that is not permitted the test is skipped, but in CI it fails.
func Mount(t testing.TB, size string) (dir string) {
	t.Helper()
	return mount(t, size, 0)
}

// Detached is one that may still be in use when the test ends: by an engine that
// keeps files mapped which it was asked to close.
func Detached(t testing.TB, size string) (dir string) {
	t.Helper()
	return mount(t, size, unix.MNT_DETACH)
}

func mount(t testing.TB, size string, unmount int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("mount a small disk: %v", err)
		}
		t.Skipf("mounting a small disk is not permitted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unmount); err != nil {
			t.Errorf("unmount the small disk: %v", err)
			_ = unix.Unmount(dir, unix.MNT_DETACH) // so that its folder can be removed
		}
	})
	return dir
}

// Resize gives it another size.
func Resize(t testing.TB, dir, size string) {
	t.Helper()
	remount(t, dir, 0, "size="+size)
}

// ReadOnly makes it refuse to be written.
func ReadOnly(t testing.TB, dir string) {
	t.Helper()
	remount(t, dir, unix.MS_RDONLY, "")
}

func remount(t testing.TB, dir string, flags uintptr, data string) {
	t.Helper()
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT|flags, data); err != nil {
		t.Fatalf("remount the small disk: %v", err)
	}
}

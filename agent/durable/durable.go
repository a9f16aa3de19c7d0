// Package durable writes small files whole and lets one process at a time use
// a directory: for both programs, whose folders are kept alike.
//
// It promises that a file replaced here is, after a crash at any moment, either
// the old one or the new one, and on disk when Replace has returned. It does
// not promise anything for disks that lie about fsync.
package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Replace puts data at path: written beside it, synced, renamed, and the
// directory synced.
func Replace(path string, data []byte) error {
	tmp := path + ".tmp"
	if err := write(tmp, data); err != nil {
		// A half-written copy would keep space that a full disk needs.
		return errors.Join(fmt.Errorf("write %s: %w", tmp, err), remove(tmp))
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("replace: %w", err)
	}
	return SyncDir(filepath.Dir(path))
}

func write(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// SyncDir makes the names in dir durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	if err := d.Sync(); err != nil {
		return errors.Join(fmt.Errorf("sync directory %s: %w", dir, err), d.Close())
	}
	return d.Close()
}

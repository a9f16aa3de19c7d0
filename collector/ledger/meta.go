package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
)

// bbolt maps its file, and ends the process where the file is shorter than the
// pages that it names. Each of its first two pages, after a header of 16 bytes,
// holds: magic, version, page size, flags (4 bytes each), root (16), free list
// (8), number of pages (8), transaction (8), checksum (8).
const (
	boltMagic  = 0xED0CDAED
	boltHeader = 16
	boltMeta   = 64
)

// probe opens the meta store with a bound on waiting, which raft-wal lacks, and
// finds one that was cut.
func probe(path string) (err error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	err = errors.Join(wholeMeta(f), f.Close())
	if err == nil {
		err = openMeta(path)
	}
	if err != nil {
		return fmt.Errorf("open %s: %w: %s", path, err, remedy)
	}
	return nil
}

// openMeta opens and closes the store; a page that cannot be read is an error.
func openMeta(path string) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, p)
		}
	}()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: 2 * time.Second})
	if err != nil {
		return err
	}
	return db.Close()
}

// wholeMeta compares the size of the file with the pages that it names.
func wholeMeta(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	for page, size := int64(0), int64(os.Getpagesize()); page < 2; page++ {
		var b [boltHeader + boltMeta]byte
		if _, err := f.ReadAt(b[:], page*size); errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: it has %d bytes, which is not all of it", ErrDamaged, info.Size())
		} else if err != nil {
			return err
		}
		m := b[boltHeader:]
		if binary.NativeEndian.Uint32(m) != boltMagic {
			continue // torn: the other one counts
		}
		size = int64(binary.NativeEndian.Uint32(m[8:]))
		if want := int64(binary.NativeEndian.Uint64(m[40:])) * size; want > info.Size() {
			return fmt.Errorf("%w: it has %d bytes of %d", ErrDamaged, info.Size(), want)
		}
	}
	return nil
}

package host

import (
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	firstBuffer = 16 << 10
	mostBuffer  = 1 << 20
)

// A file stays open and is read from its beginning each time, which costs a
// third of opening it too.
type file struct {
	path string
	f    *os.File
}

// read returns all of it, in buf, which grows.
func (f *file) read(buf *[]byte) ([]byte, error) {
	if f.f == nil {
		var err error
		if f.f, err = os.Open(f.path); err != nil {
			return nil, err
		}
	}
	for {
		n, err := f.f.ReadAt(*buf, 0)
		switch {
		case errors.Is(err, io.EOF):
			return (*buf)[:n], nil
		case err != nil:
			return nil, err
		case len(*buf) >= mostBuffer:
			return nil, fmt.Errorf("read %s: longer than %d bytes", f.path, mostBuffer)
		}
		*buf = make([]byte, 2*len(*buf))
	}
}

func (f *file) close() error {
	if f.f == nil {
		return nil
	}
	err := f.f.Close()
	f.f = nil
	return err
}

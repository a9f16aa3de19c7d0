package agent

import (
	"errors"
	"os"
	"path/filepath"
)

// makeFolder makes a folder and those above it, if they are absent, so that
// others pass through to what is open to them, as the socket is, and see nothing
// else. One that is there stays as it is.
func makeFolder(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if up := filepath.Dir(dir); up != dir {
		if err := makeFolder(up); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o711); err != nil {
		return err
	}
	return os.Chmod(dir, 0o711) // whatever the umask
}

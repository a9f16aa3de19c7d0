package strictyaml

import (
	"errors"
	"io"
	"os"
)

// Load reads a file's text, and one byte more than the most that it may have: a
// Reader then says that it is too long.
func Load(path string, most int) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	text, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	return File{Name: path, Text: text}, errors.Join(err, f.Close())
}

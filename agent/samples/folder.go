package samples

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/agent/durable"
	"github.com/tomeishi/tomeishi/agent/report"
)

const (
	laneFile    = "lane"
	laneMagic   = "TMLN"
	laneVersion = 1

	suffix      = ".samples"
	damaged     = ".damaged"
	maxDamaged  = 8        // files set aside for people; the oldest go
	maxFileSize = 64 << 20 // a chunk has a small part of it
)

// folder is where chunks wait, one in each file, and the lane's id.
type folder string

// name says of a chunk what must be known without reading it.
type name struct {
	last   int64 // time of the last frame, Unix milliseconds
	frames int
	serial uint64 // tells files with the same time apart
}

func (n name) file() string { return fmt.Sprintf("%013d-%d-%d%s", n.last, n.frames, n.serial, suffix) }

func parseName(file string) (n name, ok bool) {
	_, err := fmt.Sscanf(file, "%d-%d-%d", &n.last, &n.frames, &n.serial)
	return n, err == nil && n.last >= 0 && n.frames > 0 && n.file() == file
}

func (d folder) path(file string) string { return filepath.Join(string(d), file) }

// lane reads the lane's id, or makes one. It returns one with an error too.
func (d folder) lane() (id report.SpoolID, err error) {
	// Read never fails: it ends the program instead.
	_, _ = rand.Read(id[:])
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return id, err
	}
	raw, err := os.ReadFile(d.path(laneFile))
	if err == nil {
		raw, err = durable.Unframe(laneMagic, laneVersion, raw)
	}
	if err == nil && len(raw) == len(id) {
		return report.SpoolID(raw), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, durable.ErrDamaged) {
		return id, err
	}
	return id, durable.Replace(d.path(laneFile), durable.Frame(laneMagic, laneVersion, id[:]))
}

// list finds the chunks of an earlier process, and removes what it had not
// finished.
func (d folder) list() (left []*chunk, err error) {
	entries, err := os.ReadDir(string(d))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix+".tmp") {
			err = errors.Join(err, d.remove(e.Name()))
		}
		n, ok := parseName(e.Name())
		info, infoErr := e.Info()
		if ok && infoErr == nil && info.Mode().IsRegular() {
			left = append(left, &chunk{name: n, size: onDisk(info.Size())})
		}
	}
	return left, err
}

// onDisk is what a file takes: many short ones must not pass for little.
func onDisk(size int64) int64 { return (size + block - 1) / block * block }

func (d folder) write(n name, raw []byte) error { return durable.Replace(d.path(n.file()), raw) }

func (d folder) read(n name) ([]byte, error) {
	info, err := os.Stat(d.path(n.file()))
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFileSize {
		return nil, fmt.Errorf("%w: %d bytes long", durable.ErrDamaged, info.Size())
	}
	return os.ReadFile(d.path(n.file()))
}

func (d folder) remove(file string) error {
	if err := os.Remove(d.path(file)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// setAside keeps a damaged file for people, and a few of those before it.
func (d folder) setAside(n name) error {
	if err := os.Rename(d.path(n.file()), d.path(n.file()+damaged)); err != nil {
		return err
	}
	aside, err := filepath.Glob(d.path("*" + suffix + damaged))
	if err != nil {
		return err
	}
	slices.Sort(aside)
	for i := range len(aside) - maxDamaged {
		err = errors.Join(err, os.Remove(aside[i]))
	}
	return err
}

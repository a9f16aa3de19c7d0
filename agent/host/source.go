package host

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"golang.org/x/sys/unix"
)

var errNothing = errors.New("nothing in it is known")

// retryTicks is how often an optional file that is not there is tried.
const retryTicks = 10

// quiet is how long after a warning about one thing there is no other.
const quiet = time.Minute

// health is whether one thing can be measured. It is logged when that changes.
type health struct {
	name    string
	log     *slog.Logger
	failing error
	errors  float64
	told    bool // that it fails
	warned  time.Time
}

func (h *health) report(err error) {
	h.failing = err
	if err == nil {
		if h.told {
			h.told = false
			h.log.Info("can be measured again", "source", h.name)
		}
		return
	}
	h.errors++
	if !h.told && time.Since(h.warned) >= quiet {
		h.told, h.warned = true, time.Now()
		h.log.Warn("cannot be measured, so it is absent until it can", "source", h.name, "error", err)
	}
}

// A source is a file that is read each second.
type source struct {
	path       string // below /proc
	name       string // in tomeishi_host_errors_total
	parse      func(raw []byte) error
	optional   bool // not every kernel has it
	mayBeEmpty bool // there may be nothing to report

	health health
	file   file
	retry  int // ticks to wait
}

// read measures one source. Absence is an error only where every kernel has
// the file. After any error the file is opened anew: what went away and came
// back is another file.
func (s *source) read(t *table, buf *[]byte) {
	if s.retry > 0 {
		s.retry--
		return
	}
	raw, err := s.file.read(buf)
	if err == nil {
		err = s.measure(t, raw)
	}
	if err != nil {
		err = errors.Join(err, s.file.close())
	}
	if s.optional && missing(err) {
		s.retry, err = retryTicks-1, nil
	}
	s.health.report(err)
}

func (s *source) measure(t *table, raw []byte) error {
	before := t.touched
	err := s.parse(raw)
	switch {
	case err == nil && s.mayBeEmpty:
		return nil
	case len(raw) == 0:
		err = errEmpty
	case err == nil && t.touched == before:
		err = errNothing
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.file.path, err)
	}
	return nil
}

// missing tells what a kernel without the feature answers.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EOPNOTSUPP)
}

package ledger

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// bootFile keeps, beside the head, what ledger time was at some time since boot.
// A start under the same boot knows by it how long the collector was away,
// whatever the wall clock says. It is not synced: without it a start asks others.
type bootFile struct {
	path, id string
	was      bootNote // at the start
}

type bootNote struct {
	Version int    `json:"version"`
	Boot    string `json:"boot"`     // id of the boot
	Since   int64  `json:"since_ns"` // CLOCK_BOOTTIME
	Time    int64  `json:"time_ns"`  // ledger time then
}

const (
	bootVersion = 1
	// bootWithin is how far the two may be apart: the wall clock is set, and
	// ledger time leans.
	bootWithin = int64(time.Minute)
)

func openBootFile(dir string) bootFile {
	b := bootFile{path: filepath.Join(dir, "boot"), id: bootID()}
	raw, err := os.ReadFile(b.path)
	if err != nil || json.Unmarshal(raw, &b.was) != nil || b.was.Version != bootVersion {
		b.was = bootNote{} // none, or damaged: it confirms nothing
	}
	return b
}

func bootID() string {
	raw, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw))
}

// bootTime is the time since boot, suspends included; 0 if nobody knows.
func bootTime() int64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) != nil {
		return 0
	}
	return ts.Nano()
}

// confirms tells whether the time since boot ran as far as the wall clock says
// that ledger time should have.
func (b *bootFile) confirms(since, wall int64) bool {
	if b.id == "" || b.was.Boot != b.id || since < b.was.Since {
		return false
	}
	off := b.was.Time + since - b.was.Since - wall
	return max(off, -off) <= bootWithin
}

func (b *bootFile) keep(since, now int64) error {
	if b.id == "" || since == 0 {
		return nil
	}
	raw, err := json.Marshal(bootNote{Version: bootVersion, Boot: b.id, Since: since, Time: now})
	if err != nil {
		return err
	}
	// In place of the old one at once: a torn note would be none.
	next := b.path + ".next"
	if err := os.WriteFile(next, raw, 0o600); err != nil {
		return err
	}
	return os.Rename(next, b.path)
}

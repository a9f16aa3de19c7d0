package ledger

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// ErrGone is returned while the ledger's files are not where they were opened:
// what is written then is lost with the process.
var ErrGone = errors.New("the ledger's folder was removed or replaced while it runs: stop the collector, and put it back or restore a backup")

// watched are files that stay the same while the ledger is open.
type watched map[string]os.FileInfo

func watch(dir string) watched {
	out := watched{}
	for _, name := range []string{"head", "wal"} {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil {
			out[path] = info
		}
	}
	return out
}

// gone tells whether one of them is no longer there. One that cannot be asked
// for another reason is.
func (w watched) gone() bool {
	for path, was := range w {
		is, err := os.Stat(path)
		if errors.Is(err, os.ErrNotExist) || err == nil && !os.SameFile(was, is) {
			return true
		}
	}
	return false
}

// lookForFiles notes whether the files are there, and says so once.
func (l *Ledger) lookForFiles() {
	if gone := l.files.gone(); l.lostFiles.Swap(gone) != gone {
		if gone {
			l.o.Log.Error("events are refused", "error", ErrGone)
			return
		}
		l.o.Log.Info("the ledger's folder is there again")
	}
}

// Gone is ErrGone while the ledger's files are not where they were. Decisions
// are taken meanwhile: a gate that closes in memory is better than none.
func (l *Ledger) Gone() error {
	if l.lostFiles.Load() {
		return ErrGone
	}
	return nil
}

func (l *Ledger) losesIt(need entry.Need) bool { return need == entry.NeedNone && l.lostFiles.Load() }

// closingEntries are how many entries since the last snapshot are worth one when
// the ledger is closed: the next start is shorter by them.
const closingEntries = 1000

// snapshotAtEnd is the last thing before the log is closed.
func (l *Ledger) snapshotAtEnd() {
	if l.snap.entries.Load() < closingEntries || l.Full() || l.lostFiles.Load() {
		return
	}
	if err := l.Snapshot(); err != nil {
		l.o.Log.Warn("take a snapshot at the end", "error", err)
	}
}

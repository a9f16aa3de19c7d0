package ledger

import (
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// A process without descriptors is one for a while: the ledger waits, and takes
// entries again when there are some.
func TestNoDescriptors(t *testing.T) {
	r := &record{}
	l, err := Open(t.Context(), Options{Dir: t.TempDir(), Applier: r, SegmentBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	if l.beyond(fmt.Errorf("list snapshots: %w", unix.EMFILE), maxTries) {
		t.Error("a lack of descriptors is taken for the end")
	}
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	none := was
	none.Cur = uint64(f.Fd())
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(300*time.Millisecond, func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
			t.Error(err)
		}
	})
	body, told := make([]byte, 20<<10), 0
	for deadline := time.Now().Add(10 * time.Second); told < 20 && time.Now().Before(deadline); {
		if _, _, err := l.Propose(t.Context(), Proposal{Kind: entry.KindTick, Body: body}); err == nil {
			told++
		}
	}
	if told < 20 || l.Err() != nil {
		t.Errorf("%d entries were taken; the ledger ended: %v", told, l.Err())
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

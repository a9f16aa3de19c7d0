package collector

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/agent/smalldisk"
)

// TestFullDisk fills the disk while events come: they are refused, never lost;
// people still close and open; and when there is room again all goes on.
func TestFullDisk(t *testing.T) {
	dir := smalldisk.Mount(t, "220m")
	c := testConfig(t)
	c.Data = filepath.Join(dir, "data")
	r := start(t, c)
	r.post(payment("tx1", "w1"))
	filler := filepath.Join(dir, "filler")
	fill(t, filler)
	r.await("events are refused", func() bool {
		code, _ := r.post(payment("more", "w9"))
		return code == http.StatusTooManyRequests
	})
	for range 50 {
		code, body := r.decide(demoGate+"/close", `{"reason":"the disk is full"}`)
		r.want(200, code, body, `"closed"`)
		code, body = r.decide(demoGate+"/open", `{"reason":"tried it"}`)
		r.want(200, code, body, `"open"`)
	}
	code, body := r.request(http.MethodGet, "/-/ready", "", "")
	r.want(503, code, body, "disk is full")
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	r.await("events are taken again", func() bool {
		code, _ := r.post(payment("tx2", "w1"))
		return code == http.StatusAccepted
	})
	r.want(423, r.code(http.MethodGet, demoGate+"/check", "", ""), "")
	r.stop() // until then it may be told whom people were told
	hash := r.machine.Hash()
	if got := replay(t, c).Hash(); got != hash {
		t.Errorf("after a restart the state is %x, was %x", got, hash)
	}
	r = start(t, c)
	code, body = r.request(http.MethodPost, "/v1/events", report.StructuredType, payment("tx1", "w1"))
	r.want(202, code, body, `"duplicates":1`)
}

// fill writes until there is no room left.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

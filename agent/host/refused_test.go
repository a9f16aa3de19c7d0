package host

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shirou/gopsutil/v3/disk"
	"golang.org/x/sys/unix"
)

// TestRefusedMount: who may not ask does not know, and says nothing.
func TestRefusedMount(t *testing.T) {
	dir, _ := plant(t, full)
	for _, c := range []struct {
		err    error
		failed bool
	}{{unix.EACCES, false}, {unix.EPERM, false}, {unix.EIO, true}, {unix.ENOENT, true}} {
		t.Run(c.err.Error(), func(t *testing.T) {
			o := planted(dir)
			o.usage = func(path string) (*disk.UsageStat, error) {
				if strings.HasSuffix(path, "/mnt/nfs") {
					return nil, c.err
				}
				return sized(path)
			}
			m := start(t, o)
			got := m.ticks(25)
			expect(t, got, "node_filesystem_device_error"+root, 0)
			lines := strings.Count(m.log.String(), "\n")
			if c.failed {
				expect(t, got, "node_filesystem_device_error"+nfs, 1)
				if lines != 1 {
					t.Errorf("%d lines of log, want 1: %s", lines, m.log)
				}
				return
			}
			for _, name := range []string{"size_bytes", "free_bytes", "avail_bytes", "files", "files_free", "readonly", "device_error"} {
				expectAbsent(t, got, "node_filesystem_"+name+nfs)
			}
			if lines != 0 {
				t.Errorf("%d lines of log, want none: %s", lines, m.log)
			}
		})
	}
}

// TestNotAsked has as many mounts hang as may be waited for: one that answered
// before and cannot be asked any more has no old values.
func TestNotAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, _ := plant(t, full)
		h := newHanging(func(path string) bool { return strings.Contains(path, "hang") })
		o := planted(dir)
		o.usage = h.usage
		const slash, last = "27 1 254:0 / / rw shared:1 - ext4 /dev/vda rw\n", "28 27 0:9 / /mnt/last rw - nfs4 nas:/x rw\n"
		const lastLabels = `{device="nas:/x",fstype="nfs4",mountpoint="/mnt/last"}`
		put(t, dir+"/proc/1/mountinfo", slash+last)
		m := start(t, o)
		seconds := func(n int) (got map[string]float64) {
			for range n {
				time.Sleep(time.Second)
				got = bySeries(m.Tick(time.Now()))
			}
			return got
		}
		expect(t, seconds(2), "node_filesystem_size_bytes"+lastLabels, 1000)
		for i := range 2 {
			put(t, dir+"/proc/1/mountinfo", slash+manyMounts(fmt.Sprint("hang", i), maxMounts/2)+last)
			seconds(30)
		}
		got := seconds(30)
		if n, _ := h.times(dir + "/mnt/last"); n == 0 {
			t.Error("the last mount was never asked")
		}
		expectAbsent(t, got, "node_filesystem_size_bytes"+lastLabels)
		expectAbsent(t, got, "node_filesystem_device_error"+lastLabels)
		expect(t, got, "node_filesystem_readonly"+lastLabels, 0)

		close(h.release)
		got = seconds(21)
		expect(t, got, "node_filesystem_size_bytes"+lastLabels, 1000)
		expect(t, got, "node_filesystem_device_error"+lastLabels, 0)
	})
}

package host

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shirou/gopsutil/v3/disk"
)

const (
	nfs  = `{device="nas:/export\\040a",fstype="nfs4",mountpoint="/mnt/nfs"}`
	root = `{device="/dev/vda",fstype="ext4",mountpoint="/"}`
)

// hanging is a statfs that does not answer for some paths.
type hanging struct {
	hangs   func(path string) bool
	release chan struct{}

	mu    sync.Mutex
	asked map[string]int
}

func (h *hanging) usage(path string) (*disk.UsageStat, error) {
	h.mu.Lock()
	h.asked[path]++
	h.mu.Unlock()
	if h.hangs(path) {
		<-h.release
	}
	return sized(path)
}

// times is how often a path was asked, and how many paths were.
func (h *hanging) times(path string) (n, paths int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked[path], len(h.asked)
}

func newHanging(hangs func(string) bool) *hanging {
	return &hanging{hangs: hangs, release: make(chan struct{}), asked: map[string]int{}}
}

func TestHangingMount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, _ := plant(t, full)
		h := newHanging(func(path string) bool { return strings.HasSuffix(path, "/mnt/nfs") })
		o := planted(dir)
		o.usage = h.usage
		m := start(t, o)
		second := func() map[string]float64 {
			time.Sleep(time.Second)
			from := time.Now()
			got := bySeries(m.Tick(from))
			if took := time.Since(from); took != 0 {
				t.Fatalf("a tick waited %s", took)
			}
			return got
		}

		got := second()
		expect(t, got, "node_filesystem_size_bytes"+root, 1000)
		expect(t, got, "node_filesystem_readonly"+nfs, 0)
		expectAbsent(t, got, "node_filesystem_device_error"+nfs) // nobody knows yet
		for range 90 {
			got = second()
		}
		expect(t, got, "node_filesystem_device_error"+nfs, 1)
		expect(t, got, "node_filesystem_device_error"+root, 0)
		expect(t, got, "node_filesystem_readonly"+nfs, 0)
		for _, name := range []string{"size_bytes", "free_bytes", "avail_bytes", "files", "files_free"} {
			expectAbsent(t, got, "node_filesystem_"+name+nfs)
			if _, ok := got["node_filesystem_"+name+root]; !ok {
				t.Errorf("%s of the root is absent while another mount hangs", name)
			}
		}
		if n, _ := h.times(dir + "/mnt/nfs"); n != 1 {
			t.Errorf("a mount that hangs was asked %d times", n)
		}
		if n, _ := h.times(dir); n < 8 {
			t.Errorf("the root was asked %d times in 90 s", n)
		}

		// It goes away and comes back while it is still asked.
		raw, err := readShort(dir + "/proc/1/mountinfo")
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir+"/proc/1/mountinfo", "27 1 254:0 / / rw shared:1 - ext4 /dev/vda rw\n")
		for range 20 {
			got = second()
		}
		expectAbsent(t, got, "node_filesystem_device_error"+nfs)
		put(t, dir+"/proc/1/mountinfo", string(raw)+"\n")
		for range 20 {
			got = second()
		}
		expect(t, got, "node_filesystem_device_error"+nfs, 1)
		if n, _ := h.times(dir + "/mnt/nfs"); n != 1 {
			t.Errorf("a mount that hangs was asked %d times after it was gone", n)
		}

		close(h.release)
		for range 11 {
			got = second()
		}
		expect(t, got, "node_filesystem_device_error"+nfs, 0)
		expect(t, got, "node_filesystem_size_bytes"+nfs, 1000)
		if n := strings.Count(m.log.String(), "\n"); n != 2 {
			t.Errorf("%d lines of log, want one that it hangs and one that it is back: %s", n, m.log)
		}
	})
}

// TestCloseWhileMountsHang shows that Close does not wait for ever, and that
// who asked a mount ends when it answers.
func TestCloseWhileMountsHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, _ := plant(t, full)
		h := newHanging(func(string) bool { return true })
		o := planted(dir)
		o.usage = h.usage
		m := start(t, o)
		from := time.Now()
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(from); took > closeTime {
			t.Errorf("Close took %s", took)
		}
		close(h.release)
	})
}

func TestFailingMount(t *testing.T) {
	dir, _ := plant(t, full)
	o := planted(dir)
	o.usage = func(path string) (*disk.UsageStat, error) {
		if strings.HasSuffix(path, "/mnt/nfs") {
			return nil, errors.New("stale file handle")
		}
		return sized(path)
	}
	m := start(t, o)
	got := m.ticks(2)
	expect(t, got, "node_filesystem_device_error"+nfs, 1)
	expectAbsent(t, got, "node_filesystem_size_bytes"+nfs)
	expect(t, got, "node_filesystem_device_error"+root, 0)
}

func manyMounts(prefix string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d 1 0:%d / /%s/%d rw,relatime shared:%d - tmpfs tmpfs rw,size=4k\n", i+30, i, prefix, i, i)
	}
	return b.String()
}

func TestManyMounts(t *testing.T) {
	dir, _ := plant(t, full)
	put(t, dir+"/proc/1/mountinfo", "27 1 254:0 / / rw shared:1 - ext4 /dev/vda rw\n"+manyMounts("mnt", 5000))
	m := start(t, planted(dir))
	got := m.ticks(3)
	expect(t, got, "node_filesystem_size_bytes"+root, 1000)
	expect(t, got, `tomeishi_host_left_out{source="filesystem"}`, 5001-maxMounts)
	if n := with(got, "node_filesystem_avail_bytes"); n != maxMounts {
		t.Errorf("%d filesystems, want %d", n, maxMounts)
	}
	if n := strings.Count(m.log.String(), "more than the"); n != 1 {
		t.Errorf("%d lines of log, want 1: %s", n, m.log)
	}
	put(t, dir+"/proc/1/mountinfo", "27 1 254:0 / / rw shared:1 - ext4 /dev/vda rw\n")
	got = m.ticks(15)
	expect(t, got, `tomeishi_host_left_out{source="filesystem"}`, 0)
	if n := with(got, "node_filesystem_avail_bytes"); n != 1 {
		t.Errorf("%d filesystems, want 1", n)
	}
}

// TestDisksBeforeMemory: what is only memory leaves room for what is not, wherever
// it stands, and what the kubelet mounts for pods is not reported.
func TestDisksBeforeMemory(t *testing.T) {
	dir, _ := plant(t, full)
	put(t, dir+"/proc/1/mountinfo", "27 1 254:0 / / rw shared:1 - ext4 /dev/vda rw\n"+manyMounts("run/user", 300)+
		"900 27 254:1 / /var/lib/postgresql rw shared:1 - ext4 /dev/vdb rw\n"+
		"901 27 0:99 / /var/lib/kubelet/pods/1/volumes/x rw - tmpfs tmpfs rw\n"+
		"902 27 254:2 / /srv rw shared:1 - xfs /dev/vdc rw\n")
	m := start(t, planted(dir))
	got := m.ticks(3)
	for _, disk := range []string{root, `{device="/dev/vdb",fstype="ext4",mountpoint="/var/lib/postgresql"}`, `{device="/dev/vdc",fstype="xfs",mountpoint="/srv"}`} {
		expect(t, got, "node_filesystem_size_bytes"+disk, 1000)
	}
	expect(t, got, `tomeishi_host_left_out{source="filesystem"}`, 303-maxMounts)
}

// TestNamesThatAreNoText: two mounts, and an interface, whose names are no text are
// told apart and found.
func TestNamesThatAreNoText(t *testing.T) {
	dir, _ := plant(t, full)
	put(t, dir+"/proc/1/mountinfo", "27 1 254:0 / / rw - ext4 /dev/vda rw\n"+
		"28 27 254:1 / /\xff rw - ext4 /dev/vdb rw\n29 27 254:1 / /\xfe rw - ext4 /dev/vdb rw\n"+
		`30 27 254:1 / /\134xff rw - ext4 /dev/vdb rw`+"\n")
	put(t, dir+"/proc/net/dev", netHead+netLine("eth\xff")+netLine("eth0"))
	m := start(t, planted(dir))
	got := m.ticks(3)
	for _, point := range []string{"ff", "fe"} {
		expect(t, got, `node_filesystem_size_bytes{device="/dev/vdb",fstype="ext4",mountpoint="/\\x`+point+`"}`, 1000)
	}
	expect(t, got, `tomeishi_host_left_out{source="filesystem"}`, 1)
	expect(t, got, `node_network_receive_bytes_total{device="eth\\xff"}`, 1)
	expect(t, got, `node_network_receive_bytes_total{device="eth0"}`, 1)
}

// TestManyMountsHang replaces mounts that hang by others that hang: no more
// goroutines are given to them than there may be mounts.
func TestManyMountsHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, _ := plant(t, full)
		h := newHanging(func(string) bool { return true })
		o := planted(dir)
		o.usage = h.usage
		before := runtime.NumGoroutine()
		put(t, dir+"/proc/1/mountinfo", manyMounts("a", 150))
		m := start(t, o)
		for i := range 6 {
			for range 15 {
				time.Sleep(time.Second)
				m.Tick(time.Now())
			}
			put(t, dir+"/proc/1/mountinfo", manyMounts(fmt.Sprint("b", i), 150))
		}
		if n := runtime.NumGoroutine() - before; n > maxMounts+10 {
			t.Errorf("%d goroutines", n)
		}
		if _, n := h.times(""); n != maxMounts {
			t.Errorf("%d mounts hang, want %d", n, maxMounts)
		}
		close(h.release)
	})
}

func TestScanMounts(t *testing.T) {
	line := func(point, fstype string) string {
		return "27 1 254:0 / " + point + " rw shared:1 - " + fstype + " /dev/x rw\n"
	}
	for _, c := range []struct {
		name, text, root string
		want             []string
		bad              bool
	}{
		{name: "none"},
		{"covered", line("/a", "ext4") + line("/b", "xfs") + line("/a", "nfs4"), "/", []string{"xfs /b /b", "nfs4 /a /a"}, false},
		{"covered by what is not reported", line("/a", "ext4") + line("/a", "overlay"), "/", nil, false},
		{"covered and uncovered", line("/a", "overlay") + line("/a", "ext4"), "/", []string{"ext4 /a /a"}, false},
		{"in a container", line("/host", "ext4") + line("/host/var", "xfs") + line("/hostile", "xfs"), "/host", []string{"ext4 / /host", "xfs /var /host/var", "xfs /hostile /host/hostile"}, false},
		{"escaped", line(`/a\040b\011c\012d\134e\043f\777\08`, "ext4"), "/", []string{"ext4 /a b\\x09c\\x0ad\\e#f\\777\\08 /a b\tc\nd\\e#f\\777\\08"}, false},
		{"no UTF-8", line("/\xff", "ext4"), "/", []string{"ext4 /\\xff /\xff"}, false},
		{"bad line between", line("/a", "ext4") + "x\n" + line("/b", "ext4"), "/", []string{"ext4 /a /a", "ext4 /b /b"}, true},
		{"long line between", line("/a", "ext4") + strings.Repeat("x", 3*mostLine) + "\n" + line("/b", "ext4"), "/", []string{"ext4 /a /a", "ext4 /b /b"}, true},
		{"torn", line("/a", "ext4") + "28 1 254:0 / /b rw shared:1 - ext4 /dev/x rw", "/", []string{"ext4 /a /a"}, true},
		{"no source", "27 1 254:0 / /a rw - tmpfs  rw\n", "/", []string{"tmpfs /a /a"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, _, err := scanMounts(strings.NewReader(c.text), c.root)
			var got []string
			for _, m := range list {
				got = append(got, m.fstype+" "+m.point+" "+m.path)
			}
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("found %q, want %q", got, c.want)
			}
			if (err != nil) != c.bad {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestReported compares with node_exporter's expressions.
func TestReported(t *testing.T) {
	points := regexp.MustCompile(`^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)`)
	types := regexp.MustCompile(`^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$`)
	for point := range strings.FieldsSeq(`/ /dev /dev/shm /devices /proc /proc/x /sys/fs /system /run /run/credentials /run/credentials/
		/run/credentials/a /run/credentials/a/b /var/lib/docker /var/lib/docker/ /var/lib/docker/x /var/lib/dockerx /var/lib/containers/storage
		/var/lib/containers/storage/overlay /mnt/dev`) {
		for fstype := range strings.FieldsSeq("ext4 xfs nfs4 tmpfs cgroup cgroup2 cgroup22 overlay proc procfs autofs devtmpfs fuse.sshfs squashfs zfs") {
			m := mountPoint{fstype: fstype, point: point}
			want := !points.MatchString(point) && !types.MatchString(fstype)
			if got := m.reported(); got != want {
				t.Errorf("%s on %s is reported: %t, want %t", fstype, point, got, want)
			}
		}
	}
}

func TestMountinfoOfSelf(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "self", "mountinfo"), "27 1 254:0 / / rw - ext4 /dev/x rw\n")
	list, _, err := mountPoints(dir, "/")
	if err != nil || len(list) != 1 {
		t.Errorf("found %d mounts, error %v", len(list), err)
	}
}

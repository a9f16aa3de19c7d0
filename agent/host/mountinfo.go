package host

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	maxMounts = 200
	mostLine  = 16 << 10 // bytes of a line of mountinfo
)

// A mountPoint is a line of mountinfo.
type mountPoint struct {
	device, fstype, point string // as labels; node_exporter unescapes the point alone
	path                  string // as statfs takes it
	readonly              bool
	self, parent          float64 // the kernel's numbers of it and of the mount that it is on
}

// mountPoints reads which filesystems are mounted, of the first process where
// it may: that of a container has few of the host's. Of those that are
// reported it returns the first maxMounts, and how many more there are.
func mountPoints(proc, root string) (list []mountPoint, leftOut int, err error) {
	f, err := os.Open(filepath.Join(proc, "1", "mountinfo"))
	if err != nil {
		if f, err = os.Open(filepath.Join(proc, "self", "mountinfo")); err != nil {
			return nil, 0, err
		}
	}
	defer f.Close()
	list, leftOut, err = scanMounts(f, root)
	if err != nil {
		err = fmt.Errorf("%s: %w", f.Name(), err)
	}
	return list, leftOut, err
}

// scanMounts goes on behind bad lines.
func scanMounts(from io.Reader, root string) (list []mountPoint, leftOut int, err error) {
	var found mountList
	r := bufio.NewReaderSize(from, mostLine)
	long := false // within a line that is too long
	for {
		line, rerr := r.ReadSlice('\n')
		switch {
		case rerr == nil && long:
			long = false
		case rerr == nil:
			m, ok := parseMount(line[:len(line)-1], root)
			if !ok {
				err = notUnderstood(line)
				continue
			}
			found.add(&m)
		case errors.Is(rerr, bufio.ErrBufferFull):
			long, err = true, notUnderstood(line)
		case !errors.Is(rerr, io.EOF):
			return nil, 0, rerr
		default:
			if long || len(line) > 0 {
				err = errTorn
			}
			return found.all, found.leftOut, err
		}
	}
}

// A mountList is bounded. Where mounts lie on each other only the last can be
// asked, so only the last counts; node_exporter says of each what the last is.
type mountList struct {
	all     []mountPoint
	leftOut int // some of which others may hide
}

func (l *mountList) add(m *mountPoint) {
	l.hide(m.parent, m.path+"/")
	l.all = slices.DeleteFunc(l.all, func(o mountPoint) bool { return o.path == m.path })
	switch {
	case !m.reported():
	case len(l.all) == maxMounts && !l.makeRoom(m) || len(m.point) > maxLabel || len(m.device) > maxLabel || len(m.fstype) > maxLabel:
		l.leftOut++
	default:
		l.all = append(l.all, *m)
	}
}

// makeRoom takes out the last mount that is only memory, for one that is not:
// there are hundreds of the first, each of a pod or a login.
func (l *mountList) makeRoom(m *mountPoint) bool {
	if m.inMemory() {
		return false
	}
	for i := len(l.all) - 1; i >= 0; i-- {
		if l.all[i].inMemory() {
			l.all = slices.Delete(l.all, i, i+1)
			l.leftOut++
			return true
		}
	}
	return false
}

func (m *mountPoint) inMemory() bool { return m.fstype == "tmpfs" || m.fstype == "ramfs" }

// hide drops what is mounted on parent below a path, and what is mounted on
// that: no path leads there any more. The path alone would not tell: a mount
// that was moved, as the root is at boot, stands behind those that it holds.
func (l *mountList) hide(parent float64, below string) {
	for {
		i := slices.IndexFunc(l.all, func(m mountPoint) bool { return m.parent == parent && strings.HasPrefix(m.path, below) })
		if i < 0 {
			return
		}
		hidden := l.all[i].self
		l.all = slices.Delete(l.all, i, i+1)
		l.hide(hidden, below)
	}
}

// parseMount reads "id parent dev root POINT OPTIONS [tags] - TYPE SOURCE
// OPTIONS": a remount read-only after an error is in the last options alone.
func parseMount(line []byte, root string) (m mountPoint, ok bool) {
	front, back, ok := bytes.Cut(line, []byte(" - "))
	if !ok {
		return m, false
	}
	var w [6][]byte
	for i := range w {
		w[i], front = word(front)
	}
	self, isNumber := number(w[0])
	parent, hasParent := number(w[1])
	fstype, back, _ := bytes.Cut(back, []byte(" "))
	source, super, ok := bytes.Cut(back, []byte(" "))
	if !ok || !isNumber || !hasParent || len(fstype) == 0 || len(w[4]) == 0 || w[4][0] != '/' || len(w[5]) == 0 {
		return m, false
	}
	point := inRoot(unescape(w[4]), root)
	return mountPoint{
		device: printable(string(source)), fstype: printable(string(fstype)), point: printable(point),
		path:     filepath.Join(root, point),
		readonly: hasOption(w[5], "ro") || hasOption(super, "ro"),
		self:     self, parent: parent,
	}, true
}

// inRoot is what the host calls a path that a container sees below root.
func inRoot(path, root string) string {
	if rest, ok := strings.CutPrefix(path, strings.TrimRight(root, "/")+"/"); ok {
		return "/" + rest
	}
	if path == root {
		return "/"
	}
	return path
}

// unescape undoes the octal form that the kernel gives to white space,
// backslashes and number signs.
func unescape(b []byte) string {
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b)
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+3 < len(b) && octal(b[i+1:i+4]) {
			out = append(out, b[i+1]&3<<6|b[i+2]&7<<3|b[i+3]&7)
			i += 3
			continue
		}
		out = append(out, b[i])
	}
	return string(out)
}

func octal(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '7' {
			return false
		}
	}
	return b[0] <= '3'
}

func hasOption(options []byte, want string) bool {
	for o := range bytes.SplitSeq(options, []byte(",")) {
		if string(o) == want {
			return true
		}
	}
	return false
}

// reported leaves out what node_exporter leaves out by default: filesystems
// without storage of their own, and
// ^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/),
// and what it is told to leave out on Kubernetes: what the kubelet mounts for pods.
func (m *mountPoint) reported() bool {
	switch m.fstype {
	case "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs",
		"fusectl", "hugetlbfs", "iso9660", "mqueue", "nsfs", "overlay", "proc", "procfs", "pstore",
		"rpc_pipefs", "securityfs", "selinuxfs", "squashfs", "sysfs", "tracefs":
		return false
	}
	for _, dir := range [...]string{"/dev", "/proc", "/sys"} {
		if rest, below := strings.CutPrefix(m.point, dir); below && (rest == "" || rest[0] == '/') {
			return false
		}
	}
	for _, dir := range [...]string{"/run/credentials/", "/var/lib/docker/", "/var/lib/containers/storage/", "/var/lib/kubelet/pods/", "/run/k3s/containerd/"} {
		if len(m.point) > len(dir) && strings.HasPrefix(m.point, dir) {
			return false
		}
	}
	return true
}

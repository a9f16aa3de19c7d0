package host

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tomeishi/tomeishi/agent/report"
)

const (
	identityEvery = time.Minute
	maxValue      = 256 // bytes of a value of os-release
)

// identity is what this host is: its labels are its value. A change of them is
// another series, and the old one is gone a minute later.
type identity struct {
	errand
	root  string
	rows  *rows
	found atomic.Pointer[[]string] // ids, in which names and values stand in turn
	keys  [][]byte
	last  *[]string // that keys were made of
}

func (c *Collector) newIdentity(root string) *identity {
	return &identity{
		errand: c.newErrand("identity", identityEvery), root: root,
		rows: c.table.kind(4, func([]byte) bool { return true }, identitySeries),
	}
}

func identitySeries(id string) []report.Series {
	name, rest, _ := strings.Cut(id, "\x00")
	return []report.Series{{Name: name, Labels: labels(strings.Split(rest, "\x00")...)}}
}

func (i *identity) tick(now time.Time) {
	late := i.poll(now)
	if i.due(now) {
		i.start(now, i.read)
	}
	found := i.found.Load()
	if found == nil || late {
		return
	}
	if found != i.last {
		i.last, i.keys = found, nil
		for _, id := range *found {
			i.keys = append(i.keys, []byte(id))
		}
	}
	for _, key := range i.keys {
		i.rows.set(key, 1)
	}
}

// read is the errand. A host without os-release has no node_os_info.
func (i *identity) read(context.Context) error {
	var found []string
	var u unix.Utsname
	err := unix.Uname(&u)
	if err == nil {
		found = append(found, strings.Join([]string{
			"node_uname_info", "domainname", text(u.Domainname[:]), "machine", text(u.Machine[:]), "nodename", text(u.Nodename[:]),
			"release", text(u.Release[:]), "sysname", text(u.Sysname[:]), "version", text(u.Version[:]),
		}, "\x00"))
	}
	raw, oserr := readShort(filepath.Join(i.root, "etc", "os-release"))
	if oserr != nil {
		raw, oserr = readShort(filepath.Join(i.root, "usr", "lib", "os-release"))
	}
	if oserr == nil {
		found = append(found, osInfo(raw))
	}
	i.found.Store(&found)
	if missing(oserr) {
		oserr = nil
	}
	return errors.Join(err, oserr)
}

func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return printable(string(b))
}

// osInfo reads KEY=value of os-release, where a value may be quoted as a shell
// does.
func osInfo(raw []byte) string {
	values := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.Trim(value, `"'`)
		value = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\$`, `$`, "\\`", "`").Replace(value)
		if value = printable(value); len(value) <= maxValue {
			values[strings.ToLower(key)] = value
		}
	}
	id := []string{"node_os_info"}
	for _, key := range [...]string{
		"build_id", "id", "id_like", "image_id", "image_version", "name", "pretty_name",
		"variant", "variant_id", "version", "version_codename", "version_id",
	} {
		id = append(id, key, values[key])
	}
	return strings.Join(id, "\x00")
}

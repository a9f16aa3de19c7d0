package host

import (
	"bytes"
	"maps"
	"slices"
)

const maxInterfaces = 64

// interfaces reads /proc/net/dev.
type interfaces struct{ all *rows }

func newInterfaces(t *table) *interfaces {
	want := func(dev []byte) bool { return deviceName(dev) && !containerEnd(dev) }
	return &interfaces{t.kind(maxInterfaces, want, perDevice(
		"node_network_receive_bytes_total", "node_network_receive_packets_total",
		"node_network_receive_errs_total", "node_network_receive_drop_total",
		"node_network_transmit_bytes_total", "node_network_transmit_packets_total",
		"node_network_transmit_errs_total", "node_network_transmit_drop_total"))}
}

// containerEnd tells the host's end of a container's interface: there are
// hundreds, each start of a container makes another name, and what they carry
// is counted on the bridge and on the wire too. node_exporter reports them.
func containerEnd(dev []byte) bool {
	return bytes.HasPrefix(dev, []byte("veth")) || bytes.HasPrefix(dev, []byte("cali")) ||
		bytes.HasPrefix(dev, []byte("lxc")) && !bytes.HasPrefix(dev, []byte("lxcbr"))
}

func (i *interfaces) parse(raw []byte) error { return lines(raw, i.line) }

func (i *interfaces) line(line []byte) error {
	// An alias has a colon in its name, and an old kernel no space behind it.
	colon := bytes.LastIndexByte(line, ':')
	if colon < 0 {
		if bytes.IndexByte(line, '|') >= 0 { // one of two lines of headings
			return nil
		}
		return notUnderstood(line)
	}
	var v [16]float64
	if n, ok := numbers(line[colon+1:], v[:]); !ok || n < len(v) {
		return notUnderstood(line)
	}
	name := bytes.TrimSpace(line[:colon])
	if !deviceName(name) {
		name = []byte(printable(string(name)))
	}
	if cells := i.all.get(name); cells != nil {
		copy(cells[:4], v[:4])
		copy(cells[4:], v[8:12])
	}
	return nil
}

// names are the interfaces that are reported, sorted.
func (i *interfaces) names() []string { return slices.Sorted(maps.Keys(i.all.byKey)) }

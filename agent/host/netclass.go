package host

import (
	"context"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

const netclassEvery = 5 * time.Second

// netclass reads /sys/class/net of the interfaces that are reported. It is off
// the tick because the speed waits for a lock that a driver may hold for long.
type netclass struct {
	errand
	dir        string
	interfaces *interfaces
	asked      int // interfaces that the last run was asked for
	found      atomic.Pointer[[]device]

	rows, speeds *rows
}

type device struct {
	name             []byte
	up, mtu, changes float64
	speed            float64 // negative if unknown
}

func (c *Collector) newNetclass(sys string, i *interfaces) *netclass {
	all := func([]byte) bool { return true }
	return &netclass{
		errand: c.newErrand("netclass", netclassEvery),
		dir:    filepath.Join(sys, "class", "net"), interfaces: i,
		rows: c.table.kind(maxInterfaces, all, perDevice(
			"node_network_up", "node_network_mtu_bytes", "node_network_carrier_changes_total")),
		speeds: c.table.kind(maxInterfaces, all, perDevice("node_network_speed_bytes")),
	}
}

func (n *netclass) tick(now time.Time) {
	late := n.poll(now)
	// A new interface does not wait for its turn.
	if n.due(now) || !n.busy && n.asked != len(n.interfaces.all.byKey) {
		names := n.interfaces.names()
		n.asked = len(names)
		n.start(now, func(context.Context) error { return n.read(names) })
	}
	found := n.found.Load()
	if late || found == nil {
		return
	}
	for _, d := range *found {
		if !n.interfaces.all.there(d.name) {
			continue // it went away since
		}
		if cells := n.rows.get(d.name); cells != nil {
			cells[0], cells[1], cells[2] = d.up, d.mtu, d.changes
		}
		if d.speed >= 0 {
			n.speeds.set(d.name, d.speed)
		}
	}
}

// read is the errand. An interface that went away meanwhile is no error.
func (n *netclass) read(names []string) error {
	var found []device
	var first error
	for _, name := range names {
		if !filepath.IsLocal(name) || strings.Contains(name, "/") {
			continue
		}
		dir := filepath.Join(n.dir, name)
		state, err := readShort(filepath.Join(dir, "operstate"))
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		d := device{name: []byte(name), up: oneIf(string(state) == "up")}
		d.mtu = readNumber(filepath.Join(dir, "mtu"))
		d.changes = readNumber(filepath.Join(dir, "carrier_changes"))
		d.speed = readNumber(filepath.Join(dir, "speed")) * 1e6 / 8
		found = append(found, d)
	}
	n.found.Store(&found)
	if len(found) > 0 {
		return nil
	}
	return first
}

package host

import "bytes"

const (
	maxDisks   = 96
	sectorSize = 512 // of /proc/diskstats, whatever the disk's own is
)

// disks reads /proc/diskstats.
type disks struct{ all, flushes *rows }

func newDisks(t *table) *disks {
	want := func(dev []byte) bool { return deviceName(dev) && !partOfDisk(dev) }
	return &disks{
		all: t.kind(maxDisks, want, perDevice(
			"node_disk_reads_completed_total", "node_disk_reads_merged_total",
			"node_disk_read_bytes_total", "node_disk_read_time_seconds_total",
			"node_disk_writes_completed_total", "node_disk_writes_merged_total",
			"node_disk_written_bytes_total", "node_disk_write_time_seconds_total",
			"node_disk_io_now", "node_disk_io_time_seconds_total", "node_disk_io_time_weighted_seconds_total")),
		flushes: t.kind(maxDisks, want, perDevice(
			"node_disk_flush_requests_total", "node_disk_flush_requests_time_seconds_total")),
	}
}

func (d *disks) parse(raw []byte) error { return lines(raw, d.line) }

// line reads 11 columns, then four of discards and, since Linux 5.5, two of
// flushes. Times are milliseconds.
func (d *disks) line(line []byte) error {
	_, rest := word(line) // major
	_, rest = word(rest)  // minor
	dev, rest := word(rest)
	var v [17]float64
	n, ok := numbers(rest, v[:])
	if !ok || n < 11 {
		return notUnderstood(line)
	}
	for _, i := range [...]int{2, 6} {
		v[i] *= sectorSize
	}
	for _, i := range [...]int{3, 7, 9, 10, 16} {
		v[i] /= 1000
	}
	copy(d.all.get(dev), v[:])
	if n == len(v) {
		copy(d.flushes.get(dev), v[15:])
	}
	return nil
}

// partOfDisk leaves out what node_exporter leaves out by default: partitions,
// loops and memory, ^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$.
func partOfDisk(dev []byte) bool {
	base := bytes.TrimRight(dev, "0123456789")
	if len(base) == len(dev) {
		return false
	}
	switch string(base) {
	case "ram", "zram", "loop", "fd":
		return true
	}
	if last := len(base) - 1; last > 0 && base[last] >= 'a' && base[last] <= 'z' {
		switch string(base[:last]) {
		case "hd", "sd", "vd", "xvd":
			return true
		}
	}
	middle, isNVMe := bytes.CutPrefix(base, []byte("nvme"))
	middle, isPart := bytes.CutSuffix(middle, []byte("p"))
	controller, namespace, _ := bytes.Cut(middle, []byte("n"))
	return isNVMe && isPart && allDigits(controller) && allDigits(namespace)
}

package serve

import (
	"bufio"
	"bytes"
	"log/slog"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// limitMemory tells the runtime how much memory this process should stay below,
// unless GOMEMLIMIT says so: nine tenths of what its cgroup may have, else six
// tenths of the machine's. It then collects more often, instead of being ended.
func limitMemory(log *slog.Logger) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	limit := memoryLimit(os.ReadFile)
	if limit > 0 {
		debug.SetMemoryLimit(limit)
	}
	log.Debug("memory limit", "bytes", limit)
}

// memoryLimit is what the process should stay below in bytes; 0 if nobody knows.
func memoryLimit(read func(string) ([]byte, error)) int64 {
	machine := machineMemory(read)
	if most := cgroupMemory(read); most > 0 && (machine == 0 || most < machine) {
		return most / 10 * 9
	}
	return machine / 10 * 6
}

func machineMemory(read func(string) ([]byte, error)) int64 {
	text, err := read("/proc/meminfo")
	if err != nil {
		return 0
	}
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		if f := strings.Fields(s.Text()); len(f) == 3 && f[0] == "MemTotal:" && f[2] == "kB" {
			n, err := strconv.ParseInt(f[1], 10, 64)
			if err != nil {
				return 0
			}
			return n << 10
		}
	}
	return 0
}

// cgroupMemory is the least that the process's cgroup, or one above it, may
// have; 0 without a limit. In a container its own cgroup is often the root.
func cgroupMemory(read func(string) ([]byte, error)) (least int64) {
	text, err := read("/proc/self/cgroup")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		root, file := "/sys/fs/cgroup", "memory.max"
		switch {
		case f[1] == "memory":
			root, file = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
		case f[0] != "0" || f[1] != "":
			continue
		}
		for at := path.Join("/", f[2]); ; at = path.Dir(at) {
			if raw, err := read(path.Join(root, at, file)); err == nil {
				// "max" is no number, and no limit.
				if n, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64); err == nil && n > 0 && (least == 0 || n < least) {
					least = n
				}
			}
			if at == "/" {
				break
			}
		}
	}
	return least
}

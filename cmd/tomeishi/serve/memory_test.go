package serve

import (
	"io/fs"
	"testing"
)

func TestMemoryLimit(t *testing.T) {
	const machine = "MemTotal:       1000000 kB\nMemFree: 1 kB\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"nothing is known", nil, 0},
		{"a machine", map[string]string{"/proc/meminfo": machine}, 1000000 << 10 / 10 * 6},
		{"a cgroup without a limit", map[string]string{
			"/proc/meminfo": machine, "/proc/self/cgroup": "0::/system.slice/tomeishi.service\n",
			"/sys/fs/cgroup/system.slice/tomeishi.service/memory.max": "max\n",
		}, 1000000 << 10 / 10 * 6},
		{"a unit with a limit", map[string]string{
			"/proc/meminfo": machine, "/proc/self/cgroup": "0::/system.slice/tomeishi.service\n",
			"/sys/fs/cgroup/system.slice/tomeishi.service/memory.max": "536870912\n",
		}, 536870912 / 10 * 9},
		{"a slice with a lower one", map[string]string{
			"/proc/meminfo": machine, "/proc/self/cgroup": "0::/system.slice/tomeishi.service\n",
			"/sys/fs/cgroup/system.slice/memory.max":                  "268435456\n",
			"/sys/fs/cgroup/system.slice/tomeishi.service/memory.max": "536870912\n",
		}, 268435456 / 10 * 9},
		{"a container", map[string]string{
			"/proc/meminfo": machine, "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "536870912",
		}, 536870912 / 10 * 9},
		{"the first version of cgroups", map[string]string{
			"/proc/meminfo": machine, "/proc/self/cgroup": "9:name=systemd:/\n4:memory:/a/b\n0::/\n",
			"/sys/fs/cgroup/memory/a/memory.limit_in_bytes":   "9223372036854771712",
			"/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "104857600",
		}, 104857600 / 10 * 9},
		{"its largest number is no limit", map[string]string{
			"/proc/meminfo": machine, "/proc/self/cgroup": "4:memory:/\n",
			"/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
		}, 1000000 << 10 / 10 * 6},
	} {
		got := memoryLimit(func(name string) ([]byte, error) {
			if text, ok := c.files[name]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		})
		if got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

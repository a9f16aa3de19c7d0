package host

import (
	"fmt"
	"testing"
)

// TestProcessorGoesBack: a dip is not a reset, a fall is.
func TestProcessorGoesBack(t *testing.T) {
	dir, _ := plant(t, full)
	m := start(t, planted(dir))
	for _, c := range []struct{ idle, iowait, steal, guest, wantIdle, wantIowait, wantSteal, wantGuest int }{
		{100000, 5000, 900, 700, 100000, 5000, 900, 700},
		{99998, 4999, 899, 699, 100000, 5000, 900, 700}, // dips
		{99999, 4998, 899, 699, 100000, 5000, 900, 700}, // still
		{100050, 5001, 901, 701, 100050, 5001, 901, 701},
		{100050 - 299, 5001, 901, 701, 100050, 5001, 901, 701},
		{100050 - 300, 5001 - 301, 901 - 600, 0, 100050 - 300, 5001 - 301, 901 - 600, 0}, // resets
		{99751, 4701, 302, 1, 99751, 4701, 302, 1},
	} {
		put(t, dir+"/proc/stat", fmt.Sprintf("cpu0 1 2 3 %d %d 6 7 %d %d 10\ncpu1 1 2 3 4 5 6 7 8 9 10\nctxt %d\n", c.idle, c.iowait, c.steal, c.guest, c.idle))
		got := m.tick()
		at := func(mode string) string { return `node_cpu_seconds_total{cpu="0",mode="` + mode + `"}` }
		expect(t, got, at("idle"), float64(c.wantIdle)/100)
		expect(t, got, at("iowait"), float64(c.wantIowait)/100)
		expect(t, got, at("steal"), float64(c.wantSteal)/100)
		expect(t, got, at("user"), 0.01)
		expect(t, got, `node_cpu_guest_seconds_total{cpu="0",mode="user"}`, float64(c.wantGuest)/100)
		expect(t, got, `node_cpu_seconds_total{cpu="1",mode="idle"}`, 0.04) // each has its own
		expect(t, got, "node_context_switches_total", float64(c.idle))      // others are passed on
	}
	// A processor that is away comes back with what it had.
	put(t, dir+"/proc/stat", "cpu1 1 2 3 4 5 6 7 8 9 10\nctxt 1\n")
	expectAbsent(t, m.tick(), `node_cpu_seconds_total{cpu="0",mode="idle"}`)
	put(t, dir+"/proc/stat", "cpu0 1 2 3 500 5\nctxt 1\n")
	got := m.tick()
	expect(t, got, `node_cpu_seconds_total{cpu="0",mode="idle"}`, 5)
	expectAbsent(t, got, `node_cpu_seconds_total{cpu="0",mode="irq"}`) // an old kernel's line
}

// TestLastIsBounded shows stat ever other processors.
func TestLastIsBounded(t *testing.T) {
	s := newStat(newTable())
	for i := range 3 * maxCPUs {
		s.lastOf(fmt.Append(nil, i))[0] = 1
		if len(s.last) > maxCPUs {
			t.Fatalf("%d processors are remembered", len(s.last))
		}
	}
}

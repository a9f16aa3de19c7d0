package host

import (
	"testing"

	"golang.org/x/sys/unix"
)

// adjusted is the answer about a clock that is kept.
func adjusted(t *unix.Timex) (int, error) {
	if t.Modes != 0 {
		return 0, unix.EPERM // it would set something
	}
	t.Offset, t.Maxerror, t.Esterror, t.Status = -1_500_000, 250_000, 12, unix.STA_NANO
	return unix.TIME_OK, nil
}

func TestClock(t *testing.T) {
	dir, _ := plant(t, full)
	m := start(t, planted(dir))
	for _, c := range []struct {
		name     string
		adjtimex func(*unix.Timex) (int, error)
		want     map[string]float64 // by what follows node_timex_
		errors   float64
	}{
		{"nanoseconds", adjusted, map[string]float64{"offset_seconds": -0.0015, "sync_status": 1, "maxerror_seconds": 0.25, "estimated_error_seconds": 0.000012}, 0},
		{"not kept", func(t *unix.Timex) (int, error) {
			t.Offset, t.Maxerror, t.Esterror = 1_500_000, 16_000_000, 16_000_000
			return unix.TIME_ERROR, nil
		}, map[string]float64{"offset_seconds": 1.5, "sync_status": 0, "maxerror_seconds": 16, "estimated_error_seconds": 16}, 0},
		{"forbidden", func(*unix.Timex) (int, error) { return -1, unix.EPERM }, nil, 0},
		{"broken", func(*unix.Timex) (int, error) { return -1, unix.EFAULT }, nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			m.clock.adjtimex = c.adjtimex
			got := m.tick()
			for name, want := range c.want {
				expect(t, got, "node_timex_"+name, want)
			}
			if n := with(got, "node_timex_"); n != len(c.want) {
				t.Errorf("%d values, want %d", n, len(c.want))
			}
			expect(t, got, `tomeishi_host_errors_total{source="timex"}`, c.errors)
			expect(t, got, "node_time_seconds", float64(m.now.UnixNano())/1e9)
		})
	}
}

func TestOSInfo(t *testing.T) {
	const empty = "node_os_info"
	for raw, want := range map[string]string{
		"":            empty,
		"ID=debian\n": empty + `{id="debian"}`,
		"# a comment\nNAME='It''s'\r\n ID=\"a \\\"b\\\" \\$c\" \n=\n": empty + `{id="a \"b\" $c",name="It''s"}`,
		"NAME=\"\x00\xff\x1b[0m\"":                                    empty + `{name="\\x00\\xff\\x1b[0m"}`,
	} {
		s := identitySeries(osInfo([]byte(raw)))[0]
		if got := string(appendSeries(nil, &s, nil)); got != want {
			t.Errorf("%q: %s, want %s", raw, got, want)
		}
	}
}

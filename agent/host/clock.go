package host

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// clock tells the time and what the kernel knows of its error. It asks only:
// no mode is set.
type clock struct {
	health
	now, timex *rows
	asked      unix.Timex
	adjtimex   func(*unix.Timex) (int, error)
}

func (c *Collector) newClock() *clock {
	return &clock{
		health: health{name: "timex", log: c.log},
		now:    c.table.group("node_time_seconds"),
		timex: c.table.group("node_timex_offset_seconds", "node_timex_sync_status",
			"node_timex_maxerror_seconds", "node_timex_estimated_error_seconds"),
		adjtimex: unix.Adjtimex,
	}
}

func (c *clock) tick(now time.Time) {
	c.now.set(nil, float64(now.UnixNano())/1e9)
	c.asked = unix.Timex{}
	state, err := c.adjtimex(&c.asked)
	if errors.Is(err, os.ErrPermission) || errors.Is(err, unix.ENOSYS) {
		c.report(nil) // not for us here
		return
	}
	c.report(err)
	if err != nil {
		return
	}
	offset := float64(c.asked.Offset) / 1e6
	if c.asked.Status&unix.STA_NANO != 0 {
		offset = float64(c.asked.Offset) / 1e9
	}
	copy(c.timex.get(nil), []float64{
		offset, oneIf(state != unix.TIME_ERROR),
		float64(c.asked.Maxerror) / 1e6, float64(c.asked.Esterror) / 1e6,
	})
}

package host

import (
	"fmt"
	"slices"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

// self is what the collector says of itself.
type self struct {
	seconds *rows
	errors  *rows
	leftOut *rows
	sources []counted
	limits  []limit
}

// counted is a source and its place among the names: some share one.
type counted struct {
	*health
	at int
}

// limit is what there can be too many of.
type limit struct {
	name   string
	rows   *rows
	health health
}

func (c *Collector) newSelf(sources []*health, limits []limit) *self {
	s := &self{limits: limits}
	var names []string
	for _, h := range sources {
		at := slices.Index(names, h.name)
		if at < 0 {
			at = len(names)
			names = append(names, h.name)
		}
		s.sources = append(s.sources, counted{h, at})
	}
	s.seconds = c.table.group("tomeishi_host_collect_seconds")
	s.errors = c.table.fixed(perSource("tomeishi_host_errors_total", names))
	names = nil
	for i, l := range limits {
		limits[i].health = health{name: l.name, log: c.log}
		names = append(names, l.name)
	}
	s.leftOut = c.table.fixed(perSource("tomeishi_host_left_out", names))
	return s
}

func perSource(name string, sources []string) []report.Series {
	out := make([]report.Series, len(sources))
	for i, source := range sources {
		out[i] = report.Series{Name: name, Labels: labels("source", source)}
	}
	return out
}

func (s *self) tick(took time.Duration) {
	s.seconds.set(nil, took.Seconds())
	if cells := s.errors.get(nil); cells != nil {
		clear(cells)
		for _, source := range s.sources {
			cells[source.at] += source.errors
		}
	}
	cells := s.leftOut.get(nil)
	for i := range s.limits {
		l := &s.limits[i]
		var err error
		if n := l.rows.leftOut; n > 0 {
			err = fmt.Errorf("there are %d more than the %d that are reported", n, l.rows.max)
		}
		l.health.report(err)
		if cells != nil {
			cells[i] = float64(l.rows.leftOut)
		}
	}
}

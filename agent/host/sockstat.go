package host

import (
	"bytes"
	"os"
)

// sockstat reads /proc/net/sockstat and sockstat6: "TCP: inuse 1 orphan 0".
type sockstat struct {
	metrics  *rows
	key      []byte
	pageSize float64
}

func newSockstat(t *table) *sockstat {
	return &sockstat{pageSize: float64(os.Getpagesize()), metrics: t.metrics(map[string]string{
		"sockets_used":  "node_sockstat_sockets_used",
		"TCP_inuse":     "node_sockstat_TCP_inuse",
		"TCP_orphan":    "node_sockstat_TCP_orphan",
		"TCP_tw":        "node_sockstat_TCP_tw",
		"TCP_alloc":     "node_sockstat_TCP_alloc",
		"TCP_mem":       "node_sockstat_TCP_mem",
		"TCP_mem_bytes": "node_sockstat_TCP_mem_bytes",
		"UDP_inuse":     "node_sockstat_UDP_inuse",
		"UDP_mem":       "node_sockstat_UDP_mem",
		"UDP_mem_bytes": "node_sockstat_UDP_mem_bytes",
		"TCP6_inuse":    "node_sockstat_TCP6_inuse",
		"UDP6_inuse":    "node_sockstat_UDP6_inuse",
	})}
}

func (s *sockstat) parse(raw []byte) error { return lines(raw, s.line) }

func (s *sockstat) line(line []byte) error {
	protocol, rest := word(line)
	protocol, ok := bytes.CutSuffix(protocol, []byte(":"))
	if !ok {
		return notUnderstood(line)
	}
	for {
		var name, text []byte
		if name, rest = word(rest); len(name) == 0 {
			return nil
		}
		text, rest = word(rest)
		v, ok := number(text)
		if !ok {
			return notUnderstood(line)
		}
		s.key = append(append(append(s.key[:0], protocol...), '_'), name...)
		s.metrics.set(s.key, v)
		if string(name) == "mem" { // counted in pages
			s.key = append(s.key, "_bytes"...)
			s.metrics.set(s.key, v*s.pageSize)
		}
	}
}

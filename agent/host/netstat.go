package host

import (
	"bytes"
	"strings"
)

const (
	maxPairs   = 64   // pairs of lines in one file
	maxColumns = 1024 // of one pair
)

// netstatMetrics are those that node_exporter reports by default, and with
// them failed attempts and resets.
func netstatMetrics(t *table) *rows {
	names := map[string]string{}
	for field := range strings.FieldsSeq(`
		Icmp_InErrors Icmp_InMsgs Icmp_OutMsgs Ip_Forwarding IpExt_InOctets IpExt_OutOctets
		Tcp_ActiveOpens Tcp_PassiveOpens Tcp_AttemptFails Tcp_EstabResets Tcp_CurrEstab
		Tcp_InSegs Tcp_OutSegs Tcp_RetransSegs Tcp_InErrs Tcp_OutRsts
		TcpExt_ListenDrops TcpExt_ListenOverflows TcpExt_SyncookiesFailed TcpExt_SyncookiesRecv TcpExt_SyncookiesSent
		TcpExt_TCPOFOQueue TcpExt_TCPRcvQDrop TcpExt_TCPSynRetrans TcpExt_TCPTimeouts
		Udp_InDatagrams Udp_InErrors Udp_NoPorts Udp_OutDatagrams Udp_RcvbufErrors Udp_SndbufErrors
		Icmp6_InErrors Icmp6_InMsgs Icmp6_OutMsgs Ip6_InOctets Ip6_OutOctets
		Udp6_InDatagrams Udp6_InErrors Udp6_NoPorts Udp6_OutDatagrams Udp6_RcvbufErrors Udp6_SndbufErrors`) {
		names[field] = "node_netstat_" + field
		if protocol, rest, _ := strings.Cut(field, "_"); strings.HasSuffix(protocol, "6") {
			names[protocol+rest] = names[field] // as /proc/net/snmp6 spells it
			delete(names, field)
		}
	}
	return t.metrics(names)
}

// netstat reads /proc/net/netstat or /proc/net/snmp: pairs of lines, names
// above numbers. The names of the last time are kept, since they hardly change
// and finding columns costs more than reading them.
type netstat struct {
	metrics *rows
	pairs   []pair
	at      int // pair that is read
	names   []byte
}

type pair struct {
	names   []byte // the line
	columns []column
}

type column struct {
	index int
	key   []byte
}

func (s *netstat) parse(raw []byte) error {
	s.at, s.names = 0, nil
	return lines(raw, s.line)
}

func (s *netstat) line(line []byte) error {
	if s.names == nil {
		s.names = line
		return nil
	}
	names := s.names
	s.names = nil
	if s.at == maxPairs {
		return nil
	}
	if s.at == len(s.pairs) {
		s.pairs = append(s.pairs, pair{})
	}
	p := &s.pairs[s.at]
	s.at++
	if !bytes.Equal(p.names, names) {
		p.learn(names, s.metrics)
	}
	return p.read(line, s.metrics)
}

func (p *pair) learn(names []byte, metrics *rows) {
	p.names, p.columns = bytes.Clone(names), nil
	protocol, rest := word(names)
	protocol = bytes.TrimSuffix(protocol, []byte(":"))
	for i := range maxColumns {
		var name []byte
		if name, rest = word(rest); len(name) == 0 {
			return
		}
		if key := bytes.Join([][]byte{protocol, name}, []byte("_")); metrics.want(key) {
			p.columns = append(p.columns, column{i, key})
		}
	}
}

func (p *pair) read(line []byte, metrics *rows) error {
	protocol, rest := word(line)
	if !bytes.HasPrefix(p.names, protocol) || !bytes.HasSuffix(protocol, []byte(":")) {
		return notUnderstood(line)
	}
	next := 0
	for _, c := range p.columns {
		var text []byte
		for ; next <= c.index; next++ {
			text, rest = word(rest)
		}
		v, ok := number(text)
		if !ok {
			return notUnderstood(line)
		}
		metrics.set(c.key, v)
	}
	return nil
}

package web

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"regexp"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/promrule"
	"github.com/tomeishi/tomeishi/collector/silence"
)

var instances = regexp.MustCompile(`instance="([^"]*)"`)

// ask answers queries with waves that differ by host and query; db9 is not heard
// for the last ten minutes.
func (s *scene) ask(_ context.Context, query string, from, to time.Time, step time.Duration, each func(map[string]string, []int64, []float64)) error {
	if strings.Contains(query, "node_nf_conntrack") {
		return nil
	}
	var hosts []string
	if m := instances.FindStringSubmatch(query); m != nil {
		hosts = []string{m[1]}
	} else {
		for _, a := range s.AgentsView() {
			hosts = append(hosts, a.ID)
		}
	}
	kinds := []string{""}
	by := ""
	for _, of := range []struct{ in, by, kinds string }{
		{"sum by (part)", "part", "interrupts iowait system user"}, {"by (mountpoint)", "mountpoint", "/ /var/lib/postgresql /boot /tmp"}, {"by (device)", "device", "nvme0n1 nvme1n1"},
	} {
		if strings.Contains(query, of.in) {
			by, kinds = of.by, strings.Fields(of.kinds)
		}
	}
	for _, host := range hosts {
		for k, kind := range kinds {
			at, values := wave(query+host, from, to, step, k)
			if host == "db9" {
				for len(at) > 0 && at[len(at)-1] > to.Add(-10*time.Minute).UnixMilli() {
					at, values = at[:len(at)-1], values[:len(values)-1]
				}
			}
			each(map[string]string{"instance": host, by: kind}, at, values)
		}
	}
	return nil
}

func wave(seed string, from, to time.Time, step time.Duration, k int) (at []int64, values []float64) {
	h := fnv.New32a()
	h.Write([]byte(seed))
	phase := float64(h.Sum32()%628) / 100
	scale := 1.0
	switch {
	case strings.Contains(seed, "_bytes{") && strings.Contains(seed, "Total_bytes") && !strings.Contains(seed, "-"):
		return flat(from, to, step, 64<<30)
	case strings.Contains(seed, "Total_bytes{"):
		scale = 40 << 30
	case strings.Contains(seed, "network") || strings.Contains(seed, "bytes_total"):
		scale = 8e6
	case strings.Contains(seed, "filefd"):
		scale = 9000
	case strings.Contains(seed, "load"):
		scale = 6
	case strings.Contains(seed, "count("):
		return flat(from, to, step, 8)
	case strings.Contains(seed, "Retrans"):
		scale = .01
	}
	for t := from; !t.After(to); t = t.Add(step) {
		x := float64(t.Unix()) / 900
		v := (math.Sin(x+phase) + math.Sin(3.1*x+2*phase)/3 + 1.5) / 4 / float64(k+1)
		v += math.Mod(float64(t.Unix()*7919), 101) / 1500
		at, values = append(at, t.UnixMilli()), append(values, v*scale)
	}
	return at, values
}

func flat(from, to time.Time, step time.Duration, v float64) (at []int64, values []float64) {
	for t := from; !t.After(to); t = t.Add(step) {
		at, values = append(at, t.UnixMilli()), append(values, v)
	}
	return at, values
}

// busy fills the scene with what a bad night has.
func (s *scene) busy() *scene {
	s.t.Helper()
	hosts := []string{"db1", "db2", "payer1", "payer2", "web1", "web2", "cache1"}
	for i := range 15 {
		s.at(20*time.Minute - time.Duration(i)*time.Second)
		s.speak(0, append(hosts, "db9")...)
		s.speak(3*time.Second, "wallet1")
	}
	for _, seq := range []uint64{1, 5} {
		s.block("web1", seq, &report.Event{ID: fmt.Sprint(seq), Source: "shop", Type: "x", Data: []byte("{}")})
	}
	for i := range 20 {
		s.at(10*time.Minute - time.Duration(30*i)*time.Second)
		s.speak(0, hosts...)
		s.speak(3*time.Second, "wallet1")
		s.json(entry.KindTick, struct{}{})
	}
	s.at(9 * time.Minute)
	s.fire("HostDiskFull", "/var/lib/postgresql of db1 is full", []string{"instance", "db1", "mountpoint", "/var/lib/postgresql"})
	s.fire("HostMemoryLow", "", []string{"instance", "payer2"}, []string{"instance", "web2", "note", markup})
	s.at(6 * time.Minute)
	for i := range 6 {
		s.pay(fmt.Sprint("w-10", i), fmt.Sprint("tx", i, ":0"))
	}
	s.pay("w-101", "tx9:0")
	s.json(entry.KindNotifyState, entry.NotifyState{Told: []entry.Notification{
		{At: s.now.UnixNano(), Receiver: "ops", Integration: "slack", Firing: 2, Alerts: []string{"a1", "a2"}, Incidents: []string{"i1"}},
		{At: s.now.Add(time.Minute).UnixNano(), Receiver: "on-call", Integration: "pagerduty", Firing: 1, Resolved: 1, Alerts: []string{"a3"}, Incidents: []string{"i1"}},
	}})
	s.silences = []silence.Silence{
		{
			ID: "s1", State: "active", By: "bob", Comment: "payer2 gets more memory tonight " + markup, Starts: s.now, Ends: time.Now().Add(90 * time.Minute),
			Matchers: []silence.Matcher{{Name: "alertname", Op: "=", Value: "HostMemoryLow"}, {Name: "instance", Op: "=~", Value: "payer.*"}},
		},
		{
			ID: "s2", State: "pending", By: "alice", Comment: "kernel update", Starts: time.Now().Add(5 * time.Hour), Ends: time.Now().Add(7 * time.Hour),
			Matchers: []silence.Matcher{{Name: "instance", Op: "=~", Value: "web.*"}},
		},
		{
			ID: "s3", State: "expired", By: "alice", Comment: "moved a disk", Starts: s.now.Add(-time.Hour), Ends: s.now,
			Matchers: []silence.Matcher{{Name: "note", Op: "=", Value: "two words"}},
		},
	}
	s.groups = []promrule.Group{{
		File: "/etc/tomeishi/rules.yml", Name: "hosts", Interval: 15 * time.Second, LastEvaluation: time.Now().Add(-4 * time.Second), EvaluationTime: 3 * time.Millisecond,
		Rules: []promrule.Rule{
			{Type: promrule.Alerting, Name: "HostDiskFull", State: "firing", Health: "ok", EvaluationTime: time.Millisecond},
			{Type: promrule.Alerting, Name: "HostMemoryLow", State: "pending", Health: "ok", Alerts: []promrule.Alert{{
				State: "pending", ActiveAt: time.Now().Add(-time.Minute), Value: 0.0456789123, Labels: map[string]string{"alertname": "HostMemoryLow", "severity": "warning", "instance": "cache1"},
			}}},
			{Type: promrule.Alerting, Name: "HostRebooted", State: "inactive", Health: "err", LastError: "expanding series: " + markup},
			{Type: promrule.Recording, Name: "host:filesystem_avail_bytes:1m", Health: "ok", Query: "node_filesystem_avail_bytes"},
		},
	}}
	return s
}

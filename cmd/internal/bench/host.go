package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const hostSeconds = 60

// host measures what an agent and an idle collector cost that have nothing but
// this host's signals.
func (b *bench) host(ctx context.Context) (rows []row, err error) {
	c, err := b.collector(ctx, paidTwice)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.stop(syscall.SIGTERM)) }()
	agent, err := b.agent(ctx, c.url)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, agent.stop(syscall.SIGTERM)) }()
	bare, err := b.bareAgent(ctx, c.url)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, bare.stop(syscall.SIGTERM)) }()

	programs := []*server{agent, bare, c}
	costs := make([]cost, len(programs))
	for i, p := range programs {
		if costs[i], err = p.begin(); err != nil {
			return nil, err
		}
	}
	if err := pause(ctx, hostSeconds*time.Second); err != nil {
		return nil, err
	}
	for i, p := range programs {
		if err := costs[i].end(p); err != nil {
			return nil, err
		}
	}
	a, ref, idle := costs[0], costs[1], costs[2]
	return []row{
		{"agent, signals each second, over a minute: CPU", "≤ 4 ms a second", a.perSecond(), ref.perSecond() + ", reads the same files and posts them", fmt.Sprintf("%.2f", a.cpu.Seconds()/ref.cpu.Seconds())},
		{"the same agent: RSS", "≤ 16 MB", a.memory(), ref.memory(), fmt.Sprintf("%.2f", float64(a.rss)/float64(ref.rss))},
		{"collector, one agent: RSS (CPU " + idle.perSecond() + ")", "≤ 140 MB", idle.memory(), "", ""},
	}, nil
}

// cost is the processor time that a program used, and its memory at the end.
type cost struct {
	cpu   time.Duration
	rss   int64
	since time.Time
	took  time.Duration
}

func (s *server) begin() (cost, error) {
	cpu, err := s.cpu()
	return cost{cpu: cpu, since: time.Now()}, err
}

func (c *cost) end(s *server) error {
	cpu, err := s.cpu()
	if err != nil {
		return err
	}
	c.cpu, c.took = cpu-c.cpu, time.Since(c.since)
	c.rss, err = s.rss()
	return err
}

func (c cost) perSecond() string {
	return fmt.Sprintf("%.1f ms a second", float64(c.cpu.Milliseconds())/c.took.Seconds())
}

func (c cost) cores() float64 { return c.cpu.Seconds() / c.took.Seconds() }

func (c cost) memory() string { return fmt.Sprintf("%.1f MB", float64(c.rss)/1e6) }

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// agent starts an agent that reports to the collector.
func (b *bench) agent(ctx context.Context, collector string) (*server, error) {
	b.n++
	dir := filepath.Join(b.dir, fmt.Sprint("agent", b.n))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "agent.yml")
	text := fmt.Sprintf("listen: %s\ndata: data\nid: bench\ncollectors: [%s]\n", addr, collector)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	s := &server{url: "http://" + addr}
	err = s.start(ctx, b.bin("tomeishi-agent"), "--config", config)
	return s, err
}

// bareAgent starts the reference: it reads what the agent reads and posts it as
// it is, once a second.
func (b *bench) bareAgent(ctx context.Context, collector string) (*server, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	s := &server{url: "http://" + addr}
	err = s.start(ctx, b.bin("bench"), "-bare-agent", addr, "-to", collector)
	return s, err
}

// hostFiles are what an agent reads of Linux each second.
var hostFiles = strings.Fields(`/proc/stat /proc/meminfo /proc/vmstat /proc/loadavg /proc/diskstats /proc/net/dev
	/proc/net/netstat /proc/net/snmp /proc/net/sockstat /proc/sys/fs/file-nr
	/proc/pressure/cpu /proc/pressure/io /proc/pressure/memory`)

func serveBareAgent(ctx context.Context, addr, to string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /-/ready", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }() // nobody waits: it ends with the process
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return server.Close()
		case err := <-failed:
			return err
		case <-tick.C:
		}
		var all bytes.Buffer
		for _, path := range hostFiles {
			if text, err := os.ReadFile(path); err == nil { // kernels differ
				all.Write(text)
			}
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, to+"/-/healthy", &all)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		if err := resp.Body.Close(); err != nil {
			return err
		}
	}
}

// first measures how long `tomeishi up` takes to the first sample by its API.
func (b *bench) first(ctx context.Context) (rows []row, err error) {
	b.n++
	at, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	agentAt, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	s := &server{url: "http://" + at}
	start := time.Now()
	err = s.start(ctx, b.bin("tomeishi"), "up", "--data", filepath.Join(b.dir, fmt.Sprint("up", b.n)), "--listen", at, "--agent-listen", agentAt)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop(syscall.SIGTERM)) }()
	for {
		_, body, err := s.do(ctx, http.MethodGet, "/api/v1/query?query=node_load1", "", "")
		if err != nil {
			return nil, err
		}
		if strings.Contains(body, `"instance"`) {
			return []row{{"`tomeishi up` → first sample by its API", "≤ 5 s", fmt.Sprintf("%.2f s", time.Since(start).Seconds()), "", ""}}, nil
		}
		if time.Since(start) > time.Minute {
			return nil, errors.New("no sample after a minute")
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

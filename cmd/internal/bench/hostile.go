package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

const (
	hostileTrials = 200
	bombSeries    = 2000
	bombSeconds   = 300
	idlePeers     = 10_000
	stalledBodies = 200
)

// most watches the memory of a server until stop is called, which returns the
// most it held.
func (s *server) most() (stop func() int64) {
	end := make(chan struct{})
	var most int64
	var looking sync.WaitGroup
	looking.Go(func() {
		for {
			if now, err := s.rss(); err == nil {
				most = max(most, now)
			}
			select {
			case <-end:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	return func() int64 {
		close(end)
		looking.Wait()
		return most
	}
}

// bombs measures the gate's path while queries ask for more than there is, eight
// at once.
func (b *bench) bombs(ctx context.Context) (rows []row, err error) {
	c, err := b.collector(ctx, paidTwice)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.stop(syscall.SIGTERM)) }()
	if err := fillSeries(ctx, c); err != nil {
		return nil, err
	}
	quiet, err := gateTrials(ctx, c, hostileTrials, "quiet")
	if err != nil {
		return nil, err
	}
	asking, end := context.WithCancel(ctx)
	defer end()
	var askers sync.WaitGroup
	for n := range 8 {
		askers.Go(func() {
			for asking.Err() == nil {
				query := []string{`count_values("v",{__name__=~".+"})`, `quantile_over_time(0.5,{__name__=~".+"}[30m:1s])`}[n%2]
				path := "/api/v1/query_range?" + url.Values{
					"query": {query}, "step": {"1"},
					"start": {strconv.FormatInt(time.Now().Add(-3*time.Hour).Unix(), 10)}, "end": {strconv.FormatInt(time.Now().Unix(), 10)},
				}.Encode()
				if _, _, err := c.do(asking, http.MethodGet, path, "", ""); err != nil {
					return // the end
				}
			}
		})
	}
	most := c.most()
	during, err := gateTrials(ctx, c, hostileTrials, "bombs")
	held := most()
	end()
	askers.Wait()
	if err != nil {
		return nil, err
	}
	rows = latencyRow("event posted → gate closed and its watcher told, beside eight queries for gigabytes (reference: without them)", "p99 ≤ 50 ms", during, quiet)
	return append(rows, row{"the collector's memory meanwhile", "≤ 1 GB", fmt.Sprintf("%.0f MB", float64(held)/1e6), "", ""}), nil
}

// fillSeries has one agent send series of which every value is another one.
func fillSeries(ctx context.Context, c *server) error {
	var series []report.Series
	for i := range bombSeries {
		series = append(series, report.Series{Name: "bench_value", Labels: []report.Attr{{Name: "n", Value: strconv.Itoa(i)}}})
	}
	agent := newSimulated(c, 1, series)
	values := make([]float64, bombSeries)
	start := time.Now().Add(-bombSeconds * time.Second)
	for n := range bombSeconds {
		for i := range values {
			values[i] = float64(n*bombSeries + i)
		}
		if err := agent.sendAt(ctx, values, start.Add(time.Duration(n)*time.Second)); err != nil {
			return err
		}
	}
	return nil
}

// peers measures a collector with many connections that say nothing, and bodies
// that stall.
func (b *bench) peers(ctx context.Context) (rows []row, err error) {
	c, err := b.collector(ctx, paidTwice)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.stop(syscall.SIGTERM)) }()
	quiet, err := gateTrials(ctx, c, hostileTrials, "quiet")
	if err != nil {
		return nil, err
	}
	before, err := c.rss()
	if err != nil {
		return nil, err
	}
	most := c.most()
	conns, err := crowdIn(ctx, strings.TrimPrefix(c.url, "http://"))
	defer func() {
		for _, conn := range conns {
			_ = conn.Close() // the collector may have
		}
	}()
	if err != nil {
		return nil, err
	}
	during, err := gateTrials(ctx, c, hostileTrials, "peers")
	held := most() - before
	if err != nil {
		return nil, err
	}
	figure := fmt.Sprintf("the same beside %d idle connections and %d bodies of 8 MB that stall (reference: without them)", idlePeers, stalledBodies)
	rows = latencyRow(figure, "answered", during, quiet)
	return append(rows, row{"the collector's memory meanwhile", "≤ 300 MB more", fmt.Sprintf("%.0f MB more", float64(held)/1e6), "", ""}), nil
}

// crowdIn opens the connections, each of which has asked once and then is quiet,
// or has sent all of a body but its end.
func crowdIn(ctx context.Context, addr string) (conns []net.Conn, err error) {
	var d net.Dialer
	part := strings.Repeat("x", 8<<20-1)
	for n := range idlePeers + stalledBodies {
		conn, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			return conns, err
		}
		conns = append(conns, conn)
		if n < idlePeers {
			if _, err := io.WriteString(conn, "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
				return conns, err
			}
			if _, err := conn.Read(make([]byte, 1<<10)); err != nil {
				return conns, err
			}
			continue
		}
		// One that is refused is answered before all of it is written.
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = fmt.Fprintf(conn, "POST /v1/blocks HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", report.BlocksType, 8<<20, part)
	}
	return conns, nil
}

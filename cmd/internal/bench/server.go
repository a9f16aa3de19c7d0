package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is one of the programs, running.
type server struct {
	url, socket string
	cmd         *exec.Cmd
	client      *http.Client
}

func freeAddr(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// collector starts a collector with these rules on a new data folder.
func (b *bench) collector(ctx context.Context, rules string) (*server, error) {
	return b.collectorWith(ctx, rules, "")
}

// collectorWith has more lines in its configuration.
func (b *bench) collectorWith(ctx context.Context, rules, more string) (*server, error) {
	b.n++
	dir := filepath.Join(b.dir, strconv.Itoa(b.n))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	config := fmt.Sprintf("listen: %s\ndata: data\nrules: [rules.yml]\n%s", addr, more)
	if err := errors.Join(
		os.WriteFile(filepath.Join(dir, "rules.yml"), []byte(rules), 0o600),
		os.WriteFile(filepath.Join(dir, "collector.yml"), []byte(config), 0o600),
	); err != nil {
		return nil, err
	}
	s := &server{url: "http://" + addr, socket: filepath.Join(dir, "data", "collector.sock")}
	err = s.start(ctx, b.bin("tomeishi"), "collector", "--config", filepath.Join(dir, "collector.yml"))
	return s, err
}

// reference starts the reference loop.
func (b *bench) reference(ctx context.Context) (*server, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	s := &server{url: "http://" + addr}
	err = s.start(ctx, b.bin("bench"), "-reference", addr, "-dir", b.dir)
	return s, err
}

func (s *server) start(ctx context.Context, path string, args ...string) error {
	s.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute}
	s.cmd = exec.CommandContext(ctx, path, args...)
	if log, err := os.OpenFile(path+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
		s.cmd.Stderr = log
		defer log.Close()
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	_, err := s.ready(ctx)
	return err
}

// ready waits for the server and tells how long that took.
func (s *server) ready(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	for time.Since(start) < time.Minute {
		if code, _, err := s.do(ctx, http.MethodGet, "/-/ready", "", ""); err == nil && code == http.StatusOK {
			return time.Since(start), nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
	return 0, fmt.Errorf("%s is not ready after a minute: see %s.log", s.cmd.Path, s.cmd.Path)
}

func (s *server) stop(sig syscall.Signal) error {
	if err := s.cmd.Process.Signal(sig); err != nil {
		return err
	}
	var exit *exec.ExitError
	if err := s.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil
}

func (s *server) do(ctx context.Context, method, path, contentType, body string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// decide posts over the Unix socket, where decisions are taken.
func (s *server) decide(ctx context.Context, path, body string) error {
	local := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", s.socket)
	}}}
	defer local.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost"+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := local.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %d %s", path, resp.StatusCode, text)
	}
	return err
}

// cpu is the processor time that the server has used.
func (s *server) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// rss is the memory that the server holds, in bytes.
func (s *server) rss() (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	return n * int64(os.Getpagesize()), err
}

//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/tomeishi/tomeishi/agent/config"
	"github.com/tomeishi/tomeishi/agent/durable"
	"github.com/tomeishi/tomeishi/agent/gates"
	"github.com/tomeishi/tomeishi/agent/socketfile"
)

const adoptHelp = `tomeishi-agent adopt takes the collector's present ledger for the right one.

  tomeishi-agent adopt --config FILE --reason TEXT

The agent closed its gates because the collector's cell changed or its epochs
went back. Before you adopt, make sure that payments which the old ledger had
stopped may go on. The running agent is told through its Unix socket; if none
runs, its kept copy is changed.

Flags:
`

func adopt(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	f := newFlags("tomeishi-agent adopt", adoptHelp, stderr)
	f.StringVar(&f.reason, "reason", "", "why this ledger is the right one, kept as `TEXT`")
	if code := f.parse(args, stdout, stderr); code >= 0 {
		return code
	}
	if strings.TrimSpace(f.reason) == "" {
		fmt.Fprintln(stderr, "tomeishi-agent adopt: --reason TEXT is missing: say why this ledger is the right one")
		return usage
	}
	c, err := f.read()
	if err == nil {
		err = adoptAt(ctx, c, f.reason, stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "tomeishi-agent adopt:", err)
		return failed
	}
	return done
}

func adoptAt(ctx context.Context, c config.Config, reason string, stdout io.Writer) error {
	err := adoptRunning(ctx, c.Socket, reason)
	if err == nil {
		fmt.Fprintln(stdout, "adopted by the running agent")
		return nil
	}
	if !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	if _, err := os.Stat(c.Data); err != nil {
		return err // the lock would make the directory
	}
	lock, err := durable.Lock(c.Data)
	if err != nil {
		return fmt.Errorf("no agent answers on %s, and its data cannot be changed: %w", c.Socket, err)
	}
	err = errors.Join(gates.AdoptOffline(c.Data, fmt.Sprintf("uid %d", os.Getuid()), reason), lock.Close())
	if err == nil {
		fmt.Fprintln(stdout, "adopted in the kept copy: the next start takes the collector's first answer as it is")
	}
	return err
}

func adoptRunning(ctx context.Context, socket, reason string) error {
	body, err := json.Marshal(map[string]string{"reason": reason})
	if err != nil {
		return err
	}
	client := &http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return socketfile.Dial(ctx, socket)
		}},
	}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/v1/adopt", bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	var said struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(raw, &said) == nil && said.Error != "" {
		return errors.New(said.Error)
	}
	return fmt.Errorf("the agent answered %s", resp.Status)
}

package operate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/agent/durable"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
)

const backupLong = `Take a backup of a running collector: its state and its tape, as of one moment. The
file appears under its name only when it is whole and on disk.

  tomeishi backup
  tomeishi backup --to /var/backups/tomeishi.backup
  tomeishi backup --to - | age -r age1… > tomeishi.backup.age

A backup holds what the events held, customers and addresses too: keep it as you
keep those. Give it back with tomeishi restore.`

func newBackup(t *term.Terminal) *cobra.Command {
	s := &client.Server{}
	cmd := &cobra.Command{Use: "backup", Short: "Take a backup of a running collector", Long: backupLong, Args: term.Takes()}
	s.Flags(cmd.Flags())
	to := cmd.Flags().String("to", "", "write to `FILE`, - for standard output (default tomeishi-CELL-TIME.backup)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := s.Dial()
		if err != nil {
			return err
		}
		if *to == "-" {
			if term.IsTerminal(t.Out) {
				return term.Usagef("a backup is not for a terminal: send it into a file or a pipe")
			}
			_, err := download(cmd.Context(), t, c, t.Out)
			return err
		}
		return takeBackup(cmd.Context(), t, c, *to)
	}
	return cmd
}

func takeBackup(ctx context.Context, t *term.Terminal, c *client.Client, path string) error {
	if path == "" {
		var st api.Status
		if _, err := c.Get(ctx, "/v1/status", &st); err != nil {
			return err
		}
		path = "tomeishi-" + filepath.Base(term.Short(st.Cell)) + "-" + time.Now().UTC().Format("20060102T150405Z") + ".backup"
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s is there already: name another file with --to", path)
	}
	n, err := saveBackup(ctx, t, c, path)
	if err != nil {
		return err
	}
	t.Printf("%s: %s\n", path, term.Bytes(n))
	return nil
}

// saveBackup writes path+".part" and renames it when it is whole and durable.
func saveBackup(ctx context.Context, t *term.Terminal, c *client.Client, path string) (n int64, err error) {
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, err
	}
	n, err = download(ctx, t, c, f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return n, errors.Join(err, os.Remove(part))
	}
	if err := os.Rename(part, path); err != nil {
		return n, err
	}
	return n, durable.SyncDir(filepath.Dir(path))
}

// download copies a backup to w. It may take as long as it moves.
func download(ctx context.Context, t *term.Terminal, c *client.Client, w io.Writer) (int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := time.AfterFunc(c.Timeout, func() { cancel(errStalled) })
	defer idle.Stop()
	n, err := copyBackup(ctx, t, c, w, func() { idle.Reset(c.Timeout) })
	switch {
	case err != nil && errors.Is(context.Cause(ctx), errStalled):
		return n, fmt.Errorf("%s sent nothing for %s: there is no backup", c.At, c.Timeout)
	case err != nil:
		return n, err
	case n == 0:
		return 0, fmt.Errorf("%s sent an empty backup: there is no backup", c.At)
	}
	return n, nil
}

var errStalled = errors.New("stalled")

func copyBackup(ctx context.Context, t *term.Terminal, c *client.Client, w io.Writer, moved func()) (int64, error) {
	body, err := c.Open(ctx, "/v1/backup")
	if err != nil {
		return 0, err
	}
	defer body.Close()
	p := &progress{w: w, moved: moved}
	if term.IsTerminal(t.Err) {
		p.note = t.Notef
	}
	n, err := io.Copy(p, body)
	p.end()
	switch {
	case p.err != nil:
		return n, p.err
	case err != nil:
		return n, fmt.Errorf("the backup broke off after %s: %w", term.Bytes(n), c.Because(err))
	}
	return n, nil
}

// progress counts what passes, and shows it on a terminal.
type progress struct {
	w     io.Writer
	moved func()
	note  func(string, ...any) // nil where nobody looks
	n     int64
	shown time.Time
	err   error // of w
}

func (p *progress) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	p.err = err
	p.n += int64(n)
	p.moved()
	if p.note != nil && time.Since(p.shown) > 200*time.Millisecond {
		p.shown = time.Now()
		p.note("\r%s ", term.Bytes(p.n))
	}
	return n, err
}

func (p *progress) end() {
	if p.note != nil {
		p.note("\r%20s\r", "")
	}
}

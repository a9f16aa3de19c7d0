package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector"
)

const restoreLong = `Make a new data folder from a backup, on a host where no collector uses it. The
backup is verified before it is put in place. What happened between the backup and
now is not known, so every gate holds until a person opens it.

  tomeishi restore --data ./data tomeishi-1a2b3c4d-20261121T073000Z.backup
  tomeishi up --data ./data
  tomeishi gate open demo/withdrawals --reason 'books compared with the chain'`

func newRestore(t *term.Terminal) *cobra.Command {
	cmd := &cobra.Command{Use: "restore --data DIR FILE", Short: "Make a data folder from a backup", Long: restoreLong, Args: term.Takes("FILE")}
	data := cmd.Flags().String("data", "", "the folder to make; it must not be there yet, or be empty")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *data == "" {
			return term.Usagef("--data is missing: the folder to make")
		}
		return restoreFile(cmd.Context(), t, *data, args[0])
	}
	return cmd
}

func restoreFile(ctx context.Context, t *term.Terminal, data, file string) error {
	in := t.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	if err := checkEmpty(data); err != nil {
		return err
	}
	summary, err := collector.Restore(ctx, data, readUntil{ctx, in}, "uid:"+strconv.Itoa(os.Getuid()), newLog(t.Err, "warn"))
	if err != nil {
		return err
	}
	t.Printf("restored into %s: %s\n", data, term.Plain(summary))
	t.Printf("Every gate stays closed until a person opens it: what happened since the backup is not known.\n")
	t.Printf("The cell has a new id: an agent that knew the old ledger answers closed until tomeishi-agent adopt is run on its host.\n\n")
	t.Printf("  tomeishi up --data %s\n  tomeishi hold list\n", data)
	return nil
}

func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("%s is not empty: a restore makes a new data folder; move the old one away first", dir)
	}
	return nil
}

// readUntil is a reader that fails when its ctx has ended. Its life is that
// of one restore.
type readUntil struct {
	ctx context.Context
	r   io.Reader
}

func (r readUntil) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, fmt.Errorf("interrupted: %w", err)
	}
	return r.r.Read(b)
}

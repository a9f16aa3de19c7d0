package operate

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
)

const gateWatchLong = `Print each change of the gates, or of one gate, as it happens, until interrupted.
With --json every change is one line of JSON.

  tomeishi gate watch
  tomeishi gate watch demo/withdrawals`

func newGateWatch(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{Use: "watch [NAME]", Short: "Print each change as it happens", Long: gateWatchLong, Args: term.Takes("[NAME]")}
	cmd.ValidArgsFunction = names(s, false, gateNames)
	asJSON := term.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name := ""
		if len(args) == 1 {
			if _, err := gatePath(args[0]); err != nil {
				return err
			}
			name = args[0]
		}
		c, err := s.Dial()
		if err != nil {
			return err
		}
		w := &watcher{Terminal: t, client: c, name: name, json: *asJSON, seen: map[string]uint64{}}
		return w.run(cmd.Context())
	}
	return cmd
}

// Waits of a watch.
const (
	watchWait  = 30 * time.Second
	retryFirst = 200 * time.Millisecond
	retryMost  = 5 * time.Second
)

// watcher prints what changes. It asks for all gates, and shows those it was
// asked to.
type watcher struct {
	*term.Terminal
	client *client.Client
	name   string
	json   bool
	cell   string
	seen   map[string]uint64 // epochs of the gates as they were printed
}

func (w *watcher) run(ctx context.Context) error {
	var epoch uint64
	first, lost, pause := true, false, retryFirst
	for {
		list, err := w.ask(ctx, epoch, first || lost)
		switch {
		case ctx.Err() != nil:
			return nil
		case first && err != nil || definite(err):
			return err
		case err != nil:
			if !lost {
				w.Notef("the collector is lost, its gates are not known: %s\n", term.Line(err.Error()))
			}
			lost = true
			if !rest(ctx, pause) {
				return nil
			}
			pause = min(2*pause, retryMost)
			continue
		case lost:
			w.Notef("the collector is back\n")
		}
		if err := w.show(list, first); err != nil {
			return err
		}
		first, lost, pause, epoch = false, false, retryFirst, list.Epoch
	}
}

func (w *watcher) ask(ctx context.Context, epoch uint64, now bool) (list gateList, err error) {
	if now {
		_, err = w.client.Get(ctx, "/v1/gates", &list)
		return list, err
	}
	_, err = w.client.Watch(ctx, "/v1/gates?watch="+term.Number(epoch), watchWait, &list)
	return list, err
}

// definite tells whether asking again is of no use.
func definite(err error) bool {
	var refused *client.RefusedError
	return errors.As(err, &refused) && client.Refuses(refused.Code) && refused.Code != http.StatusTooManyRequests
}

// rest waits, and is false if ctx ended first.
func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (w *watcher) show(list gateList, first bool) error {
	if w.cell != "" && w.cell != list.Cell {
		w.Notef("another cell answers now: %s, before it was %s\n", term.Line(list.Cell), term.Line(w.cell))
		clear(w.seen)
	}
	w.cell = list.Cell
	gone := maps.Clone(w.seen)
	for _, g := range list.Gates {
		epoch, known := w.seen[g.Name]
		delete(gone, g.Name)
		if w.name != "" && g.Name != w.name || known && epoch == g.Epoch {
			continue
		}
		w.seen[g.Name] = g.Epoch
		if err := w.print(g); err != nil {
			return err
		}
	}
	if _, known := w.seen[w.name]; first && w.name != "" && !known {
		return errors.New("no gate " + w.name + " is defined")
	}
	for _, name := range slices.Sorted(maps.Keys(gone)) {
		delete(w.seen, name)
		w.Notef("gate %s is no longer defined: workers that ask it are refused\n", term.Line(name))
	}
	return nil
}

func (w *watcher) print(g api.Gate) error {
	if w.json {
		text, err := json.Marshal(g)
		if err != nil {
			return err
		}
		w.Printf("%s\n", text)
		return nil
	}
	row := gateRow(g)
	why := ""
	if row[5] != "-" {
		why = "  " + row[5]
	}
	w.Printf("%s  %s %s  epoch %d%s\n", time.Now().Format("15:04:05.000"), term.Plain(g.Name), w.State(row[1]), g.Epoch, why)
	return nil
}

package operate

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

const gateCheckLong = `Ask a gate the way a worker does before it pays. Exit code 0 means open; 1 means
closed, held for what is named, or not known: do not pay.

  tomeishi gate check demo/withdrawals --request w-1001 && ./pay w-1001`

func newGateCheck(t *term.Terminal, s *client.Server) *cobra.Command {
	cmd := &cobra.Command{Use: "check NAME", Short: "Ask whether a payment may pass", Long: gateCheckLong, Args: term.Takes("NAME")}
	cmd.ValidArgsFunction = names(s, false, gateNames)
	p := paymentFlags(cmd.Flags(), "ask for")
	p[report.AskAsset] = cmd.Flags().String("asset", "", "what is to be paid, such as BTC")
	p[report.AskAmount] = cmd.Flags().String("amount", "", "how much, as an exact decimal: an agent counts what it refused")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := gatePath(args[0])
		if err != nil {
			return err
		}
		c, err := s.Dial()
		if err != nil {
			return err
		}
		return checkGate(cmd.Context(), t, c, args[0], path+"/check"+p.query())
	}
	return cmd
}

func checkGate(ctx context.Context, t *term.Terminal, c *client.Client, name, path string) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	a, err := c.Do(ctx, http.MethodGet, path, nil)
	switch {
	case err != nil:
		t.Printf("%s: not known, do not pay: %s\n", name, term.Plain(err.Error()))
	case a.Code == http.StatusNoContent:
		t.Printf("%s: %s\n", name, t.State("open"))
		return nil
	case a.Code == http.StatusLocked:
		t.Printf("%s: %s, do not pay: %s\n", name, t.State("closed"), term.Plain(c.Refusal(a).Error()))
	default:
		t.Printf("%s: not known, do not pay: %s\n", name, term.Plain(c.Refusal(a).Error()))
	}
	return term.ExitCode(term.Failed)
}

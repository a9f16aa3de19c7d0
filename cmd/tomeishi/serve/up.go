package serve

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/agent"
	agentconfig "github.com/tomeishi/tomeishi/agent/config"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/config"
)

const upLong = `Run a collector and an agent in one process, on this host, until SIGINT or SIGTERM.
Without --config it has the demo rules, in which two payments for one withdrawal
close the gate demo/withdrawals. Flags win over the file's listen and data. SIGHUP
loads the rules again.

  tomeishi up
  tomeishi up --data /tmp/try --listen 127.0.0.1:9411 --agent-listen 127.0.0.1:9410

Whoever can reach the loopback address of this host may decide here, as "local".`

// upFlags are the flags of up.
type upFlags struct{ data, config, listen, agentListen string }

func newUp(t *term.Terminal) *cobra.Command {
	cmd := &cobra.Command{Use: "up", Short: "Run everything on this host", Long: upLong, Args: term.Takes()}
	var f upFlags
	fs := cmd.Flags()
	fs.StringVar(&f.data, "data", "", "the folder for all data (default: the file's data, else ./data)")
	fs.StringVar(&f.config, "config", "", "a collector's configuration `FILE` (default: the demo rules)")
	fs.StringVar(&f.listen, "listen", "", "the collector's `ADDRESS` (default: the file's listen, else 127.0.0.1:9311)")
	fs.StringVar(&f.agentListen, "agent-listen", "127.0.0.1:9310", "the agent's `ADDRESS`, on loopback")
	level := levelFlag(fs, "warn")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkLevel(*level); err != nil {
			return err
		}
		cfg, err := f.collector()
		if err != nil {
			return err
		}
		n := &node{Terminal: t, log: newLog(t.Err, *level), config: cfg}
		if f.config != "" {
			n.reread = f.collector
		}
		return n.up(cmd.Context(), f.agentListen)
	}
	return cmd
}

// collector is the collector's configuration, with the flags over it.
func (f *upFlags) collector() (config.Config, error) {
	def := config.Default()
	if f.config != "" {
		return config.Read(f.config, config.Flags{Data: f.data, Listen: f.listen, DefaultData: def.Data})
	}
	def.Data, def.Listen = cmp.Or(f.data, def.Data), cmp.Or(f.listen, def.Listen)
	return def, nil
}

// up runs the collector, and an agent that reports to it. It does so through
// the collector's socket, which needs neither a token nor a certificate.
func (n *node) up(ctx context.Context, agentListen string) error {
	if err := n.open(ctx, true); err != nil {
		return err
	}
	cfg := agentconfig.Default()
	cfg.Listen = agentListen
	cfg.Data = filepath.Join(n.config.Data, "agent")
	cfg.Collectors = []string{"http://localhost"}
	a, err := agent.New(agent.Options{
		Config: cfg, Log: n.log, Version: term.Version, ReadyNeedsLease: true,
		Client: &http.Client{Transport: client.SocketTransport(n.collector.Socket())},
	})
	if err != nil {
		return errors.Join(remedy(err, agentListen, "--agent-listen", cfg.Data), n.close())
	}
	ask, err := (&client.Server{At: a.Socket(), Timeout: client.DefaultTimeout}).Dial()
	if err != nil {
		return errors.Join(err, a.Close(), n.close())
	}
	n.ready = append(n.ready, func(ctx context.Context) error {
		_, err := ask.Get(ctx, "/-/ready", nil)
		return err
	})
	n.say = func(ctx context.Context) error { return n.sayUp(ctx, "http://"+a.Addr(), a.Socket()) }
	return n.serve(ctx, a.Run)
}

package serve

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/config"
)

const collectorLong = `Run a collector, by its configuration. It logs to standard error and runs until
SIGINT or SIGTERM; SIGHUP reads rules, receivers, auth and certificates again.

  tomeishi collector --config /etc/tomeishi/collector.yml

The smallest configuration:

  data: /var/lib/tomeishi
  rules: [/etc/tomeishi/rules.d/*.yml]

Without auth: in it, decisions are taken only on the Unix socket in the data folder.`

func newCollector(t *term.Terminal) *cobra.Command {
	cmd := &cobra.Command{Use: "collector --config FILE", Short: "Run a collector", Long: collectorLong, Args: term.Takes()}
	file := cmd.Flags().String("config", "", "the collector's configuration `FILE`")
	level := levelFlag(cmd.Flags(), "info")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *file == "" {
			return term.Usagef("--config is missing: without a configuration, tomeishi up runs everything with demo rules")
		}
		if err := checkLevel(*level); err != nil {
			return err
		}
		cfg, err := config.Read(*file, config.Flags{})
		if err != nil {
			return err
		}
		n := &node{Terminal: t, log: newLog(t.Err, *level), config: cfg}
		n.reread = func() (config.Config, error) { return config.Read(*file, config.Flags{}) }
		if err := n.open(cmd.Context(), false); err != nil {
			return err
		}
		n.say = n.sayCollector
		return n.serve(cmd.Context())
	}
	return cmd
}

func (n *node) sayCollector(ctx context.Context) error {
	n.Printf("The collector is ready.\n\n")
	return n.sayWhere(ctx)
}

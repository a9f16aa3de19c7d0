package serve

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/client"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
	"github.com/tomeishi/tomeishi/collector/promrule"
)

// ruleGroups is the answer to GET /api/v1/rules.
type ruleGroups struct {
	Data struct {
		Groups []struct {
			Rules []api.Rule `json:"rules"`
		} `json:"groups"`
	} `json:"data"`
}

// alerting are the names of the rules that alert, each once.
func (g ruleGroups) alerting() (names []string) {
	seen := map[string]bool{}
	for _, group := range g.Data.Groups {
		for _, r := range group.Rules {
			builtIn := r.Query == "built in"
			if r.Type == promrule.Alerting && !builtIn && !seen[r.Name] {
				seen[r.Name] = true
				names = append(names, term.Line(r.Name))
			}
		}
	}
	return names
}

// sayWhere says where the collector listens, where its data is, and which
// rules and gates are live, as it answers itself.
func (n *node) sayWhere(ctx context.Context) error {
	s := client.Server{At: n.collector.Socket(), Timeout: client.DefaultTimeout}
	c, err := s.Dial()
	if err != nil {
		return err
	}
	var rules ruleGroups
	if _, err := c.Get(ctx, "/api/v1/rules?type=alert&exclude_alerts=true", &rules); err != nil {
		return err
	}
	var gates struct {
		Gates []api.Gate `json:"gates"`
	}
	if _, err := c.Get(ctx, "/v1/gates", &gates); err != nil {
		return err
	}
	n.Printf("  screen     %s/ in a browser\n", n.collector.URL())
	n.Printf("  collector  %s and %s\n", n.collector.URL(), absolute(n.collector.Socket()))
	n.Printf("  data       %s\n", absolute(n.config.Data))
	for i, row := range rows(rules.alerting()) {
		n.Printf("  %-9s  %s\n", head("rules", i), row)
	}
	for i, g := range gates.Gates {
		n.Printf("  %-9s  %s is %s, mode %s\n", head("gates", i), term.Line(g.Name), n.State(term.Line(g.State)), term.Line(g.Mode))
	}
	return nil
}

// rows joins names by commas into rows that fit a terminal, a few at the most.
func rows(names []string) (out []string) {
	const width, most = 66, 6
	for i, name := range names {
		last := len(out) - 1
		switch {
		case last >= 0 && len(out[last])+len(name)+2 <= width:
			out[last] += ", " + name
		case len(out) < most:
			out = append(out, name)
		default:
			return append(out, fmt.Sprintf("and %d more", len(names)-i))
		}
	}
	return out
}

// head names the first row of several.
func head(name string, row int) string {
	if row > 0 {
		return ""
	}
	return name
}

const walk = `
Try it in another terminal. Two payments for one withdrawal close the gate:

  curl -sS AGENT/v1/events -H 'Content-Type: application/cloudevents-batch+json' -d '[
    {"specversion": "1.0", "id": "p1", "source": "demo", "type": "payout.sent", "data": {"request": "w-1", "payment": "tx1:0"}},
    {"specversion": "1.0", "id": "p2", "source": "demo", "type": "payout.sent", "data": {"request": "w-1", "payment": "tx2:0"}}]'

See on which evidence, and open it again, saying what it was:

  TOMEISHI gate show demo/withdrawalsSERVER
  TOMEISHI gate open demo/withdrawals --reason 'both payments were mine' --verdict testSERVER

A third payment closes it again:

  curl -sS AGENT/v1/events -H 'Content-Type: application/cloudevents+json' -d '
    {"specversion": "1.0", "id": "p3", "source": "demo", "type": "payout.sent", "data": {"request": "w-1", "payment": "tx3:0"}}'
` + ask

const look = `
Look around in another terminal:

  TOMEISHI statusSERVER
  TOMEISHI gate watchSERVER
` + ask

// ask shows that this host is measured.
const ask = `
Ask how this host is doing:

  TOMEISHI query --range 5m '100 * (1 - avg(rate(node_cpu_seconds_total{mode="idle"}[15s])))'SERVER

`

// sayUp is what up prints when all is ready.
func (n *node) sayUp(ctx context.Context, agentURL, agentSocket string) error {
	n.Printf("Tomeishi is up. Stop it with Ctrl-C.\n\n")
	if err := n.sayWhere(ctx); err != nil {
		return err
	}
	n.Printf("  agent      %s and %s\n", agentURL, absolute(agentSocket))
	text := look
	if len(n.config.Rules) == 0 {
		text = walk
	}
	n.Printf("%s", strings.NewReplacer("AGENT", agentURL, "TOMEISHI", self(), "SERVER", n.serverFlag()).Replace(text))
	return nil
}

// serverFlag is what a command needs to find this collector from this folder.
func (n *node) serverFlag() string {
	if os.Getenv("TOMEISHI_SERVER") == "" && absolute(client.LocalSocket) == absolute(n.collector.Socket()) {
		return ""
	}
	return " --server " + absolute(n.collector.Socket())
}

// self is how the reader can call this program.
func self() string {
	if _, err := exec.LookPath("tomeishi"); err == nil {
		return "tomeishi"
	}
	path, err := os.Executable()
	switch {
	case err != nil:
		return "tomeishi"
	case strings.Contains(path, "go-build"):
		return "go run ./cmd/tomeishi"
	}
	return path
}

package agent

import (
	"maps"
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/agent/gates"
	"github.com/tomeishi/tomeishi/agent/selfreport"
)

// Addr is the TCP address that the agent listens on.
func (a *Agent) Addr() string { return a.tcp.Addr().String() }

// Socket is the path of the agent's Unix socket.
func (a *Agent) Socket() string { return a.o.Config.Socket }

// notReady says why the agent is not ready; empty when it is. The spool was
// open and the kept gates were read when New returned.
func (a *Agent) notReady() string {
	if why := a.spool.Trouble(); why != "" {
		return why
	}
	if why := a.gates.Refused(); why != "" {
		return why
	}
	if a.o.ReadyNeedsLease && !a.gates.Heard() {
		return "no collector has answered for the gates yet"
	}
	return ""
}

// info shows version, id and labels as a metric that is always 1.
func (a *Agent) info() {
	labels := maps.Clone(a.o.Config.Labels)
	if labels == nil {
		labels = make(map[string]string)
	}
	labels["version"], labels["id"] = a.o.Version, a.o.Config.ID
	escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`) // as Prometheus reads it
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, name+`="`+escaped.Replace(labels[name])+`"`)
	}
	a.o.Metrics.GetOrCreateGauge("tomeishi_agent_info{"+strings.Join(pairs, ",")+"}", func() float64 { return 1 })
}

// refused is what reports that a gate refused a payment; nil without
// collectors.
func (a *Agent) refused() func(g gates.Gate, ask map[string]string) {
	if a.selfreport == nil {
		return nil
	}
	return func(g gates.Gate, ask map[string]string) {
		a.selfreport.Refused(selfreport.Refusal{
			Gate: g.Name, Closing: g.Closing.ID, Epoch: g.Closing.Epoch, Unsure: g.Closing.Unsure, Lacks: g.Lacks, Ask: ask,
		})
	}
}

// asked is what reports what asks name; nil without collectors.
func (a *Agent) asked() func(gate string, ask map[string]string) {
	if a.selfreport == nil {
		return nil
	}
	return a.selfreport.Asked
}

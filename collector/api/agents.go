package api

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// Agent is one agent as the collector knows it.
type Agent struct {
	Agent string `json:"agent"`
	State string `json:"state"` // ok, or the worst of Ills
	// Ills are what is wrong with it: cloned (two senders use its name), silent
	// (it is not heard), in doubt (it answers for gates by itself), blind (blocks of it never came), clock off.
	Ills []string `json:"ills,omitempty"`

	Heard  string  `json:"heard"`                // the last of it that was applied
	Offset float64 `json:"clock_offset_seconds"` // its clock minus the collector's
	Judged string  `json:"clock_judged,omitempty"`
	Series int     `json:"series"`
	Frames uint64  `json:"frames"`
	Newest string  `json:"newest,omitempty"` // time of the newest frame, by its own clock
	Spool  string  `json:"spool,omitempty"`  // that it uses now
	Seq    uint64  `json:"seq"`              // of the spool's last block
	Clones uint64  `json:"clones,omitempty"`
	Blind  []Blind `json:"blind,omitempty"`
}

// Blind is a range of blocks that never came.
type Blind struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
	At   string `json:"at"`
}

// agentList is the answer to GET /v1/agents.
type agentList struct {
	Agents []Agent `json:"agents"`
}

func (a *API) getAgents(w http.ResponseWriter, _ *http.Request) {
	report.WriteJSON(w, http.StatusOK, agentList{a.agents(a.Machine.AlertsView())})
}

// agentAlerts are the built-in alerts about one agent, the worst first, and the
// words for them.
func agentAlerts() [][2]string {
	return [][2]string{{"AgentCloned", "cloned"}, {"AgentSilent", "silent"}, {"AgentInDoubt", "in doubt"}, {"AgentBlind", "blind"}, {"ClockOff", "clock off"}}
}

// agents are all agents, by id; alerts are those that stand.
func (a *API) agents(alerts []machine.Alert) []Agent {
	about := map[[2]string]bool{} // name of an alert and agent
	for _, m := range alerts {
		if builtIn(m) {
			about[[2]string{m.Rule, m.Label("agent")}] = true
		}
	}
	spools := map[string]machine.Spool{} // the last that each agent used
	for _, s := range a.Machine.SpoolsView() {
		if last, ok := spools[s.Agent]; !ok || s.Entered >= last.Entered {
			spools[s.Agent] = s
		}
	}
	rows := []Agent{}
	for _, m := range a.Machine.AgentsView() {
		row := Agent{
			Agent: m.ID, State: "ok", Heard: rfc3339(m.Heard), Judged: rfc3339(m.Judged), Offset: time.Duration(m.Offset).Seconds(),
			Series: m.Series, Frames: m.Frames, Newest: rfc3339(m.Last * int64(time.Millisecond)),
		}
		for _, alert := range agentAlerts() {
			if about[[2]string{alert[0], m.ID}] {
				row.Ills = append(row.Ills, alert[1])
				row.State = row.Ills[0]
			}
		}
		row.spool(spools[m.ID])
		rows = append(rows, row)
	}
	return rows
}

// spool adds what is known of the agent's events.
func (row *Agent) spool(s machine.Spool) {
	row.Spool, row.Seq, row.Clones = s.ID, s.Seq, s.Clones
	for _, b := range s.Blind {
		row.Blind = append(row.Blind, Blind{b.From, b.To, rfc3339(b.At)})
	}
}

// postAgent forgets an agent that will not come back, and answers with those
// that are left.
func (a *API) postAgent(w http.ResponseWriter, r *http.Request) {
	// The name may be anything, a slash alone among it.
	name, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.EscapedPath(), "/v1/agents/"), "/forget")
	id, err := url.PathUnescape(name)
	if !ok || err != nil || id == "" {
		problem(w, http.StatusNotFound, "", "an agent is forgotten by POST /v1/agents/AGENT/forget, its name escaped")
		return
	}
	var order struct {
		Reason string `json:"reason"`
	}
	if err = readJSON(w, r, &order); err == nil {
		err = a.decide(r, entry.Decision{Do: entry.DoForget, Agent: id, Reason: order.Reason})
	}
	if err != nil {
		fail(w, err)
		return
	}
	a.getAgents(w, r)
}

package api

import (
	"encoding/hex"
	"net/http"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
)

// Status says in one object whether all is well.
type Status struct {
	Version   string     `json:"version"`
	Cell      string     `json:"cell"`
	Ready     string     `json:"ready"` // "yes" or why not
	Index     uint64     `json:"index"`
	Time      string     `json:"time"`            // ledger time
	Chain     string     `json:"chain"`           // hash of the last entry
	State     string     `json:"state,omitempty"` // hash of the state, on demand
	Data      string     `json:"data"`
	DiskFull  bool       `json:"disk_full"`
	RuleSet   string     `json:"rule_set"`
	RulesLive string     `json:"rules_live"`
	RuleError string     `json:"rule_error,omitempty"` // of the last reload
	Rules     int        `json:"rules"`
	Gates     int        `json:"gates"`
	Closed    []string   `json:"closed"`
	Shadow    []string   `json:"shadow"` // gates that are not enforced
	Alerts    int        `json:"alerts"`
	Incidents int        `json:"open_incidents"`
	Events    uint64     `json:"events"`
	Duplicate uint64     `json:"duplicates"`
	Agents    []AgentRow `json:"agents"`
}

// AgentRow is one agent's spool as the collector knows it.
type AgentRow struct {
	Agent  string  `json:"agent"`
	Spool  string  `json:"spool"`
	Seq    uint64  `json:"seq"`
	Heard  string  `json:"heard"`
	Clones uint64  `json:"clones,omitempty"`
	Blind  []Blind `json:"blind,omitempty"`
}

// Blind is a range of blocks that never came.
type Blind struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
	At   string `json:"at"`
}

func (a *API) getStatus(w http.ResponseWriter, r *http.Request) {
	hash := r.URL.Query().Has("hash")
	if hash {
		// It reads all of the state: one at a time is enough.
		if !a.hashing.TryLock() {
			w.Header().Set("Retry-After", "1")
			problem(w, http.StatusTooManyRequests, "hash", "the hash of the state is being computed for somebody else: ask again")
			return
		}
		defer a.hashing.Unlock()
	}
	s := a.Status()
	m := a.Machine
	index, chain, at := m.At()
	s.Cell, s.Index, s.Chain, s.Time = m.CellID(), index, hex.EncodeToString(chain[:]), at.UTC().Format(time.RFC3339Nano)
	s.Ready = "yes"
	if err := a.Ready(); err != nil {
		s.Ready = err.Error()
	}
	views, set, since := m.RulesView()
	s.Rules, s.RuleSet, s.RulesLive = len(views), set, since.UTC().Format(time.RFC3339)
	s.Closed, s.Shadow, s.Agents = []string{}, []string{}, []AgentRow{}
	gates, _ := m.GatesView()
	s.Gates = len(gates)
	for _, g := range gates {
		if g.Closed {
			s.Closed = append(s.Closed, g.Name)
		}
		if g.Mode.String() == "shadow" {
			s.Shadow = append(s.Shadow, g.Name)
		}
	}
	totals := m.Totals()
	s.Alerts, s.Events, s.Duplicate = totals.Alerts, totals.Accepted, totals.Duplicates
	for _, in := range m.IncidentsView() {
		if in.Ended == 0 {
			s.Incidents++
		}
	}
	s.Agents = a.agents()
	if hash {
		sum := m.Hash()
		s.State = hex.EncodeToString(sum[:])
	}
	report.WriteJSON(w, http.StatusOK, s)
}

func (a *API) agents() []AgentRow {
	rows := []AgentRow{}
	for _, sp := range a.Machine.SpoolsView() {
		row := AgentRow{Agent: sp.Agent, Spool: sp.ID, Seq: sp.Seq, Heard: rfc3339(sp.Entered), Clones: sp.Clones}
		for _, b := range sp.Blind {
			row.Blind = append(row.Blind, Blind{b.From, b.To, rfc3339(b.At)})
		}
		rows = append(rows, row)
	}
	return rows
}

func (a *API) getBackup(w http.ResponseWriter, r *http.Request) {
	if _, err := a.Actor(r, Operate); err != nil {
		fail(w, err)
		return
	}
	if err := a.Backup(r.Context(), w); err != nil {
		fail(w, err)
	}
}

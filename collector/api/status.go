package api

import (
	"cmp"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/access"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/promrule"
)

// Status says in one object whether all is well.
type Status struct {
	Version   string   `json:"version"`
	Cell      string   `json:"cell"`
	Ready     string   `json:"ready"` // "yes" or why not
	Index     uint64   `json:"index"`
	Time      string   `json:"time"`            // ledger time
	Chain     string   `json:"chain"`           // hash of the last entry
	State     string   `json:"state,omitempty"` // hash of the state, on demand
	Data      string   `json:"data"`
	DiskFull  bool     `json:"disk_full"`
	DiskFree  uint64   `json:"disk_free_bytes"` // of the data folder's disk
	DiskSize  uint64   `json:"disk_size_bytes"` // 0 if it is not known
	RuleSet   string   `json:"rule_set"`
	RulesLive string   `json:"rules_live"`
	RuleError string   `json:"rule_error,omitempty"` // of the last reload
	Gates     int      `json:"gates"`
	Closed    []string `json:"closed"`
	Shadow    []string `json:"shadow"` // gates that are not enforced
	Alerts    int      `json:"alerts"` // that stand
	Incidents int      `json:"open_incidents"`
	Automatic string   `json:"automatic"` // "on", or "off until" when
	Events    uint64   `json:"events"`
	Duplicate uint64   `json:"duplicates"`
	Agents    []Agent  `json:"agents"`
	// LastBeat is when an agent's own event last arrived, as any application's
	// would; empty after a minute without one.
	LastBeat string `json:"last_beat,omitempty"`

	Rules     int        `json:"rules"`           // event rules
	Metrics   int        `json:"metric_rules"`    // alerting rules of PromQL
	Recording int        `json:"recording_rules"` // of PromQL
	Missed    uint64     `json:"missed_evaluations"`
	Failing   int        `json:"failing_rules"`
	Failures  []RuleFail `json:"rule_failures"` // the first of them

	UnreadTypes int         `json:"unread_types"` // types of events that come and that no rule reads
	Unread      []EventType `json:"unread"`       // the first of them

	Standing []AlertCount `json:"standing"` // the gravest of them
	// BuiltIn are the alerts about Tomeishi itself, those that machine.Expected leaves
	// first, at most 20.
	BuiltIn []BuiltIn     `json:"built_in"`
	Series  *SeriesStatus `json:"series,omitempty"`
}

// AlertCount counts the standing alerts of one name and severity.
type AlertCount struct {
	Name     string `json:"name"`
	Severity string `json:"severity,omitempty"`
	Count    int    `json:"count"`
}

// RuleFail is a rule that cannot be judged at present.
type RuleFail struct {
	Rule  string `json:"rule"`
	Error string `json:"error"`
}

// BuiltIn is an alert about Tomeishi itself that stands.
type BuiltIn struct {
	Name    string `json:"name"`
	Labels  string `json:"labels,omitempty"` // name=value, without what every such alert has
	Summary string `json:"summary,omitempty"`
	Since   string `json:"since"`
}

// SeriesStatus is how the view of the metrics is.
type SeriesStatus struct {
	Count      uint64  `json:"count"`              // in memory
	Rate       float64 `json:"samples_per_second"` // lately
	Lag        uint64  `json:"lag_entries"`        // of the ledger that it does not have yet
	CatchingUp bool    `json:"catching_up"`        // it reads the tape, and answers from the past
	Paused     bool    `json:"paused"`             // it takes nothing, because the disk is nearly full
}

// maxNamed bounds what a status names one by one.
const maxNamed = 20

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
	s := a.Views.Status()
	m := a.Machine
	index, chain, at := m.At()
	s.Cell, s.Index, s.Chain, s.Time = m.CellID(), index, hex.EncodeToString(chain[:]), at.UTC().Format(time.RFC3339Nano)
	s.Ready = "yes"
	if err := a.Lifecycle.Ready(); err != nil {
		s.Ready = err.Error()
	}
	s.countGates(m)
	s.Automatic = a.automatic().line()
	a.countRules(&s, a.groups())
	s.countTypes(a.types())
	totals := m.Totals()
	s.Alerts, s.Events, s.Duplicate = totals.Alerts, totals.Accepted, totals.Duplicates
	s.Incidents = m.Counts().Open
	if beat := m.LastBeat(); beat != 0 {
		s.LastBeat = rfc3339(beat)
	}
	alerts := m.AlertsView()
	s.Agents, s.Standing, s.BuiltIn = a.agents(alerts), standing(alerts), a.builtIns(alerts)
	if hash {
		sum := m.Hash()
		s.State = hex.EncodeToString(sum[:])
	}
	report.WriteJSON(w, http.StatusOK, s)
}

func (s *Status) countGates(m machine.Shown) {
	s.Closed, s.Shadow = []string{}, []string{}
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
}

func (a *API) countRules(s *Status, groups []promrule.Group) {
	m := a.Machine
	views, set, since := m.RulesView()
	s.Rules, s.RuleSet, s.RulesLive = len(views), set, since.UTC().Format(time.RFC3339)
	s.Failures = []RuleFail{}
	fail := func(rule, why string) {
		if s.Failing++; len(s.Failures) < maxNamed {
			s.Failures = append(s.Failures, RuleFail{rule, why})
		}
	}
	_, _, now := m.At()
	for _, v := range views {
		if r := a.eventShape(v, nil, now); r.Health != "ok" {
			fail(v.Name, r.LastError)
		}
	}
	s.Metrics = len(m.MetricRulesView())
	for _, g := range groups {
		s.Missed += g.Missed
		for _, r := range g.Rules {
			if r.Type == promrule.Recording {
				s.Recording++
			}
			if r.LastError != "" {
				fail(r.Name, r.LastError)
			}
		}
	}
}

// standing counts alerts by name and severity: critical ones first, then
// warnings, then the most.
func standing(alerts []machine.Alert) []AlertCount {
	counts := map[AlertCount]int{}
	for _, m := range alerts {
		counts[AlertCount{Name: m.Rule, Severity: m.Label("severity")}]++
	}
	out := make([]AlertCount, 0, len(counts))
	for c, n := range counts {
		out = append(out, AlertCount{c.Name, c.Severity, n})
	}
	grave := func(c AlertCount) int { return slices.Index([]string{"warning", "critical"}, c.Severity) }
	slices.SortFunc(out, func(x, y AlertCount) int {
		return cmp.Or(cmp.Compare(grave(y), grave(x)), cmp.Compare(y.Count, x.Count), strings.Compare(x.Name, y.Name), strings.Compare(x.Severity, y.Severity))
	})
	return out[:min(len(out), maxNamed)]
}

// builtIns are the alerts about Tomeishi itself, at most maxNamed. Many closed
// gates must not crowd out that something is wrong.
func (a *API) builtIns(alerts []machine.Alert) []BuiltIn {
	out := []BuiltIn{}
	own := slices.DeleteFunc(slices.Clone(alerts), func(m machine.Alert) bool { return !builtIn(m) })
	slices.SortStableFunc(own, func(x, y machine.Alert) int { return order(machine.Expected(x.Rule)) - order(machine.Expected(y.Rule)) })
	for _, m := range own[:min(len(own), maxNamed)] {
		var labels []machine.Label
		for _, l := range m.Labels {
			if !machine.Essential(l.Name) {
				labels = append(labels, l)
			}
		}
		out = append(out, BuiltIn{m.Rule, machine.Text(labels), a.Message.Summary(m), rfc3339(m.Since)})
	}
	return out
}

func order(last bool) int {
	if last {
		return 1
	}
	return 0
}

func (a *API) getBackup(w http.ResponseWriter, r *http.Request) {
	rights := []string{access.MayOperate}
	if a.Machine.HasPrivate() { // it holds the events
		rights = append(rights, access.MayReveal)
	}
	for _, right := range rights {
		if _, err := a.Access.Actor(r, right); err != nil {
			fail(w, err)
			return
		}
	}
	if err := a.Operations.Backup(r.Context(), w); err != nil {
		fail(w, err)
	}
}

package machine

// A BuiltIn is an alert that is always there, about Tomeishi itself or about what
// people must know. ALERTS.md beside this room tells people of each.
type BuiltIn struct {
	Name     string
	Severity string   // the gravest that it can have
	Labels   []string // that tell alerts of the name apart
	// Unwatched: while it stands a payment that must be stopped may pass. Nobody can
	// silence it for longer than a day.
	Unwatched bool
}

// Expected tells whether a built-in alert of this name may stand while all is well.
func Expected(name string) bool {
	switch name {
	case watchdog, gateClosed, approvalWanted, openedAlone:
		return true
	}
	return false
}

// BuiltIns are all of them.
func BuiltIns() []BuiltIn {
	return []BuiltIn{
		{Name: watchdog, Severity: "none"},
		{Name: gateClosed, Severity: "critical", Labels: []string{"gate", "hold"}},
		{Name: notHeld, Severity: "critical", Labels: []string{"gate", "mitigation"}, Unwatched: true},
		{Name: approvalWanted, Severity: "critical", Labels: []string{"gate"}},
		{Name: openedAlone, Severity: "critical", Labels: []string{"by", "gate", "hold"}},
		{Name: automaticOff, Severity: "warning", Unwatched: true},
		{Name: ruleInShadow, Severity: "warning", Labels: []string{"gate", "group", "rule"}, Unwatched: true},
		{Name: unnamedHeld, Severity: "warning", Labels: []string{"gate", "field"}},
		{Name: gateUnguarded, Severity: "warning", Labels: []string{"gate"}, Unwatched: true},
		{Name: ruleBlind, Severity: "critical", Labels: []string{"event", "group", "metric", "read_as", "rule", "side", "source"}, Unwatched: true},
		{Name: memoryFull, Severity: "critical", Unwatched: true},
		{Name: ruleErrors, Severity: "critical", Labels: []string{"rule", "error"}, Unwatched: true},
		{Name: eventIDReused, Severity: "critical", Labels: []string{"over_limit", "source", "type"}, Unwatched: true},
		{Name: eventsSetAside, Severity: "critical", Labels: []string{"type"}, Unwatched: true},
		{Name: repeatsForgotten, Severity: "warning", Unwatched: true},
		{Name: eventsLate, Severity: "critical", Labels: []string{"group", "rule"}, Unwatched: true},
		{Name: reloadFailed, Severity: "warning", Unwatched: true},
		{Name: agentSilent, Severity: "warning", Labels: []string{"agent", "of"}, Unwatched: true},
		{Name: agentBlind, Severity: "warning", Labels: []string{"agent"}, Unwatched: true},
		{Name: agentCloned, Severity: "warning", Labels: []string{"agent"}, Unwatched: true},
		{Name: agentsForgotten, Severity: "warning"},
		{Name: agentInDoubt, Severity: "warning", Labels: []string{"agent", "gate", "why"}, Unwatched: true},
		{Name: agentRefused, Severity: "warning", Labels: []string{"claimed", "address"}, Unwatched: true},
		{Name: clockOff, Severity: "warning", Labels: []string{"agent"}},
		{Name: ledgerTimeOff, Severity: "warning"},
		{Name: notifyFailing, Severity: "warning", Labels: []string{"receiver", "integration"}},
		{Name: diskLow, Severity: "warning"},
		{Name: diskFull, Severity: "warning", Unwatched: true},
	}
}

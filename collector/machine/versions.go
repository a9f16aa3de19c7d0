package machine

// Versions count the changes of what people look at, so that a screen can tell
// what to look at again. They begin anew with each start.
type Versions struct {
	Gates     uint64 // with their holds, agreements, what is held, and the switch
	Held      uint64 // those of Gates that only count what is held, and can wait
	Alerts    uint64
	Incidents uint64
	Told      uint64
	Silences  uint64
	Agents    uint64 // that became known, silent or forgotten
	Rules     uint64
}

// Versions are the counts now, and a channel that is closed when one changes.
func (m *Machine) Versions() (Versions, <-chan struct{}) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.versions, m.news
}

// all counts a change of everything.
func (v *Versions) all() {
	for _, n := range []*uint64{&v.Gates, &v.Alerts, &v.Incidents, &v.Told, &v.Silences, &v.Agents, &v.Rules} {
		*n++
	}
}

// announce wakes who waits for news, if there are any.
func (m *Machine) announce(before Versions) {
	if m.versions != before {
		close(m.news)
		m.news = make(chan struct{})
	}
}

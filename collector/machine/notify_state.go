package machine

import (
	"slices"
	"strings"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/record"
)

// Bounds of what the edge may keep here.
const (
	maxKept     = 20_000
	maxKeptBody = 1 << 20 // bytes of one
	maxTold     = 1000    // of all receivers
	maxToldOf   = 200     // of one incident
	firstTold   = 20      // of one incident, which stay

	maxToldNames = 3 // alerts that a notification of an incident names
)

// notes takes in whom the edge has told, and what it keeps.
func (m *Machine) notes(n entry.NotifyState) any {
	for _, k := range n.Kept {
		if refusal := m.checkKept(k); refusal != nil {
			return refusal
		}
	}
	m.dropExpired()
	for _, k := range n.Kept {
		m.keepNote(k)
	}
	for _, t := range n.Told {
		m.told(t)
	}
	return nil
}

func (m *Machine) checkKept(k entry.NotifyRecord) *Refusal {
	switch {
	case k.Of != entry.KeptSilence && k.Of != entry.KeptLog:
		return invalid("of", record.NoNotifyRecord, cut(k.Of, 40))
	case k.Key == "" || len(k.Key) > 8*maxLabel || len(k.Body) > maxKeptBody:
		return invalid("key", record.BadNotifyRecord, decimalOf(len(k.Key)), decimalOf(len(k.Body)))
	}
	return nil
}

// keepNote keeps the newer of two with one key. When there is no room, the
// oldest of the log gives way: at worst people are told once more.
func (m *Machine) keepNote(k entry.NotifyRecord) {
	name := k.Of + "/" + k.Key
	if old := m.Kept[name]; old != nil && old.Updated >= k.Updated && !m.ahead(old) {
		return
	} else if old == nil && len(m.Kept) >= maxKept {
		m.dropOldest()
	}
	k.Key, k.Body = strings.Clone(k.Key), slices.Clone(k.Body)
	m.Kept[name] = &k
	if k.Of == entry.KeptSilence {
		m.versions.Silences++
	}
}

// ahead tells whether a record was made by a clock that has been set back since:
// what comes after it is newer, whatever it says.
func (m *Machine) ahead(k *entry.NotifyRecord) bool {
	return m.Behavior >= 3 && k.Updated > m.Time+m.Behind+int64(report.MaxAhead)
}

func (m *Machine) dropExpired() {
	for name, k := range m.Kept { // the order does not show
		if k.Expires <= m.Time {
			delete(m.Kept, name)
		}
	}
}

// dropOldest drops the tenth of the log that was updated longest ago.
func (m *Machine) dropOldest() {
	var updated []int64
	for _, k := range m.Kept {
		if k.Of == entry.KeptLog {
			updated = append(updated, k.Updated)
		}
	}
	if len(updated) == 0 {
		return
	}
	slices.Sort(updated)
	before := updated[len(updated)/10]
	for name, k := range m.Kept { // the order does not show
		if k.Of == entry.KeptLog && k.Updated <= before {
			delete(m.Kept, name)
		}
	}
}

// told notes a notification, also in the incidents that it was about.
func (m *Machine) told(t entry.Notification) {
	t.Receiver, t.Integration = clip(t.Receiver), clip(t.Integration)
	if slices.ContainsFunc(m.Told, t.Same) {
		return // an answer was lost, and the edge said it again
	}
	m.Told = bounded(append(m.Told, t), maxTold, 0)
	m.versions.Told++
	of := t
	of.Alerts, of.Incidents = slices.Clone(t.Alerts[:min(len(t.Alerts), maxToldNames)]), nil
	for _, id := range t.Incidents {
		if in := m.incident(id); in != nil {
			in.Told = bounded(append(in.Told, of), maxToldOf, firstTold)
			m.versions.Incidents++
		}
	}
}

// bounded leaves the first few and the newest, a tenth at once.
func bounded(all []entry.Notification, most, first int) []entry.Notification {
	if len(all) <= most+most/10 {
		return all
	}
	return slices.Delete(all, first, len(all)-most+first)
}

// KeptView is what is kept for the edge, in the order of kinds and keys.
func (m *Machine) KeptView() []entry.NotifyRecord {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([]entry.NotifyRecord, 0, len(m.Kept))
	for _, k := range m.Kept {
		out = append(out, *k)
	}
	slices.SortFunc(out, func(a, b entry.NotifyRecord) int { return strings.Compare(a.Of+"/"+a.Key, b.Of+"/"+b.Key) })
	return out
}

// ToldView is whom people told of what, the newest last.
func (m *Machine) ToldView() []entry.Notification {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Clone(m.Told)
}

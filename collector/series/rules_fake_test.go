package series

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/rules"
)

// A ledger is the machine as metric rules see it: it holds levels exactly as
// they are proposed, and takes none that are no difference.
type ledger struct {
	t *testing.T
	// fail may refuse a proposal, or lose the answer to one that was taken.
	fail func() (refused, lost error)

	mu     sync.Mutex
	last   int
	stands []*raised
	byKey  map[string]*raised
	log    []entry.Levels
}

type raised struct {
	machine.Standing
	rule machine.RuleID
	entry.Level
}

func (l *ledger) standing(rule machine.RuleID) (out []machine.Standing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.stands {
		if a.rule == rule {
			out = append(out, a.Standing)
		}
	}
	return out
}

func (l *ledger) propose(ctx context.Context, levels entry.Levels) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var refused, lost error
	if l.fail != nil {
		refused, lost = l.fail()
	}
	if refused != nil {
		return refused
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(levels.Firing)+len(levels.Resolved) == 0 {
		l.t.Error("a proposal of nothing")
	}
	l.log = append(l.log, levels)
	for _, f := range levels.Firing {
		l.raise(f)
	}
	for _, id := range levels.Resolved {
		l.end(id)
	}
	return lost
}

func (l *ledger) raise(f entry.Level) {
	b, err := hex.DecodeString(f.Rule)
	if err != nil || len(b) != len(machine.RuleID{}) {
		l.t.Errorf("the rule of a level is %q", f.Rule)
		return
	}
	a := &raised{rule: machine.RuleID(b), Level: f}
	if !slices.IsSortedFunc(f.Labels, byLabel) || !slices.IsSortedFunc(f.Annotations, byLabel) {
		l.t.Errorf("not sorted: %v", f)
	}
	if have := l.byKey[a.key()]; have != nil {
		if !have.Unheard {
			l.t.Errorf("fires and stands already: %v", f)
		}
		have.Unheard = false
		return
	}
	l.last++
	a.Standing = machine.Standing{ID: fmt.Sprint("a", l.last), Labels: f.Labels}
	l.stands = append(l.stands, a)
	if l.byKey == nil {
		l.byKey = map[string]*raised{}
	}
	l.byKey[a.key()] = a
}

func (a *raised) key() string { return a.Rule + labelsKey(a.Level.Labels) }

func (l *ledger) end(id string) {
	i := slices.IndexFunc(l.stands, func(a *raised) bool { return a.ID == id })
	switch {
	case i < 0:
		l.t.Errorf("resolved, and does not stand: %s", id)
	case !l.stands[i].Unheard:
		delete(l.byKey, l.stands[i].key())
		l.stands = slices.Delete(l.stands, i, i+1)
	}
}

// names are the alerts that stand: their names and labels.
func (l *ledger) names() (out []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.stands {
		out = append(out, text(a.Standing.Labels))
	}
	slices.Sort(out)
	return out
}

func (l *ledger) proposals() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.log)
}

// text is an alert's name, and its labels in braces.
func text(ls []machine.Label) string {
	var name string
	var rest []string
	for _, l := range ls {
		if l.Name == "alertname" {
			name = l.Value
		} else {
			rest = append(rest, l.Name+"="+l.Value)
		}
	}
	if len(rest) == 0 {
		return name
	}
	return name + "{" + strings.Join(rest, ",") + "}"
}

// openStore opens a store in the folder that has caught up with no ledger.
func openStore(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(Options{Dir: dir, Log: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()})
	if err != nil {
		t.Fatal(err)
	}
	close(s.caughtUp)
	return s
}

// openRules makes rules on the store that tell l.
func openRules(t testing.TB, s *Store, o RulesOptions) *Rules {
	t.Helper()
	o.Log, o.Metrics = slog.New(slog.DiscardHandler), metrics.NewSet()
	r, err := NewRules(s, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// load parses the text as a rule file and loads it as the set of that name.
func load(t testing.TB, r *Rules, set, text string) *rules.Set {
	t.Helper()
	parsed, problems := rules.Parse([]rules.File{{Name: "rules.yml", Text: []byte(text)}}, NewChecker())
	if problems.Err() != nil {
		t.Fatal(problems.Err())
	}
	if err := r.Load(set, parsed.Prometheus, parsed.Metrics); err != nil {
		t.Fatal(err)
	}
	return parsed
}

// endStepped ends rules that were never run.
func (r *Rules) endStepped() {
	if r.manager == nil {
		return
	}
	go r.manager.Run()
	r.manager.Stop()
}

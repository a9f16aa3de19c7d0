package series

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	promrules "github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

// stepped are rules on a clock that the test turns by hand.
type stepped struct {
	*Rules
	store  *Store
	ledger *ledger
	turns  int
	cold   bool // state is restored after the second evaluation, as the manager does
}

func newStepped(t *testing.T, o RulesOptions) *stepped {
	t.Helper()
	s := openStore(t, t.TempDir())
	s.db.DisableCompactions()
	l := &ledger{t: t}
	o.Standing, o.Propose = l.standing, l.propose
	st := &stepped{Rules: openRules(t, s, o), store: s, ledger: l}
	t.Cleanup(func() {
		st.endStepped()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

// evalAll is one evaluation of every group, and of what must be true of it.
func (s *stepped) evalAll(t *testing.T, at time.Time) {
	t.Helper()
	if s.turns == 0 && !s.cold {
		s.restore(at)
	}
	for _, g := range s.loaded.Load().groups {
		s.iterate(t.Context(), g.Group, at)
	}
	s.turns++
	if s.turns == 2 && s.cold {
		s.restore(at)
	}
}

func (s *stepped) restore(at time.Time) {
	for _, g := range s.loaded.Load().groups {
		g.RestoreForState(at)
	}
}

// TestLevelsFollowEverything: whatever the series do and however often the
// ledger refuses or does not answer, once it answers what stands is what fires.
func TestLevelsFollowEverything(t *testing.T) {
	const text = `
groups:
- name: a
  rules:
  - {alert: Now, expr: load > 5}
  - {alert: Later, expr: load > 3, for: 3m}
  - {alert: Longer, expr: load > 6, for: 1m, keep_firing_for: 4m, labels: {level: '{{ if gt $value 8.0 }}high{{ else }}low{{ end }}'}}
  - {alert: Now, expr: load > 5}
- name: b
  limit: 6
  rules:
  - {alert: Limited, expr: load > 4}
  - {alert: Broken, expr: load > on () other}
  - {record: busy, expr: sum (load > 2)}
  - {alert: Busy, expr: busy > 20, for: 2m}
`
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			s := newStepped(t, RulesOptions{Interval: time.Minute})
			s.cold = true
			load(t, s.Rules, "set", text)
			s.begin(t.Context())
			bad := 0.0
			s.ledger.fail = func() (refused, lost error) {
				switch p := rnd.Float64(); {
				case p < bad/2:
					return entry.ErrNotStored, nil
				case p < bad:
					return nil, entry.ErrUnknown
				}
				return nil, nil
			}
			hosts := 8
			for minute := range 200 {
				at := time.Unix(int64(minute)*60, 0)
				app := s.store.db.Appender(t.Context())
				for host := range hosts {
					if rnd.Float64() < 0.1 {
						continue
					}
					l := labels.FromStrings("__name__", "load", "host", fmt.Sprint(host))
					if _, err := app.Append(0, l, at.UnixMilli(), 10*rnd.Float64()); err != nil {
						t.Fatal(err)
					}
				}
				if err := app.Commit(); err != nil {
					t.Fatal(err)
				}
				bad = 0.4 * float64(minute/10%2) // every other ten minutes are bad
				s.evalAll(t, at)
				if minute > 2 && minute/10%2 == 0 && minute%10 > 0 {
					s.agrees(t, at)
				}
			}
			if s.ledger.proposals() < 200 {
				t.Errorf("only %d proposals", s.ledger.proposals())
			}
		})
	}
}

// agrees compares what stands with what Prometheus would have told.
func (s *stepped) agrees(t *testing.T, at time.Time) {
	t.Helper()
	for _, g := range s.loaded.Load().groups {
		for _, r := range g.rules {
			var fires, pending, stands []string
			for _, twin := range r.twins {
				for _, a := range twin.ActiveAlerts() {
					if name := text(pairs(a.Labels)); a.State == promrules.StateFiring {
						fires = append(fires, name)
					} else {
						pending = append(pending, name)
					}
				}
			}
			for _, a := range s.ledger.standing(r.id) {
				if name := text(a.Labels); !slices.Contains(pending, name) {
					stands = append(stands, name)
				}
			}
			slices.Sort(fires)
			slices.Sort(stands)
			if r.twins[0].Health() == promrules.HealthGood && !slices.Equal(slices.Compact(fires), stands) {
				t.Errorf("%v: %s: what stands (-got +want):\n%s", at.UTC(), r.twins[0].Name(), cmp.Diff(stands, fires))
			}
		}
	}
}

func TestLevelsAreBounded(t *testing.T) {
	s := newStepped(t, RulesOptions{Interval: time.Second})
	load(t, s.Rules, "set", `
groups:
- name: a
  rules:
  - alert: Big
    expr: load > 1
    labels: {cut: '{{ slice "日本" 0 4 }}'}
    annotations: {long: '{{ $labels.long }}{{ $labels.long }}'}
`)
	s.begin(t.Context())
	app := s.store.db.Appender(t.Context())
	for i := range 1200 {
		b := labels.NewBuilder(labels.FromStrings("__name__", "load", "long", strings.Repeat("é", 1500), "n", fmt.Sprint(i)))
		if i == 0 {
			for j := range 300 {
				b.Set(fmt.Sprint("z", j), "x")
			}
		}
		if _, err := app.Append(0, b.Labels(), 0, 2); err != nil {
			t.Fatal(err)
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	s.evalAll(t, time.Unix(0, 0))
	s.evalAll(t, time.Unix(1, 0)) // nothing is proposed twice: the ledger would say so
	total := 0
	for _, l := range s.ledger.log {
		total += len(l.Firing)
		body := entry.Marshal(l)
		if len(l.Firing) > maxLevels || len(body) > 3*maxLevelsBytes/2 {
			t.Errorf("a proposal of %d levels and %d bytes", len(l.Firing), len(body))
		}
		for _, f := range l.Firing {
			for _, p := range slices.Concat(f.Labels, f.Annotations) {
				if !utf8.ValidString(p.Value) || len(p.Value) > maxAnnotation+len("…") {
					t.Fatalf("a value of %d bytes: %.20q", len(p.Value), p.Value)
				}
			}
		}
	}
	if total != 1200 {
		t.Errorf("%d levels, want 1200", total)
	}
}

// TestLevelsOfEqualRules: rules that the machine cannot tell apart are one, and
// those that make the same series do not keep each other's alerts.
func TestLevelsOfEqualRules(t *testing.T) {
	const text = `
groups:
- name: a
  interval: 1s
  rules:
  - {alert: Twice, expr: load > 1}
  - {alert: Twice, expr: load > 1, keep_firing_for: 5s}
  - {alert: Twice, expr: load > 1}
  - {alert: Same, expr: load > 1}
  - {alert: Same, expr: load > 2}
`
	both := func(a, b float64) map[string]float64 {
		return map[string]float64{`load{host="a"}`: a, `load{host="b"}`: b}
	}
	inWorld(t, text, func(w *world) {
		w.live(5*time.Second, both(2, 0))
		w.stands("Same{host=a}", "Twice{host=a}")
		w.live(5*time.Second, both(3, 3))
		w.stands("Same{host=a}", "Same{host=a}", "Same{host=b}", "Same{host=b}", "Twice{host=a}", "Twice{host=b}")
		w.live(3*time.Second, both(3, 0))
		w.stands("Same{host=a}", "Same{host=a}", "Twice{host=a}", "Twice{host=b}")
		if got := w.Groups()[0].Rules[4].LastError; !strings.Contains(got, storage.ErrDuplicateSampleForTimestamp.Error()) {
			t.Errorf("the second Same says %q: is there still something to test?", got)
		}
		w.live(5*time.Second, both(0, 0))
		w.stands("Twice{host=a}")
		w.live(3*time.Second, both(0, 0))
		w.stands()
		if got := w.ledger.proposals(); got != 6 {
			t.Errorf("%d proposals, want two that raise and four that end", got)
		}
	})
}

// TestTurns: an evaluation waits for its turn, but not for one that takes long.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Rules{turns: make(chan struct{}, 1)}
		begun := time.Now()
		stuck := r.turn(t.Context())
		done := r.turn(t.Context())
		if waited := time.Since(begun); waited != maxTurn {
			t.Errorf("waited %v for one that is stuck, want %v", waited, maxTurn)
		}
		stuck() // is late, and has nothing to give on
		time.AfterFunc(maxTurn/2, done)
		next := r.turn(t.Context())
		if waited := time.Since(begun); waited != maxTurn*3/2 {
			t.Errorf("the next waited %v, want %v", waited, maxTurn*3/2)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r.turn(ctx)()
		next()
		if len(r.turns) != 0 {
			t.Error("a place is lost")
		}
	})
}

// TestLevelsSlowLedger: a ledger that does not answer delays its group for less
// than an interval, and no other.
func TestLevelsSlowLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t, t.TempDir())
		var slow, fast atomic.Int64
		r := openRules(t, s, RulesOptions{
			Standing: func(machine.RuleID) []machine.Standing { return nil },
			Propose: func(ctx context.Context, l entry.Levels) error {
				if l.Firing[0].Labels[0].Value == "Fast" {
					fast.Add(1)
					return nil
				}
				slow.Add(1)
				<-ctx.Done()
				return errors.Join(entry.ErrUnknown, ctx.Err())
			},
		})
		load(t, r, "set", `
groups:
- {name: slow, interval: 1s, rules: [{alert: Slow, expr: vector(1)}]}
- {name: fast, interval: 1s, rules: [{alert: Fast, expr: vector(1)}]}
`)
		ctx, cancel := context.WithTimeout(t.Context(), 20500*time.Millisecond)
		defer cancel()
		r.Run(ctx)
		if slow.Load() < 19 || fast.Load() < 19 {
			t.Errorf("in twenty seconds the ledger was asked %d and %d times", slow.Load(), fast.Load())
		}
		for _, g := range r.Groups() {
			if g.Missed != 0 {
				t.Errorf("group %s missed %d evaluations", g.Name, g.Missed)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestProposalsKeepTheOrder(t *testing.T) {
	var d differences
	for i := range 1100 {
		d.firing = append(d.firing, entry.Level{Rule: fmt.Sprint(i)})
		d.resolved = append(d.resolved, fmt.Sprint(i))
	}
	var sizes [][2]int
	var firing, resolved []string
	for _, l := range d.proposals() {
		if len(resolved) > 0 && len(l.Firing) > 0 {
			t.Error("something ends before something else fires")
		}
		sizes = append(sizes, [2]int{len(l.Firing), len(l.Resolved)})
		for _, f := range l.Firing {
			firing = append(firing, f.Rule)
		}
		resolved = append(resolved, l.Resolved...)
	}
	if want := [][2]int{{500, 0}, {500, 0}, {100, 400}, {0, 500}, {0, 200}}; !slices.Equal(sizes, want) {
		t.Errorf("sizes %v, want %v", sizes, want)
	}
	if !slices.Equal(firing, d.resolved) || !slices.Equal(resolved, d.resolved) {
		t.Error("something is missing")
	}
	if got := (differences{}).proposals(); got != nil {
		t.Errorf("nothing is proposed as %v", got)
	}
}

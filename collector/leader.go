package collector

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tomeishi/tomeishi/collector/effects"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/notify"
)

// A leader does what only one collector of a cell may do: it begins the cell,
// loads the first rule set, proposes time, conditions and what metric rules
// found, verifies effects by the leases of agents, and tells people. All of it
// starts when a term begins and has ended before the next one begins.
type leader struct {
	*core
	log    *slog.Logger
	notify *notify.Notifier
	// conditions are the built-in alerts that only the edge can see and that
	// are true now, by what stands.
	conditions func(stands map[string]machine.ConditionView) []entry.Condition
	// rules makes rules live at the first term, and where none are.
	rules func(ctx context.Context) error

	memory memory

	term atomic.Pointer[term] // nil while it does not lead
	// leases outlive a term: what agents were told in an earlier one still binds
	// them, and in a cell of one nobody else can have told them more. begin's own.
	leases *effects.Leases
	// saidBehind is when it was last said how far ledger time is behind.
	// compareConditions' own.
	saidBehind time.Time
}

// sayBehind is how often it is said again how far ledger time is behind, so that a pause
// in which nothing comes is not taken for a step.
const sayBehind = time.Minute

// term is one time of leading.
type term struct {
	ctx    context.Context // ends with the ledger's leadership
	leases *effects.Leases // known of agents since it began
}

const beginAgain = time.Second

// begin waits to lead and makes the first entries of a term.
func (l *leader) begin(ctx context.Context) error {
	lead, err := l.ledger.Lead(ctx)
	if err != nil {
		return err
	}
	if l.leases == nil {
		l.leases = effects.NewLeases(l.machine.EveryGate())
	}
	t := &term{ctx: lead, leases: l.leases}
	if l.machine.CellID() == "" {
		g, err := newCell()
		if err != nil {
			return err
		}
		if _, err := l.submitOK(ctx, entry.KindGenesis, g); err != nil {
			return fmt.Errorf("begin the cell: %w", err)
		}
	}
	// Before any other entry: nobody could be heard meanwhile, and that is not
	// silence.
	if _, err := l.submitOK(ctx, entry.KindLead, entry.Lead{}); err != nil {
		return fmt.Errorf("begin to lead: %w", err)
	}
	if err := l.raiseBehavior(ctx); err != nil {
		return err
	}
	// Before the first event: it keeps its own time while ledger time is behind.
	if is, off := l.timeOff(false); off {
		l.reportCondition(ctx, is)
	}
	if err := l.rules(ctx); err != nil {
		return err
	}
	l.term.Store(t)
	return nil
}

// raiseBehavior raises the version of the machine's behavior to what this
// program knows. A live rule set that does not load under it keeps the earlier
// one.
func (l *leader) raiseBehavior(ctx context.Context) error {
	now := l.machine.BehaviorView()
	if now >= machine.Behavior {
		return nil
	}
	out, err := l.submit(ctx, entry.KindBehavior, entry.Behavior{Version: machine.Behavior})
	if err != nil {
		return fmt.Errorf("raise the behavior version: %w", err)
	}
	if refusal, ok := out.(*machine.Refusal); ok {
		l.log.Warn("behavior version not raised", "version", now, "newest", machine.Behavior, "error", refusal)
		return nil
	}
	l.log.Info("behavior version raised", "from", now, "to", machine.Behavior)
	return nil
}

// newCell draws a cell's id and the secret of its hashes.
func newCell() (entry.Genesis, error) {
	var seed [32]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return entry.Genesis{}, fmt.Errorf("draw the cell's id: %w", err)
	}
	return entry.Genesis{
		Behavior: machine.Behavior,
		Cell:     hex.EncodeToString(seed[:16]),
		Secret:   [2]uint64{binary.LittleEndian.Uint64(seed[16:]), binary.LittleEndian.Uint64(seed[24:])},
	}, nil
}

// run leads term after term until ctx ends. The first one may have begun.
func (l *leader) run(ctx context.Context) {
	for ctx.Err() == nil {
		t := l.term.Load()
		if t == nil {
			err := l.begin(ctx)
			if err != nil && ctx.Err() == nil {
				l.log.Warn("a term could not be begun", "error", err)
				pause(ctx, beginAgain)
			}
			continue
		}
		l.lead(ctx, t)
		l.term.Store(nil)
		if ctx.Err() == nil {
			l.log.Warn("leads no more", "error", context.Cause(t.ctx))
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// lead does one term's work until the term or ctx ends, and returns when all of
// it has stopped.
func (l *leader) lead(ctx context.Context, t *term) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(t.ctx, cancel)()
	verifier := &effects.Verifier{State: l.machine, Leases: t.leases, Submit: func(ctx context.Context, r entry.Result) error {
		_, err := l.submit(ctx, entry.KindResult, r)
		return err
	}}
	var work sync.WaitGroup
	work.Go(func() { l.keepTime(ctx) })
	work.Go(func() { every(ctx, func() { l.compareConditions(ctx) }) })
	work.Go(func() { l.recount(ctx) })
	work.Go(func() { l.shed(ctx) })
	work.Go(func() { verifier.Run(ctx) })
	work.Go(func() { l.notify.Run(ctx) })
	tale := &story{machine: l.machine.Shown(false), log: l.log}
	work.Go(func() { tale.run(ctx) })
	work.Wait()
}

// Asked implements api.Leases.
func (l *leader) Asked(agent string, epoch uint64) {
	if t := l.term.Load(); t != nil {
		t.leases.Asked(agent, epoch)
	}
}

// Told implements api.Leases. What is told while nobody leads here, the next
// term expects of any agent.
func (l *leader) Told(agent string, gates []machine.GateView) {
	if t := l.term.Load(); t != nil {
		t.leases.Told(agent, gates)
	}
}

// proposeLevels puts what metric rules found into the ledger. Rules are
// evaluated everywhere, so that what is pending outlasts a change of leaders.
func (l *leader) proposeLevels(ctx context.Context, levels entry.Levels) error {
	if l.term.Load() == nil {
		return fmt.Errorf("%w: this collector does not lead", entry.ErrNotStored)
	}
	_, err := l.submitOK(ctx, entry.KindLevels, levels)
	return err
}

// keepTime writes a tick whenever a timer of the machine is due, and only then.
func (l *leader) keepTime(ctx context.Context) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if due := l.machine.Due(); due == 0 || due > l.ledger.Now() {
			continue
		}
		if _, err := l.submit(ctx, entry.KindTick, struct{}{}); err != nil && ctx.Err() == nil && !errors.Is(err, entry.ErrFull) {
			l.log.Warn("tick", "error", err)
		}
	}
}

// compareConditions proposes where what is and what stands differ. What is not
// committed is found again the next time. A text is that of the moment at which
// the condition began: one that changes by itself would fill the ledger.
func (l *leader) compareConditions(ctx context.Context) {
	stands := map[string]machine.ConditionView{}
	for _, s := range l.machine.Conditions() {
		stands[conditionKey(s.Name, s.Labels)] = s
	}
	past := maps.Clone(stands)
	for _, is := range l.conditions(stands) {
		key := conditionKey(is.Name, is.Labels)
		_, ok := stands[key]
		if !ok || is.Behind > 0 && time.Since(l.saidBehind) >= sayBehind {
			l.reportCondition(ctx, is)
			if is.Behind > 0 {
				l.saidBehind = time.Now()
			}
		}
		delete(past, key) // two rules may have one name
	}
	for _, over := range past {
		l.reportCondition(ctx, entry.Condition{Name: over.Name, Labels: over.Labels})
	}
}

func (l *leader) reportCondition(ctx context.Context, condition entry.Condition) {
	log := l.log.With("name", condition.Name, "labels", machine.Text(condition.Labels))
	_, err := l.submitOK(ctx, entry.KindCondition, condition)
	switch {
	case err != nil && ctx.Err() == nil:
		log.Warn("report a condition", "error", err)
	case err == nil && condition.Firing:
		log.Warn("condition began", "about", condition.About.String())
	case err == nil:
		log.Info("condition is over")
	}
}

package collector

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tomeishi/tomeishi/collector/api"
	"github.com/tomeishi/tomeishi/collector/auth"
	"github.com/tomeishi/tomeishi/collector/config"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/notify"
	"github.com/tomeishi/tomeishi/collector/series"
	"github.com/tomeishi/tomeishi/rules"
)

const reloadTimeout = time.Minute

// A reloader owns what SIGHUP and POST /-/reload read again: the configuration,
// and by it the rules, who is told, who may do what, and the certificate. All
// of it is built first; with an error nothing changes.
type reloader struct {
	*core
	log    *slog.Logger
	read   func() (config.Config, error) // nil: the configuration stays
	metric *series.Rules
	door   *auth.Door
	notify *notify.Notifier
	shown  *certificate // nil without TLS

	mu     sync.Mutex    // held while a reload runs; guards what follows
	config config.Config // that is in use
	begun  bool
	// outcome is read without waiting for a reload that runs.
	outcome atomic.Pointer[reloadOutcome]
}

// reloadOutcome is how the last reload went.
type reloadOutcome struct {
	err  error
	last time.Time // of the last success
}

func (r *reloader) get() reloadOutcome {
	if o := r.outcome.Load(); o != nil {
		return *o
	}
	return reloadOutcome{}
}

// ended notes how a reload went.
func (r *reloader) ended(err error) {
	o := reloadOutcome{err, r.get().last}
	if err == nil {
		o.last = time.Now()
	}
	r.outcome.Store(&o)
}

// metricError says that a set is live and its metric rules are not those that
// are evaluated.
type metricError struct{ err error }

func (e *metricError) Error() string {
	return "the rules are live, but NO metric rule is judged until a reload succeeds: " + e.err.Error()
}

func (e *metricError) Unwrap() error { return e.err }

// built is all that a reload swaps in.
type built struct {
	config    config.Config
	set       *rules.Set
	files     []rules.File
	name      string // of the set
	door      func()
	receivers func()
	cert      *tls.Certificate
	restart   []string // keys that are taken up only at a start
}

// reload builds everything, then swaps it in, and says what changed.
func (r *reloader) reload(ctx context.Context) (string, error) {
	// The client may go away: a reload that began is finished.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reloadTimeout)
	defer cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	next, err := r.build()
	if err != nil {
		err = api.BadRules(err)
		r.log.Error("nothing was reloaded: what was there before goes on", "error", err)
		r.ended(err)
		return "", err
	}
	// The ledger first: only it can still refuse.
	said, err := r.makeLive(ctx, next)
	notRun, half := errors.AsType[*metricError](err)
	if err != nil && !half {
		r.log.Error("the ledger did not take the rules for certain", "error", err)
		r.ended(err)
		return "", err
	}
	said = append(said, r.swap(next)...)
	if half {
		r.log.Error("the metric rules do not run", "error", notRun.err)
		err = fmt.Errorf("%w\n%s", notRun, strings.Join(said, "\n"))
	}
	r.ended(err)
	return strings.Join(said, "\n"), err
}

// build reads and checks everything. Nothing changes.
func (r *reloader) build() (built, error) {
	next, err := r.configuration()
	if err != nil {
		return next, err
	}
	var errs []error
	problem := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	next.files, next.set, err = readRules(next.config.Rules)
	problem(err)
	next.name = setName(next.files)
	next.receivers, err = r.notify.Load(next.config.Alertmanager, heartbeat(&next.config))
	if err != nil {
		problem(fmt.Errorf("alertmanager: %w", err))
	}
	next.door, err = r.door.Load(next.config.Auth)
	problem(err)
	next.cert, err = readCertificate(next.config.TLS)
	problem(err)
	return next, errors.Join(errs...)
}

// configuration reads the file again. Of what needs a restart the value in use
// stays, and is what the rest is checked against.
func (r *reloader) configuration() (built, error) {
	if r.read == nil {
		return built{config: r.config}, nil
	}
	file, err := r.read()
	if err == nil {
		err = file.Check()
	}
	if err != nil {
		return built{}, err
	}
	out := built{config: r.config, restart: needRestart(r.config, file)}
	c := &out.config
	c.Rules, c.Alertmanager, c.Heartbeat, c.Auth = file.Rules, file.Alertmanager, file.Heartbeat, file.Auth
	if r.shown != nil && file.TLS.CertFile != "" {
		c.TLS = file.TLS
	}
	return out, c.Check()
}

// swap makes live what cannot fail any more, and says what it changes.
func (r *reloader) swap(next built) (said []string) {
	say := func(what, text string, args ...any) {
		r.log.Info("reloaded", append([]any{"what", what}, args...)...)
		said = append(said, what+": "+text)
	}
	next.receivers()
	next.door()
	if d := compare(keys(r.config.Auth), keys(next.config.Auth)); !d.empty() {
		say("auth", d.String(), d.attrs()...)
	}
	if r.shown != nil {
		if r.shown.differs(next.cert) {
			say("certificate", "another one is shown from now on", "file", next.config.TLS.CertFile)
		}
		r.shown.now.Store(next.cert)
	}
	if was, is := r.config.Alertmanager, next.config.Alertmanager; was != is {
		say("alertmanager", "read from "+is, "file", is)
	}
	if len(next.restart) > 0 {
		names := strings.Join(next.restart, ", ")
		r.log.Warn("changed in the configuration, and taken up only by a restart", "keys", names)
		said = append(said, "changed, but only a restart takes it up: "+names)
	}
	r.config = next.config
	return said
}

// makeLive makes a rule set live, in two entries. An error that is not of the
// rule files is of the ledger; if it is not known whether the set is live, the
// next reload finds out.
func (r *reloader) makeLive(ctx context.Context, next built) (said []string, err error) {
	before, live := r.machine.LiveSet()
	if live == next.name && r.machine.LeftOut() == 0 {
		// The collector that made them live may have stopped before this.
		return []string{"rules: the same as before"}, r.runMetrics()
	}
	if _, err := r.submitOK(ctx, entry.KindPrepare, entry.Prepare{Set: next.name, Files: next.files}); err != nil {
		return nil, refusedSet(fmt.Errorf("prepare the rules: %w", err))
	}
	out, err := r.submitOK(ctx, entry.KindLive, entry.Live{Set: next.name})
	if err != nil {
		return nil, refusedSet(fmt.Errorf("make the rules live: %w", err))
	}
	d := compare(definitions(before), definitions(next.set))
	r.log.Info("rules are live", append([]any{"set", next.name, "files", len(next.files)}, d.attrs()...)...)
	text := "rules: " + d.String()
	said = []string{text}
	if o, ok := out.(machine.LiveOutcome); ok {
		if o.Kept > 0 {
			said[0] += fmt.Sprintf("; %d go on with what they have counted", o.Kept)
		}
		said = append(said, r.filling(o.Fill)...)
	}
	return append(said, r.disarmed(before, next.set)...), r.runMetrics()
}

// filling says what becomes of rules that must know what came since a time.
func (r *reloader) filling(since int64) []string {
	if since == 0 {
		return nil
	}
	text := "what new and changed event rules would have counted is being read from the tape"
	if _, reached := r.tapeSince(since); !reached {
		_, begins := r.tapeBegin()
		text += ", which begins only at " + time.Unix(0, begins).UTC().Format(time.RFC3339) + ": until their windows are full they may miss something"
	}
	return []string{text}
}

// disarmed says which rules no longer close a gate, and which gates no rule can
// close.
func (r *reloader) disarmed(before, after *rules.Set) (said []string) {
	for _, g := range rules.Disarmed(before, after) {
		does := "closes"
		if g.Holds {
			does = "holds payments at"
		}
		r.log.Warn("a rule no longer guards a gate", "rule", g.Rule, "gate", g.Gate, "holds", g.Holds)
		said = append(said, "DISARMED: rule "+g.Rule+" no longer "+does+" gate "+g.Gate)
	}
	for _, gate := range after.Unguarded() {
		r.log.Warn("a gate is in enforce and no rule guards it", "gate", gate)
		said = append(said, "UNGUARDED: gate "+gate+" is in enforce and no rule can close it or hold payments at it; if only people are to, write closed_by: people")
	}
	return said
}

// runMetrics makes the live set's metric rules run. The error is a *metricError.
func (r *reloader) runMetrics() error {
	set, name := r.machine.LiveSet()
	if set == nil {
		return nil
	}
	if err := r.metric.Load(name, set.Prometheus, set.Metrics); err != nil {
		return &metricError{err}
	}
	return nil
}

// refusedSet tells what the machine refused, for the files, from what the
// ledger did not take.
func refusedSet(err error) error {
	if errors.As(err, new(*machine.Refusal)) {
		return api.BadRules(err)
	}
	return err
}

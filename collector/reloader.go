package collector

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tomeishi/tomeishi/collector/api"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/series"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/examples"
)

const reloadTimeout = time.Minute

// reloadState is how the last reload went.
type reloadState struct {
	mu sync.Mutex // held while a reload runs
	// outcome is read without waiting for a reload that runs.
	outcome atomic.Pointer[reloadOutcome]
}

type reloadOutcome struct {
	err  error
	last time.Time // of the last success
}

func (s *reloadState) get() reloadOutcome {
	if o := s.outcome.Load(); o != nil {
		return *o
	}
	return reloadOutcome{}
}

// loadRules loads the rules at the start. If that fails but an older set is in
// the ledger, that one goes on: a monitor that does not start protects nobody.
func (c *Collector) loadRules(ctx context.Context) error {
	err := c.Reload(ctx)
	if _, set, _ := c.machine.RulesView(); set == "" && err != nil {
		return err
	}
	if err := c.loadMetricRules(); err != nil {
		c.log.Error("the metric rules do not run", "error", err)
	}
	if err == nil {
		return nil
	}
	if api.IsBadRules(err) {
		c.log.Error("the rule files have errors: the rules that were running go on", "error", err)
	} else {
		c.log.Error("the rules were not loaded: the ledger did not take them for certain", "error", err)
	}
	return nil
}

// Reload reads the rule files and makes them live, in two entries, and reads who
// is told. What has an error changes nothing; the error says where, line by line.
func (c *Collector) Reload(ctx context.Context) error {
	_, err := c.reloadRules(ctx)
	return err
}

// reloadRules reloads and says what came of it.
func (c *Collector) reloadRules(ctx context.Context) (string, error) {
	// Whoever asked may go away: what was begun is ended.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reloadTimeout)
	defer cancel()
	c.reload.mu.Lock()
	defer c.reload.mu.Unlock()
	said, err := c.loadSet(ctx)
	if c.notify != nil { // else it is the start, and openPeople reads it
		bad := badReceivers(c.notify.Reload())
		if err == nil || api.IsBadRules(err) { // what the ledger did not take matters more
			err = errors.Join(err, bad)
		}
	}
	o := reloadOutcome{err, c.reload.get().last}
	if err == nil {
		o.last = time.Now()
	}
	c.reload.outcome.Store(&o)
	return said, err
}

// badReceivers is an error of the file of who is told: what was there before
// goes on.
func badReceivers(err error) error {
	if err == nil {
		return nil
	}
	return api.BadRules(fmt.Errorf("alertmanager: %w", err))
}

// loadSet makes the rule files live. An error that is not of the rule files is
// of the ledger; if it is not known whether the set is live, the next reload
// finds out.
func (c *Collector) loadSet(ctx context.Context) (string, error) {
	files, err := c.ruleFiles()
	if err != nil {
		return "", api.BadRules(err)
	}
	set, problems := rules.Parse(files, series.NewChecker())
	if problems.Err() != nil {
		return "", api.BadRules(problems.Err())
	}
	if len(set.Rules)+len(set.Prometheus)+len(set.Gates) == 0 {
		return "", api.BadRules(errors.New("there is no rule and no gate in the rule files: nothing would be watched"))
	}
	name := setName(files)
	if _, live, _ := c.machine.RulesView(); live == name {
		// Whoever made them live may not have got as far as this.
		if err := c.loadMetricRules(); err != nil {
			return "", fmt.Errorf("run the metric rules: %w", err)
		}
		return "the rules are the ones that are live: nothing to do", nil
	}
	if _, err := c.must(ctx, entry.KindPrepare, entry.Prepare{Set: name, Files: files}); err != nil {
		return "", refusedSet(fmt.Errorf("prepare the rules: %w", err))
	}
	out, err := c.must(ctx, entry.KindLive, entry.Live{Set: name})
	if err != nil {
		return "", refusedSet(fmt.Errorf("make the rules live: %w", err))
	}
	if err := c.loadMetricRules(); err != nil {
		return "", fmt.Errorf("run the metric rules: %w", err)
	}
	said := "the rules are live"
	if live, ok := out.(machine.LiveOutcome); ok {
		said = fmt.Sprintf("the rules are live: %d go on with what they have counted", live.Kept)
		if len(live.New) > 0 {
			said += "; new or changed, and counting from now: " + strings.Join(live.New, ", ")
		}
	}
	c.log.Info("rules are live", "set", name, "files", len(files), "new", said)
	return said, nil
}

// refusedSet tells what the machine refused, for the files, from what the
// ledger did not take.
func refusedSet(err error) error {
	if errors.As(err, new(*machine.Refusal)) {
		return api.BadRules(err)
	}
	return err
}

// must submits an entry that the machine may not refuse.
func (c *Collector) must(ctx context.Context, kind entry.Kind, body any) (any, error) {
	out, err := c.submit(ctx, kind, body)
	if err != nil {
		return nil, err
	}
	if refused, ok := out.(error); ok {
		return nil, refused
	}
	return out, nil
}

// ruleFiles reads what the configuration names, or the shipped rules.
func (c *Collector) ruleFiles() ([]rules.File, error) {
	if len(c.o.Config.Rules) == 0 {
		return examples.All()
	}
	var paths []string
	for _, glob := range c.o.Config.Rules {
		found, err := filepath.Glob(glob)
		if err != nil {
			return nil, fmt.Errorf("rules: %q: %w", glob, err)
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("rules: no file matches %q", glob)
		}
		paths = append(paths, found...)
	}
	slices.Sort(paths)
	var files []rules.File
	for _, p := range slices.Compact(paths) {
		text, err := os.ReadFile(p)
		if err != nil {
			return nil, fmt.Errorf("rules: %w", err)
		}
		files = append(files, rules.File{Name: p, Text: text})
	}
	if len(files) == 0 {
		return nil, errors.New("rules: no files")
	}
	return files, nil
}

// setName is a digest of the files.
func setName(files []rules.File) string {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%d %s %d ", len(f.Name), f.Name, len(f.Text))
		h.Write(f.Text)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

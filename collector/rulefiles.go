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

	"github.com/tomeishi/tomeishi/agent/strictyaml"
	"github.com/tomeishi/tomeishi/collector/api"
	"github.com/tomeishi/tomeishi/collector/series"
	"github.com/tomeishi/tomeishi/rules"
	"github.com/tomeishi/tomeishi/rules/examples"
)

// begin loads the rules when the collector starts, and later only where none
// are live: what operators edit meanwhile waits for their reload. If that fails
// but an older set is in the ledger, that one goes on: a monitor that does not
// start protects nobody.
func (r *reloader) begin(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, set, _ := r.machine.RulesView(); r.begun && set != "" {
		return nil
	}
	err := r.firstRules(ctx)
	if _, set, _ := r.machine.RulesView(); set == "" && err != nil {
		return err
	}
	r.begun = true
	unread := r.notify.Unread()
	if unread != nil {
		r.log.Error("people are told on the screen only, and no heartbeat is sent: the alertmanager configuration cannot be read", "error", unread)
		unread = api.BadRules(fmt.Errorf("alertmanager: %w", unread))
	}
	r.ended(errors.Join(err, unread))
	switch {
	case err == nil:
	case api.IsBadRules(err):
		r.log.Error("the rule files have errors: the rules that were running go on", "error", err)
	case errors.As(err, new(*metricError)):
		r.log.Error("the metric rules do not run", "error", err)
	default:
		r.log.Error("the rules were not loaded: the ledger did not take them for certain", "error", err)
	}
	return nil
}

func (r *reloader) firstRules(ctx context.Context) error {
	files, set, err := readRules(r.config.Rules)
	if err == nil {
		_, err = r.makeLive(ctx, built{set: set, files: files, name: setName(files)})
		return err
	}
	// The live set goes on, with its metric rules.
	return errors.Join(api.BadRules(err), r.runMetrics())
}

// readRules reads and checks the files that globs name.
func readRules(globs []string) ([]rules.File, *rules.Set, error) {
	files, err := ruleFiles(globs)
	if err != nil {
		return nil, nil, err
	}
	set, problems := rules.Parse(files, series.NewChecker())
	if problems.Err() != nil {
		return nil, nil, problems.Err()
	}
	if len(set.Rules)+len(set.Prometheus)+len(set.Gates) == 0 {
		return nil, nil, errors.New("there is no rule and no gate in the rule files: nothing would be watched")
	}
	return files, set, nil
}

// ruleFiles reads what the configuration names, or the shipped rules.
func ruleFiles(globs []string) ([]rules.File, error) {
	if len(globs) == 0 {
		return examples.All()
	}
	var paths []string
	for _, glob := range globs {
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
	return rules.WithLists(files, readList), nil
}

func readList(name string) ([]byte, error) {
	f, err := strictyaml.Load(name, rules.MaxListBytes)
	return f.Text, err
}

// setName is a digest of the files.
func setName(files []rules.File) string {
	h := sha256.New()
	for _, f := range files {
		if f.List {
			h.Write([]byte("list "))
		}
		fmt.Fprintf(h, "%d %s %d ", len(f.Name), f.Name, len(f.Text))
		h.Write(f.Text)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

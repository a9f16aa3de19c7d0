package author

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/rules"
)

const checkLong = `Check rule files, as one set and without a collector, and configurations of the
collector, of the agent and of Alertmanager. What a file is, is known by its keys,
and said. Each problem is shown as FILE:LINE:COLUMN: sentence, then the line and a
caret. Exit code 0: no problems; 1: an error, the file would not be loaded;
3: findings only, such as a secret in clear or a file that is not on this host.

  tomeishi check rules/*.yml
  tomeishi check collector.yml agent.yml alertmanager.yml
  tomeishi check /etc/tomeishi/rules.d --explain
  generate-rules | tomeishi check -`

func newCheck(t *term.Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use: "check FILE...", Short: "Check rule files and configurations", Long: checkLong,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return term.Usagef("FILE is missing: a rule file or a configuration, a folder of them, a pattern, or - for standard input")
			}
			return nil
		},
	}
	explain := cmd.Flags().Bool("explain", false, "say each rule as one sentence")
	asJSON := cmd.Flags().Bool("json", false, "print the problems as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		files, err := untilDone(cmd.Context(), func() ([]rules.File, error) { return readRules(args, t.In) })
		if err != nil {
			return err
		}
		set, problems, took := checkFiles(files)
		r := newCheckReport(set, problems, *explain)
		r.Took = took
		if *asJSON {
			raw, err := json.Marshal(r)
			if err := t.OrJSON(raw, err); err != nil {
				return err
			}
		} else {
			showCheck(t, r, problems)
		}
		return checkOutcome(problems)
	}
	return cmd
}

// untilDone waits for read, or for ctx: a pipe that nobody writes to must not
// keep the program.
func untilDone(ctx context.Context, read func() ([]rules.File, error)) ([]rules.File, error) {
	type result struct {
		files []rules.File
		err   error
	}
	done := make(chan result, 1)
	go func() { // the select below waits, until ctx ends
		files, err := read()
		done <- result{files, err}
	}()
	select {
	case r := <-done:
		return r.files, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func checkOutcome(problems rules.Problems) error {
	switch {
	case problems.Err() != nil:
		return term.ExitCode(term.Failed)
	case len(problems) > 0:
		return term.ExitCode(term.Findings)
	}
	return nil
}

// maxRules bounds one rule file as it is read.
const maxRules = 16 << 20

// stdinName stands for standard input in the places of problems.
const stdinName = "stdin"

// readRules reads files, folders of them and patterns. A file that is named
// twice is read once.
func readRules(args []string, stdin io.Reader) ([]rules.File, error) {
	var paths []string
	for _, arg := range args {
		found, err := expand(arg)
		if err != nil {
			return nil, err
		}
		for _, p := range found {
			if !slices.Contains(paths, p) {
				paths = append(paths, p)
			}
		}
	}
	files := make([]rules.File, 0, len(paths))
	for _, p := range paths {
		f, err := readRule(p, stdin)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// expand is the files that an argument names.
func expand(arg string) ([]string, error) {
	if arg == "-" {
		return []string{arg}, nil
	}
	info, err := os.Stat(arg)
	switch {
	case err == nil && info.IsDir():
		return ruleFilesIn(arg)
	case err == nil:
		return []string{filepath.Clean(arg)}, nil
	case !errors.Is(err, fs.ErrNotExist) || !strings.ContainsAny(arg, "*?["):
		return nil, err
	}
	found, err := filepath.Glob(arg)
	if err != nil {
		return nil, term.Usagef("%s is no pattern of file names: %v", term.Quote(arg), err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no file matches %s", term.Quote(arg))
	}
	return found, nil
}

// ruleFilesIn is the rule files of a folder, not of those below it.
func ruleFilesIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if !e.IsDir() && (ext == ".yml" || ext == ".yaml") {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s holds no *.yml or *.yaml", dir)
	}
	return paths, nil
}

func readRule(path string, stdin io.Reader) (rules.File, error) {
	in, name := stdin, stdinName
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return rules.File{}, err
		}
		defer f.Close()
		in, name = f, path
	}
	text, err := io.ReadAll(io.LimitReader(in, maxRules+1))
	if err != nil {
		return rules.File{}, err
	}
	if len(text) > maxRules {
		return rules.File{}, fmt.Errorf("%s is larger than %s: no file that is checked is that long", name, term.Bytes(maxRules))
	}
	return rules.File{Name: name, Text: text}, nil
}

//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/tomeishi/tomeishi/agent/config"
	"github.com/tomeishi/tomeishi/agent/filekind"
)

const checkHelp = `tomeishi-agent check says what is wrong with configuration files, and starts
nothing. Each problem is FILE:LINE:COLUMN: sentence, then the line and a caret.
Exit code 0: no problems; 1: an error, the agent would not start; 2: wrong usage;
3: findings only, such as a file that the configuration names and that is not on
this host.

  tomeishi-agent check FILE...
`

func check(args []string, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("tomeishi-agent check", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() { fmt.Fprint(f.Output(), checkHelp) }
	if len(args) > 0 && strings.Trim(args[0], "-") == "help" {
		f.SetOutput(stdout)
	}
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return done
	case err != nil:
		return usage
	case f.NArg() == 0:
		fmt.Fprintln(stderr, "tomeishi-agent check: FILE is missing; see tomeishi-agent check --help")
		return usage
	}
	code := done
	for _, path := range f.Args() {
		if c := checkFile(path, stdout, stderr); c == failed || code == done {
			code = c
		}
	}
	return code
}

// checkFile checks one file, says what it took it for, and what came of it.
func checkFile(path string, stdout, stderr io.Writer) int {
	f, err := config.Load(path)
	if err != nil {
		fmt.Fprintln(stderr, "tomeishi-agent check:", err)
		return failed
	}
	if kind := filekind.Of(f, filekind.Agent); kind != filekind.Agent && kind != filekind.Unknown {
		fmt.Fprintf(stdout, "%s:1:1: this is %s, not an agent's configuration: tomeishi check reads it, or says what does\n", printable(path), kind)
		return failed
	}
	problems := config.Check(f)
	for _, p := range problems {
		fmt.Fprintln(stdout, printable(p.String()))
	}
	errs := problems.Errors()
	switch {
	case errs > 0:
		fmt.Fprintf(stdout, "%s: an agent's configuration, with which it would not start: errors: %d, findings: %d\n", printable(path), errs, len(problems)-errs)
		return failed
	case len(problems) > 0:
		fmt.Fprintf(stdout, "%s: an agent's configuration: findings: %d\n", printable(path), len(problems))
		return found
	}
	fmt.Fprintf(stdout, "%s: an agent's configuration: no problems\n", printable(path))
	return done
}

// printable is a text without what could steer a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return '\uFFFD'
		}
		return r
	}, text)
}

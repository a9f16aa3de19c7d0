//go:build linux

// Command tomeishi-agent runs beside the applications of one host: it takes
// their events, answers for the gates and measures the host.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/tomeishi/tomeishi/agent"
	"github.com/tomeishi/tomeishi/agent/config"
	"github.com/tomeishi/tomeishi/cmd/internal/build"
)

const help = `tomeishi-agent runs on a host beside its applications.

  tomeishi-agent --config FILE [--data DIR] [--listen ADDRESS]

It takes events (POST /v1/events, CloudEvents) on loopback and on a Unix socket,
keeps them on disk until a collector has them, and tells the applications
whether a gate is open (GET /v1/gates/NAME/check: 204 means pay, anything else
means do not). Once a second it measures the host, reports that to the collector
and shows it (GET /metrics). A small configuration:

  data: /var/lib/tomeishi/agent
  collectors: [https://collector.example:9311]

When the collector's ledger is not the one that the agent knew, because it was
restored or is another one, every gate here stays closed until a person has
looked and says that this is right:

  tomeishi-agent adopt --config FILE --reason TEXT

A configuration is checked without starting anything:

  tomeishi-agent check FILE

Flags:
`

// Exit codes.
const (
	done   = 0
	failed = 1
	usage  = 2
	found  = 3 // findings: it would start, and something is odd
)

func main() {
	runtime.MemProfileRate = 0 // nobody asks for heap profiles, whose table takes a megabyte
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50) // the heap is small: collecting twice as often costs little
	}
	syscall.Umask(0o077) // what is written here is nobody else's to read
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(args) > 0 {
		switch args[0] {
		case "adopt":
			return adopt(ctx, args[1:], stdout, stderr)
		case "check":
			return check(args[1:], stdout, stderr)
		}
	}
	return serve(ctx, args, stdout, stderr)
}

// flags are what both commands take.
type flags struct {
	*flag.FlagSet
	config, data, listen, level, reason string
	version                             bool
}

func newFlags(name, text string, stderr io.Writer) *flags {
	f := &flags{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError)}
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprint(f.Output(), text)
		f.PrintDefaults()
	}
	f.StringVar(&f.config, "config", "", "the configuration `FILE`")
	f.StringVar(&f.data, "data", "", "keep state in `DIR`, whatever the file says")
	return f
}

// parse returns an exit code, or -1 to go on.
func (f *flags) parse(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && (args[0] == "--help" || args[0] == "-help" || args[0] == "-h") {
		f.SetOutput(stdout)
	}
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return done
		}
		return usage
	}
	if f.version {
		fmt.Fprintln(stdout, build.Line("tomeishi-agent"))
		return done
	}
	switch {
	case f.NArg() > 0:
		fmt.Fprintf(stderr, "tomeishi-agent: unknown argument %q; see tomeishi-agent --help\n", f.Arg(0))
		return usage
	case f.config == "":
		fmt.Fprintln(stderr, "tomeishi-agent: --config FILE is missing; see tomeishi-agent --help")
		return usage
	}
	return -1
}

func (f *flags) read() (config.Config, error) {
	return config.Read(f.config, config.Flags{Data: f.data, Listen: f.listen})
}

func serve(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	f := newFlags("tomeishi-agent", help, stderr)
	f.StringVar(&f.listen, "listen", "", "listen on the loopback `ADDRESS`, whatever the file says")
	f.StringVar(&f.level, "log-level", "info", "debug, info, warn or error")
	f.StringVar(&f.level, "log.level", "info", "the same as --log-level")
	f.BoolVar(&f.version, "version", false, "say the version and end")
	if code := f.parse(args, stdout, stderr); code >= 0 {
		return code
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.level)); err != nil {
		fmt.Fprintf(stderr, "tomeishi-agent: --log-level: %q is none of debug, info, warn, error\n", f.level)
		return usage
	}
	c, err := f.read()
	if err != nil {
		fmt.Fprintln(stderr, "tomeishi-agent:", err)
		return failed
	}
	log := logger(stderr, level)
	defer ignoreHangup(log)()
	a, err := agent.New(agent.Options{Config: c, Version: build.Version, Log: log})
	if err == nil {
		err = a.Run(ctx)
	}
	if err != nil {
		fmt.Fprintln(stderr, "tomeishi-agent:", err)
		return failed
	}
	return done
}

// ignoreHangup lets a SIGHUP, as of a reload or a terminal that closes, end
// nothing, until the function that it returns is called.
func ignoreHangup(log *slog.Logger) (stop func()) {
	hangups, end := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(hangups, syscall.SIGHUP)
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			select {
			case <-hangups:
				log.Warn("SIGHUP changes nothing: the configuration is read at a start; restart the agent, nothing that it has accepted is lost")
			case <-end:
				return
			}
		}
	})
	return func() {
		signal.Stop(hangups)
		close(end)
		wait.Wait()
	}
}

// logger writes text for people on a terminal, and JSON otherwise.
func logger(w io.Writer, level slog.Level) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if f, ok := w.(*os.File); ok {
		if _, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS); err == nil {
			return slog.New(slog.NewTextHandler(w, o))
		}
	}
	return slog.New(slog.NewJSONHandler(w, o))
}

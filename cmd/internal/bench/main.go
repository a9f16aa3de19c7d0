// Command bench measures the figures of BENCHMARKS.md on the real programs,
// each beside a reference loop that runs in the same minute, and prints them as
// a Markdown table.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
)

func main() {
	reference := flag.String("reference", "", "internal: serve the reference loop on this address")
	bare := flag.String("bare-agent", "", "internal: be the bare agent, on this address")
	to := flag.String("to", "", "internal: the collector of the bare agent")
	dir := flag.String("dir", "", "where to keep data while measuring (default: a temporary folder)")
	only := flag.String("only", "", "measure only this figure: size, quiet, loaded, ingest, start, first, host, fleet, storm, tell, crowd, screen, bombs, peers")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *bare != "" {
		exit(serveBareAgent(ctx, *bare, *to))
		return
	}
	if *reference != "" {
		exit(serveReference(ctx, *reference, *dir))
		return
	}
	exit(run(ctx, *dir, *only))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// row is one line of the table.
type row struct{ figure, goal, measured, reference, ratio string }

func run(ctx context.Context, dir, only string) error {
	if dir == "" {
		tmp, err := os.MkdirTemp("", "tomeishi-bench")
		if err != nil {
			return err
		}
		defer func() { exit(os.RemoveAll(tmp)) }()
		dir = tmp
	}
	b := &bench{dir: dir}
	if err := b.build(ctx); err != nil {
		return err
	}
	fmt.Println("| figure | goal | measured | reference loop | ratio |\n|---|---|---|---|---|")
	for _, m := range []struct {
		name    string
		measure func(context.Context) ([]row, error)
	}{
		{"size", b.size},
		{"quiet", b.quiet},
		{"loaded", b.loaded},
		{"ingest", b.ingest},
		{"start", b.startTimes},
		{"first", b.first},
		{"host", b.host},
		{"fleet", b.fleet},
		{"storm", b.storm},
		{"tell", b.tell},
		{"crowd", b.crowd},
		{"screen", b.screen},
		{"bombs", b.bombs},
		{"peers", b.peers},
	} {
		if only != "" && only != m.name {
			continue
		}
		rows, err := m.measure(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		for _, r := range rows {
			fmt.Printf("| %s | %s | %s | %s | %s |\n", r.figure, r.goal, r.measured, r.reference, r.ratio)
		}
	}
	return nil
}

// bench knows where the programs and their data are.
type bench struct {
	dir string
	n   int // data folders made so far
}

func (b *bench) build(ctx context.Context) error {
	for _, name := range []string{"tomeishi", "tomeishi-agent", "internal/bench"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", b.bin(filepath.Base(name)), "github.com/tomeishi/tomeishi/cmd/"+name)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("build %s: %w", name, err)
		}
	}
	return nil
}

func (b *bench) bin(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) size(context.Context) ([]row, error) {
	agent, err := os.Stat(b.bin("tomeishi-agent"))
	if err != nil {
		return nil, err
	}
	collector, err := os.Stat(b.bin("tomeishi"))
	if err != nil {
		return nil, err
	}
	ref, err := os.Stat(b.bin("bench"))
	if err != nil {
		return nil, err
	}
	mb := func(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
	return []row{
		{"`tomeishi-agent`, stripped", "≤ 9 MB", mb(agent.Size()), mb(ref.Size()) + " (this benchmark, net/http)", fmt.Sprintf("%.2f", float64(agent.Size())/float64(ref.Size()))},
		{"`tomeishi`, stripped", "", mb(collector.Size()), "", ""},
	}, nil
}

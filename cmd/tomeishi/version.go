package main

import (
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version is the version of the program.
const version = "0.1.0"

func newVersion(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which version this is",
		Long: `Say which version this is, and from what it was built.

  tomeishi version`,
		Args: takes(),
		Run:  func(*cobra.Command, []string) { t.printf("%s\n", versionText()) },
	}
}

func versionText() string {
	parts := []string{runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				parts = append(parts, "revision "+s.Value)
			case s.Key == "vcs.modified" && s.Value == "true":
				parts = append(parts, "modified")
			}
		}
	}
	return "tomeishi " + version + " (" + strings.Join(parts, ", ") + ")"
}

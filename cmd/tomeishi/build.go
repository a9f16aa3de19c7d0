package main

import (
	"runtime"
	"runtime/debug"
	"strings"
)

// version is the version of the program.
const version = "0.1.0"

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

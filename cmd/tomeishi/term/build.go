package term

import (
	"runtime"
	"runtime/debug"
	"strings"
)

// Version is the version of the program.
const Version = "0.1.0"

// Build says which version this is, and from what it was built.
func Build() string {
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
	return "tomeishi " + Version + " (" + strings.Join(parts, ", ") + ")"
}

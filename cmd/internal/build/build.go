// Package build is which version the programs are, and from what they were
// built. It promises that both are of one version.
package build

import (
	"runtime"
	"runtime/debug"
	"strings"
)

// Version is the version of the programs.
const Version = "0.1.0"

// Line says which version a program is, and from what it was built.
func Line(program string) string {
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
	return program + " " + Version + " (" + strings.Join(parts, ", ") + ")"
}

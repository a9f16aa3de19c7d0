package term

import "github.com/tomeishi/tomeishi/cmd/internal/build"

// Version is the version of the program.
const Version = build.Version

// Build says which version this is, and from what it was built.
func Build() string { return build.Line("tomeishi") }

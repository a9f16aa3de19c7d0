//go:build !linux

// Command tomeishi-agent needs Linux: it reads /proc and knows its peers by their
// sockets.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "tomeishi-agent: it needs Linux, whose hosts it measures")
	os.Exit(1)
}

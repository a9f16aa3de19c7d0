package main

import (
	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/serve"
	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

// daemons are the commands that run a collector or make its data.
func daemons(t *term.Terminal) []*cobra.Command { return serve.Commands(t) }

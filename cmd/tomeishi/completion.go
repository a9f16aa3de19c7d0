package main

import (
	"github.com/spf13/cobra"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
)

const completionLong = `Print the script by which a shell completes tomeishi's commands, and the names of
gates, incidents, silences and agents as the collector has them now.

For this shell only (bash needs its package bash-completion):
  source <(tomeishi completion bash)
  source <(tomeishi completion zsh)
  tomeishi completion fish | source

For every new one:
  bash  tomeishi completion bash > /etc/bash_completion.d/tomeishi
        or, for you alone:
        mkdir -p ~/.local/share/bash-completion/completions
        tomeishi completion bash > ~/.local/share/bash-completion/completions/tomeishi
  zsh   tomeishi completion zsh > "${fpath[1]}/_tomeishi"
        with "autoload -U compinit; compinit" in ~/.zshrc
  fish  tomeishi completion fish > ~/.config/fish/completions/tomeishi.fish`

func newCompletion(t *term.Terminal) *cobra.Command {
	return &cobra.Command{
		Use: "completion bash|zsh|fish", Short: "Print the script that completes commands in a shell",
		Long: completionLong, Args: term.Takes("bash|zsh|fish"), ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch args[0] {
			case "bash":
				return cmd.Root().GenBashCompletionV2(t.Out, true)
			case "zsh":
				return cmd.Root().GenZshCompletion(t.Out)
			case "fish":
				return cmd.Root().GenFishCompletion(t.Out, true)
			}
			return term.Usagef("there is no completion for %s: it is bash, zsh or fish", term.Quote(args[0]))
		},
	}
}

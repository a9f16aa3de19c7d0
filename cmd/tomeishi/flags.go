package main

import "github.com/spf13/cobra"

// jsonFlag adds --json.
func jsonFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("json", false, "print the collector's JSON")
}

// orJSON prints the answer as it came, unless there was an error.
func orJSON(t *terminal, raw []byte, err error) error {
	if err != nil {
		return err
	}
	return t.json(raw)
}

package term

import "github.com/spf13/cobra"

// JSONFlag adds --json.
func JSONFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("json", false, "print the collector's JSON")
}

// OrJSON prints the answer as it came, unless there was an error.
func (t *Terminal) OrJSON(raw []byte, err error) error {
	if err != nil {
		return err
	}
	return t.JSON(raw)
}

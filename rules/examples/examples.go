// Package examples is the shipped rule files.
//
// It promises that they load without errors, and that only the demo's gate
// enforces. What they say is a start for an operator, not a judgement of any
// one system.
package examples

import (
	"embed"
	"fmt"

	"github.com/tomeishi/tomeishi/rules"
)

//go:embed *.yml
var files embed.FS

// Demo is the rules of `tomeishi up` without a configuration.
func Demo() ([]rules.File, error) { return read("demo.yml") }

// All is every shipped rule file.
func All() ([]rules.File, error) { return read("demo.yml", "hosts.yml", "withdrawals.yml") }

func read(names ...string) ([]rules.File, error) {
	var out []rules.File
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("shipped rules: %w", err)
		}
		out = append(out, rules.File{Name: name, Text: text})
	}
	return out, nil
}

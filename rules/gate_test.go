package rules

import (
	"fmt"
	"strings"
	"testing"
)

// TestGatesAreBounded: the list of them is one that agents read.
func TestGatesAreBounded(t *testing.T) {
	for more, want := range []int{0, 1} {
		var text strings.Builder
		text.WriteString("gates:\n")
		for i := range maxGates + more {
			fmt.Fprintf(&text, "- {name: g%d, closed_by: people}\n", i)
		}
		_, problems := Parse([]File{{Name: "a.yml", Text: []byte(text.String())}})
		if n := problems.Errors(); n != want {
			t.Errorf("%d more: %d errors: %v", more, n, problems.Err())
		}
	}
}

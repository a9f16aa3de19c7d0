package structure

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// rule finds, in a tree, the places that break it.
type rule struct {
	name string
	why  string
	find func(*tree) []string
}

func rules() []rule {
	return []rule{
		{"imports", "each room can be understood, tested and replaced by itself", importRule},
		{"forms", "a rule form is one folder: who knows only the interface need not change for another one", formsApart},
		{"engines", "one engine, one importer: its traps are known in one place", oneImporter},
		{"folders", "a reader finds everything under five names", fiveFolders},
		{"comments", "a package is a noun that finishes the sentence; its first line says what it promises", packageComments},
		{"promises", "what survives a crash is promised in words before it is trusted in code", promises},
		{"sizes", "a file is one idea; a second idea is a second file", fileSizes},
		{"init", "main decides what runs and in which order; nothing registers itself", noInit},
		{"locks", "whoever adds a field or takes a second lock must know what the first is for", locks},
		{"goroutines", "what nobody waits for outlives what it works on", goroutines},
		{"reasons", "a dependency is a decision, and can be taken back only where its reason is known", reasons},
		{"paths", "the text must be true on every machine", noMachinePaths},
	}
}

func TestTree(t *testing.T) {
	house, err := load(os.DirFS("../../.."))
	if err != nil {
		t.Error(err)
	}
	if len(house.files) == 0 {
		t.Fatal("no Go files in the tree")
	}
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			for _, f := range r.find(house) {
				t.Errorf("%s\n\twhy: %s", f, r.why)
			}
		})
	}
}

// TestLinks asks the go command what is linked into a program on a system. A
// tree without an agent has nothing to weigh; one with it must have its command.
func TestLinks(t *testing.T) {
	house, err := load(os.DirFS("../../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		needs, program, system string
		not                    []engine
	}{
		{"agent", "./cmd/tomeishi-agent", "linux", notInAgent()},
		{"collector", "./cmd/tomeishi", "darwin", notElsewhere()},
	} {
		if !slices.Contains(house.packages(), tt.needs) {
			continue
		}
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-buildvcs=false", tt.program)
		cmd.Dir = "../../.."
		cmd.Env = append(os.Environ(), "GOOS="+tt.system)
		var failure strings.Builder
		cmd.Stderr = &failure
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("list what %s links on %s: %v\n%s", tt.program, tt.system, err, failure.String())
		}
		for _, f := range wrongLinks(tt.not, strings.Fields(string(out))) {
			t.Errorf("%s on %s: %s", tt.program, tt.system, f)
		}
	}
}

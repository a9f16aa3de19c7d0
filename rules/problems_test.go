package rules

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what is printed into the scripts")

// archive splits a script into rule files and what else it holds. The word
// MEGABYTE stands for one.
func archive(t *testing.T, path string) (*txtar.Archive, []File, map[string]string) {
	t.Helper()
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var files []File
	rest := map[string]string{}
	for _, f := range a.Files {
		if !strings.HasSuffix(f.Name, ".yml") {
			rest[f.Name] = string(f.Data)
			continue
		}
		text := strings.ReplaceAll(string(f.Data), "MEGABYTE", strings.Repeat("data.a == 1 && ", 1<<16))
		files = append(files, File{Name: f.Name, Text: []byte(text)})
	}
	return a, files, rest
}

func TestProblems(t *testing.T) {
	paths, err := filepath.Glob("testdata/problems/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, files, rest := archive(t, path)
			set, problems := Parse(WithLists(files, func(name string) ([]byte, error) {
				if text, ok := rest[name]; ok {
					return []byte(text), nil
				}
				return nil, errors.New("no such file")
			}))
			var b strings.Builder
			for _, p := range problems {
				b.WriteString(p.String() + "\n")
				if strings.Count(p.String(), "\n") < 2 {
					t.Errorf("no line and caret: %s", p)
				}
			}
			if (set == nil) != (problems.Err() != nil) {
				t.Errorf("set is %v and Err is %v", set, problems.Err())
			}
			if *update {
				for i := range a.Files {
					if a.Files[i].Name == "want" {
						a.Files[i].Data = []byte(b.String())
					}
				}
				if err := os.WriteFile(path, txtar.Format(a), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(rest["want"], b.String()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	paths, _ := filepath.Glob("testdata/problems/*.txtar")
	shipped, _ := filepath.Glob("examples/*.yml")
	for _, path := range append(paths, shipped...) {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(a.Comment)
		for _, file := range a.Files {
			f.Add(file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		set, problems := Parse([]File{{Name: "f.yml", Text: text}})
		if (set == nil) != (problems.Err() != nil) {
			t.Fatalf("set is %v and Err is %v", set, problems.Err())
		}
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.Text == "" || len(p.String()) > 4096 {
				t.Fatalf("problem without a place: %q", p.String())
			}
		}
		if set != nil {
			for _, r := range set.Rules {
				_ = r.Explain()
			}
		}
	})
}

package structure

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

const module = "github.com/tomeishi/tomeishi"

// tree is the checkout as far as the rules look at it. All paths are relative
// to its root and use slashes.
type tree struct {
	set   *token.FileSet
	files []goFile
	texts map[string]string // every file that people read, Go included
}

type goFile struct {
	path  string
	dir   string
	lines int
	ast   *ast.File
}

func (f *goFile) test() bool      { return strings.HasSuffix(f.path, "_test.go") }
func (f *goFile) generated() bool { return ast.IsGenerated(f.ast) }

// load reads root. Files of all systems and build tags count, so the go
// command is not asked. A file that does not parse is an error, but the rest
// of the tree is still returned.
func load(root fs.FS) (*tree, error) {
	t := &tree{set: token.NewFileSet(), texts: map[string]string{}}
	var broken []error
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", "bin", "data"}, name):
			return fs.SkipDir
		case d.IsDir() || !isText(name):
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a temporary file that is gone again
		} else if err != nil {
			return err
		}
		t.texts[name] = string(text)
		if path.Ext(name) == ".go" && !strings.Contains("/"+name, "/testdata/") {
			broken = append(broken, t.add(name, string(text)))
		}
		return nil
	})
	return t, errors.Join(err, errors.Join(broken...))
}

func (t *tree) add(name, text string) error {
	parsed, err := parser.ParseFile(t.set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if parsed != nil {
		t.files = append(t.files, goFile{name, path.Dir(name), strings.Count(text, "\n"), parsed})
	}
	return err
}

func isText(name string) bool {
	switch path.Ext(name) {
	case ".go", ".md", ".mod", ".yml", ".yaml", ".txtar":
		return true
	}
	return path.Base(name) == "Makefile" || strings.HasPrefix(name, ".ci/")
}

// packages lists the directories that hold a Go file other than a test.
func (t *tree) packages() []string {
	var dirs []string
	for _, f := range t.files {
		if !f.test() && !slices.Contains(dirs, f.dir) {
			dirs = append(dirs, f.dir)
		}
	}
	return dirs
}

// imports calls visit for every import of every file, with its place.
func (t *tree) imports(visit func(f *goFile, place, imported string)) {
	for i := range t.files {
		f := &t.files[i]
		for _, spec := range f.ast.Imports {
			if name, err := strconv.Unquote(spec.Path.Value); err == nil {
				visit(f, t.place(spec), name)
			}
		}
	}
}

func (t *tree) place(n ast.Node) string {
	at := t.set.Position(n.Pos())
	return fmt.Sprintf("%s:%d", at.Filename, at.Line)
}

// match reports whether name is pattern, or is at or under DIR when pattern is
// DIR/... as in the go command.
func match(pattern, name string) bool {
	dir, under := strings.CutSuffix(pattern, "/...")
	return name == dir || under && strings.HasPrefix(name, dir+"/")
}

func matchAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, name) })
}

package structure

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
)

// fiveFolders finds Go code outside the folders of DESIGN.md.
func fiveFolders(t *tree) []string {
	var found []string
	for _, f := range t.files {
		top, _, inside := strings.Cut(f.path, "/")
		if !inside || !slices.Contains([]string{"agent", "cmd", "collector", "plugins", "rules"}, top) {
			found = append(found, f.path+": Go code outside agent, cmd, collector, plugins and rules")
		}
	}
	return found
}

// packageComments finds packages that do not say what they are.
func packageComments(t *tree) []string {
	var found []string
	for _, dir := range t.packages() {
		want, said := "", false
		for _, f := range t.files {
			if f.dir != dir || f.test() {
				continue
			}
			want = "Package " + f.ast.Name.Name + " "
			if f.ast.Name.Name == "main" {
				want = "Command " + path.Base(dir) + " "
			}
			said = said || strings.HasPrefix(f.ast.Doc.Text(), want)
		}
		if !said {
			found = append(found, fmt.Sprintf("%s: no package comment that begins %q", dir, want))
		}
	}
	return found
}

// stateful are the rooms that keep something over a restart or decide on what
// they remember.
func stateful() []string {
	return []string{
		"agent/gates", "agent/guard", "agent/samples", "agent/spool",
		"collector/auth", "collector/ledger", "collector/machine", "collector/notify", "collector/series", "collector/tape",
		"rules",
	}
}

var bold = regexp.MustCompile(`\*\*[^*]+\*\*`)

// promises finds stateful rooms whose DESIGN.md is missing or promises nothing.
func promises(t *tree) []string {
	var found []string
	exist := t.packages()
	for _, dir := range stateful() {
		if !slices.Contains(exist, dir) {
			continue
		}
		if text, ok := t.texts[dir+"/DESIGN.md"]; !ok {
			found = append(found, dir+": holds state but has no DESIGN.md")
		} else if !bold.MatchString(text) {
			found = append(found, dir+"/DESIGN.md: no promise in **bold**")
		}
	}
	return found
}

const (
	longFile  = 400 // lines; one file in ten may have this many
	largeFile = 700 // lines; none may have more
)

// fileSizes finds files that are too long. Generated code does not count.
func fileSizes(t *tree) []string {
	var found, long []string
	written := 0
	for _, f := range t.files {
		if f.generated() {
			continue
		}
		written++
		if f.lines > largeFile {
			found = append(found, fmt.Sprintf("%s: %d lines, more than %d", f.path, f.lines, largeFile))
		}
		if f.lines >= longFile {
			long = append(long, fmt.Sprintf("%s (%d)", f.path, f.lines))
		}
	}
	if len(long)*10 > written {
		found = append(found, fmt.Sprintf("%d of %d files have %d lines or more, over one in ten: %s",
			len(long), written, longFile, strings.Join(long, ", ")))
	}
	return found
}

// noInit finds functions that run before main.
func noInit(t *tree) []string {
	var found []string
	for _, f := range t.files {
		if f.generated() {
			continue
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				found = append(found, t.place(fn)+": func init")
			}
		}
	}
	return found
}

// machinePath is a path of the machine on which the code was written: its
// beginning must not be the middle of a longer path or of an address. It is
// put together from pieces so as not to match itself.
var machinePath = regexp.MustCompile(`(?:^|[^\w./~*-])(/(?:work|root)/\S*|/tmp/(?:plan|tools|bash_jobs)\b\S*)`)

// noMachinePaths finds such paths in what people read.
func noMachinePaths(t *tree) []string {
	var found []string
	for name, text := range t.texts {
		for i, line := range strings.Split(text, "\n") {
			if m := machinePath.FindStringSubmatch(line); m != nil {
				found = append(found, fmt.Sprintf("%s:%d: names %s", name, i+1, m[1]))
			}
		}
	}
	slices.Sort(found)
	return found
}

package rules

import "github.com/tomeishi/tomeishi/agent/strictyaml"

// A File is one rule file, or a file of values that one names as a list.
type File struct {
	Name string
	Text []byte
	List bool `json:",omitempty"`

	Wrong error `json:"-"` // why a list could not be read
}

// YAML is the file as YAML is read.
func (f File) YAML() strictyaml.File { return strictyaml.File{Name: f.Name, Text: f.Text} }

// A Problem is one thing that is wrong, or at least odd, in a rule file.
type Problem = strictyaml.Problem

// Problems are sorted by file, line and column.
type Problems = strictyaml.Problems

// maxFile bounds a rule file, in bytes.
const maxFile = 4 << 20

// namesOf are the names of files, in their order.
func namesOf(files []File) (out []string) {
	for _, f := range files {
		out = append(out, f.Name)
	}
	return out
}

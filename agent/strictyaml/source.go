package strictyaml

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Source knows where the values of a configuration stand, by their path, such
// as auth.people[0].name, and notes what is wrong with them. Of values that no
// file says it knows no place.
type Source struct {
	*Reader
	problems Problems
	root     *yaml.Node // nil if there is no file, or nothing in it
	at       map[string]Member
}

// NoFile is the source of a configuration that was not read from a file.
func NoFile() *Source {
	s := &Source{at: map[string]Member{}}
	s.Reader = NewReader(File{}, "", 0, &s.problems)
	return s
}

// Problems are what was noted, in the order of their places.
func (s *Source) Problems() Problems {
	s.problems.Sort(nil)
	return s.problems
}

// Forget takes the value at this path as one that the file does not say: a flag
// won over it.
func (s *Source) Forget(path string) { delete(s.at, path) }

// Says tells whether the file says a value at this path.
func (s *Source) Says(path string) bool { return s.at[path].Value != nil }

// Errorf notes that the value at this path is wrong.
func (s *Source) Errorf(path, format string, args ...any) {
	s.note(s.value(path), path, false, fmt.Sprintf(format, args...))
}

// Findingf notes that the value at this path is odd.
func (s *Source) Findingf(path, format string, args ...any) {
	s.note(s.value(path), path, true, fmt.Sprintf(format, args...))
}

// KeyErrorf notes that the key at the end of this path is wrong.
func (s *Source) KeyErrorf(path, format string, args ...any) {
	s.note(s.at[path].Key, path, false, fmt.Sprintf(format, args...))
}

// Needf notes that a value is missing, or what goes with it. It does so only if
// nothing else is wrong, for that may be why.
func (s *Source) Needf(path, format string, args ...any) {
	if s.Noted() == 0 {
		s.Errorf(path, format, args...)
	}
}

func (s *Source) note(n *yaml.Node, path string, finding bool, text string) {
	if path != "" && len(path) <= maxPath {
		text = path + ": " + text
	}
	switch {
	case n != nil:
		s.Note(n.Line, n.Column, finding, text)
	case s.File.Name != "":
		s.Note(1, 1, finding, text)
	default:
		s.Note(0, 0, finding, text)
	}
}

// maxPath bounds the path that is said with a problem, in bytes.
const maxPath = 100

// value is the node at a path, or else what it would stand in.
func (s *Source) value(path string) *yaml.Node {
	for path != "" {
		if m, ok := s.at[path]; ok {
			return m.Value
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return s.root
}

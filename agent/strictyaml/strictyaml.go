// Package strictyaml reads the YAML that people write: configurations and rule
// files. It promises that nothing of a file is passed over in silence (an
// unknown key, a key that stands twice, a value that is missing), that what is
// wrong has its place, FILE:LINE:COLUMN with the line and a caret, that all
// errors of a file are told and not only the first, and that what a stranger's
// file costs is bounded. Durations and sizes are written alike everywhere.
//
// It does not know what a key means, and changes no file.
package strictyaml

// A File is a text and the name under which its problems are told.
type File struct {
	Name string
	Text []byte
}

package agent

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// What a collector takes of an agent's labels.
const (
	maxLabels     = 32
	maxLabelName  = 128
	maxLabelValue = 1024
)

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// signalLabels are the labels by which the signals of one host differ. An
// agent's label of that name would hide them.
func signalLabels() []string {
	return []string{
		"cpu", "device", "fstype", "mode", "mountpoint", "source",
		"domainname", "machine", "nodename", "release", "sysname", "version",
		"build_id", "id", "id_like", "image_id", "image_version", "name", "pretty_name",
		"variant", "variant_id", "version_codename", "version_id",
	}
}

func labels(to *map[string]string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		out := make(map[string]string)
		f := fields{}
		if n.Kind == yaml.MappingNode {
			if len(n.Content) > 2*maxLabels {
				return at(n, "%d labels, at most %d", len(n.Content)/2, maxLabels)
			}
			for i := 0; i < len(n.Content); i += 2 {
				key := n.Content[i]
				if err := checkLabel(key.Value); err != nil {
					return at(key, "%q %w", key.Value, err)
				}
				f[key.Value] = func(v *yaml.Node) error {
					var s string
					err := text(&s)(v)
					if err == nil && !sound(s) {
						err = at(v, "the value of a label is at most %d bytes of text without control characters", maxLabelValue)
					}
					out[key.Value] = s
					return err
				}
			}
		}
		*to = out
		return f.read(n)
	}
}

// checkLabel says what is wrong with the name of a label.
func checkLabel(name string) error {
	switch {
	case !labelName.MatchString(name) || len(name) > maxLabelName:
		return fmt.Errorf("is no label name: letters, digits and _, at most %d", maxLabelName)
	case strings.HasPrefix(name, "__"):
		return errors.New("cannot be set: names that begin with __ are Prometheus's own")
	case name == "instance":
		return errors.New("cannot be set: it is the agent's id, which the key id sets")
	case slices.Contains(signalLabels(), name):
		return errors.New("cannot be set: it is a label of this host's signals. Choose another name")
	}
	return nil
}

func sound(s string) bool {
	return len(s) <= maxLabelValue && utf8.ValidString(s) &&
		!strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 })
}

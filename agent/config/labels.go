package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tomeishi/tomeishi/agent/strictyaml"
)

// Bounds of a collector on an agent's labels.
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

func (c *Config) checkLabels(s *strictyaml.Source) {
	if len(c.Labels) > maxLabels {
		s.Errorf("labels", "%d labels, at most %d", len(c.Labels), maxLabels)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
		if err := checkLabel(name); err != nil {
			s.KeyErrorf("labels."+name, "%v", err)
		}
		if !sound(c.Labels[name]) {
			s.Errorf("labels."+name, "the value of a label is at most %d bytes of text without control characters", maxLabelValue)
		}
	}
}

// checkLabel says what is wrong with the name of a label.
func checkLabel(name string) error {
	switch {
	case !labelName.MatchString(name) || len(name) > maxLabelName:
		return fmt.Errorf("%s is no label name: letters, digits and _, not first a digit, at most %d", strictyaml.Clip(name), maxLabelName)
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

package report

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

var (
	errEmptyText = errors.New("is empty")

	// latest is the first time that is refused, in Unix milliseconds.
	latest = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
)

func checkTime(ms int64) error {
	if ms < 0 || ms >= latest {
		return fmt.Errorf("%d ms is not a time from 1970 to 2100", ms)
	}
	return nil
}

// checkWord checks a name or a label's value.
func checkWord(s string, most int) error {
	if s == "" {
		return errEmptyText
	}
	if len(s) > most {
		return fmt.Errorf("%d bytes long, at most %d", len(s), most)
	}
	return checkAttr(s)
}

// checkNames checks the names of labels whose texts are known to be sound.
func checkNames(labels []Attr) error {
	for i, l := range labels {
		switch {
		case len(l.Name) > maxMetric:
			return fmt.Errorf("label %.40q: a name of %d bytes, at most %d", l.Name, len(l.Name), maxMetric)
		case l.Name == "__name__" || l.Name == "instance":
			return fmt.Errorf("label %q is not the agent's to give", l.Name)
		case i > 0 && labels[i-1].Name >= l.Name:
			return fmt.Errorf("label %.80q: labels must be sorted by name, and differ", l.Name)
		}
	}
	return nil
}

// checkOwn checks the labels of an agent.
func checkOwn(labels []Attr) error {
	for _, l := range labels {
		if err := checkWord(l.Name, maxMetric); err != nil {
			return fmt.Errorf("label %.40q: %w", l.Name, err)
		}
		if err := checkWord(l.Value, maxLabel); err != nil {
			return fmt.Errorf("label %.40q: %w", l.Name, err)
		}
	}
	return checkNames(labels)
}

// apart refuses labels of an agent that its series have too.
func (s *Schema) apart(own []Attr) error {
	for _, l := range own {
		if _, both := slices.BinarySearch(s.names, l.Name); both {
			return fmt.Errorf("label %.80q of the agent is also a label of a series", l.Name)
		}
	}
	return nil
}

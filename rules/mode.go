package rules

import "fmt"

// A Mode is how far a machine may go by itself. The zero Mode names none.
type Mode uint8

// The modes, the weakest first.
const (
	Shadow Mode = 1 + iota
	Approve
	Enforce
)

var modeNames = [...]string{"", "shadow", "approve", "enforce"}

func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return fmt.Sprintf("mode %d", uint8(m))
}

// Effective is the weakest of the modes that are named; Shadow if none is.
func Effective(modes ...Mode) Mode {
	weakest := Mode(0)
	for _, m := range modes {
		if m != 0 && (weakest == 0 || m < weakest) {
			weakest = m
		}
	}
	if weakest == 0 {
		return Shadow
	}
	return weakest
}

// MarshalText is the mode's name.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads a mode's name.
func (m *Mode) UnmarshalText(text []byte) error {
	for i, name := range modeNames {
		if string(text) == name {
			*m = Mode(i)
			return nil
		}
	}
	return fmt.Errorf("%q is no mode: shadow, approve or enforce", text)
}

package machine

import (
	"fmt"
	"slices"
	"strings"
)

// Bounds of what a metric alert says: its series may be anybody's.
const (
	maxLabels = 400     // labels, and as many annotations
	maxText   = 4096    // bytes of an annotation
	maxTexts  = 1 << 15 // bytes of all labels, and as many of all annotations
)

// BoundLabels are labels as a metric alert carries them: sorted by name, one of
// each, cut to what is kept, in valid UTF-8. Alerts whose bound labels are equal
// are one alert. What it made it leaves as it is. The Mark is not theirs to have.
func BoundLabels(labels []Label) []Label { return bound(labels, maxLabel) }

// bound bounds names to maxLabel bytes and values to most.
func bound(labels []Label, most int) []Label {
	out := make([]Label, 0, len(labels))
	for _, l := range labels {
		if l.Name == Mark {
			l.Name = "exported_" + Mark
		}
		out = append(out, Label{Name: cut(valid(l.Name), maxLabel), Value: cut(valid(l.Value), most)})
	}
	slices.SortStableFunc(out, compareNames)
	out = slices.CompactFunc(out, func(x, y Label) bool { return x.Name == y.Name })
	out = out[:min(len(out), maxLabels)]
	size := 0
	for i, l := range out {
		if size += len(l.Name) + len(l.Value); size > maxTexts {
			return out[:i:i]
		}
	}
	return out
}

func compareNames(a, b Label) int { return strings.Compare(a.Name, b.Name) }

// valid is s as it comes back from JSON.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// clip keeps a sender's text from filling the state.
func clip(s string) string { return cut(s, maxLabel) }

// cut cuts a text that is longer than most bytes, between characters.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// blank tells whether a person wrote nothing.
func blank(reason string) bool { return strings.TrimSpace(reason) == "" }

// decimalOf is a whole number as the record holds it.
func decimalOf[N int | int64 | uint64](n N) string { return fmt.Sprintf("%d", n) }

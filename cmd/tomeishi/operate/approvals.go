package operate

import (
	"strconv"
	"strings"

	"github.com/tomeishi/tomeishi/cmd/tomeishi/term"
	"github.com/tomeishi/tomeishi/collector/api"
)

// sayPending says that an opening takes more people.
func sayPending(t *term.Terminal, g api.Gate) {
	t.Printf("%s is still %s: nothing has opened\n", term.Line(g.Name), t.State("CLOSED"))
	showAgreed(t, g)
	t.Printf("%s. The other gives the same command within an hour. To look at it before:\n  tomeishi gate show %s\n", missing(g), term.Line(g.Name))
	if g.Open.AloneAfter != "" {
		t.Printf("  or you alone with verdict false, once its newest hold has stood for %s\n", alone(g.Open))
	}
}

// missing says how many people have to agree yet. Whoever is not known by name
// does not count.
func missing(g api.Gate) string {
	for _, a := range g.Agreed {
		if !a.Unnamed {
			return "One more person has to agree, by another name"
		}
	}
	return strconv.Itoa(max(2, g.Open.Approvals)) + " people by name have to agree: whoever asks here is not known by name"
}

// showAgreed lists who wants to open a gate.
func showAgreed(t *term.Terminal, g api.Gate) {
	for _, a := range g.Agreed {
		what := "open it"
		if a.Hold != "" {
			what = "lift hold " + a.Hold
		}
		if a.Verdict != "" {
			what += ", verdict " + a.Verdict
		}
		if len(a.Shadow) > 0 {
			what += ", with " + strings.Join(a.Shadow, ", ") + " in shadow for " + span(a.ShadowFor)
		}
		if a.Unnamed {
			what += " (does not count: not known by name)"
		}
		t.Printf("  %s wants to %s: %s, %s\n", term.Line(a.By), term.Line(what), term.Line(a.Reason), term.When(a.At))
	}
}

// showApprovals says whom it takes to open a gate, where that is more than one.
func showApprovals(t *term.Terminal, o api.Opening) {
	if o.Approvals < 2 {
		return
	}
	t.Printf("  It takes %d people, each by their own name, within an hour.\n", o.Approvals)
	if o.AloneAfter != "" {
		t.Printf("  One may do it alone with verdict false, once the newest hold has stood for %s.\n", alone(o))
	}
}

// alone says for how long the newest hold must stand before one may open alone.
func alone(o api.Opening) string { return span(o.AloneAfter) }

// span is a length of time without its zeros.
func span(duration string) string {
	text := term.Line(duration)
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// showHeld says what was refused since the gate closed.
func showHeld(t *term.Terminal, h *api.Held) {
	if h == nil {
		return
	}
	least := ""
	if h.More {
		least = "at least "
	}
	parts := []string{least + term.Count(h.Requests, "request")}
	for _, s := range h.Sums {
		parts = append(parts, s.Amount+" "+s.Asset)
	}
	if h.Unpriced > 0 {
		parts = append(parts, "of "+strconv.Itoa(h.Unpriced)+" no amount is known")
	}
	text := strings.Join(parts, ", ")
	if h.Unnamed > 0 {
		text += "; and " + term.Plural(h.Unnamed, "ask") + " that named no request"
	}
	t.Printf("\n  held since it closed: %s\n", term.Line(text))
}

package machine

import (
	"slices"
	"testing"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/rules"
)

// TestList is that a list comes with its rule set, also back from a snapshot, and
// that another one makes of its rule another rule.
func TestList(t *testing.T) {
	const text = `
lists: {known: {file: known.txt}}
groups:
- name: g
  rules:
  - {alert: Unknown, event: payout.sent, where: '!(data.address in lists.known)', by: [data.address], within: 1h, when: count() >= 1}
`
	r := newRig(t, testRules)
	load := func(set, list string) LiveOutcome {
		t.Helper()
		files := append(oneFile(text), rules.File{Name: "known.txt", Text: []byte(list), List: true})
		r.must(r.json(entry.KindPrepare, entry.Prepare{Set: set, Files: files}))
		out := r.json(entry.KindLive, entry.Live{Set: set})
		r.must(out)
		return out.(LiveOutcome)
	}
	load("1", "addr-w1\n")
	r.pay("w1", "p1")
	r.pay("w2", "p2")
	if got := r.standing(); !slices.Equal(got, []string{"Unknown"}) {
		t.Fatalf("alerts %v", got)
	}
	r.restarted()
	r.pay("w1", "p3")
	r.pay("w3", "p4")
	if got := r.standing(); !slices.Equal(got, []string{"Unknown", "Unknown"}) {
		t.Fatalf("alerts %v after a restart", got)
	}
	if out := load("2", "# as before\naddr-w1\n"); out.Kept != 1 {
		t.Errorf("the same values: %+v", out)
	}
	if out := load("3", "addr-w2\n"); out.Kept != 0 || out.Fill == 0 {
		t.Errorf("other values: %+v, want a rule that is filled from the tape", out)
	}
}

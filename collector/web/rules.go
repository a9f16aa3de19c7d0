package web

import (
	"cmp"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/web/chart"
	"github.com/tomeishi/tomeishi/rules"
)

// rulesPage is all rules.
type rulesPage struct {
	Groups     []ruleGroup
	Filter     string
	State      string
	States     []ruleCount
	All, Found int
	More       int
	Set        string // the name of the live set
	Since      time.Time
	Disarmed   []rules.Guard      // since that set
	Unread     []machine.TypeView // types that no rule reads, the first of them
	Unlisted   int                // how many more there are
	Others     uint64             // events of further types
}

// A ruleCount is how many rules are in a state.
type ruleCount struct {
	State string
	Count int
}

// A ruleGroup is the rules of one group of one file.
type ruleGroup struct {
	File, Name string
	Interval   time.Duration // 0 for event rules, which count as events come
	Evaluated  time.Time     // zero if it never was, or is of event rules
	Took       time.Duration
	Missed     uint64
	Rows       []ruleRow
}

// A ruleRow is one rule with what became of it.
type ruleRow struct {
	Name, Kind string // event, metric, recording or built in
	State      string // failing, firing, pending, unknown, inactive or recording
	Explain    string
	Standing   int
	Pending    int
	LastFired  int64 // ledger time; 0 if it never did
	Problem    string
	Took       time.Duration
	Uses       []ruleUse
	Counts     *machine.RuleView // of an event rule
}

// A ruleUse is what a rule may do.
type ruleUse struct {
	Mitigation, Target string
	Mode               rules.Mode
}

// ruleStates are the states of rules, those first that somebody should look at.
var ruleStates = []string{"failing", "firing", "pending", "unknown", "inactive", "recording"}

// errorStands is how long a rule counts as failing after an error.
const errorStands = time.Hour

func (w *Web) rules(rw http.ResponseWriter, r *http.Request) {
	p := rulesPage{Filter: clipText(r.URL.Query().Get("q")), State: clipText(r.URL.Query().Get("state"))}
	_, p.Set, p.Since = w.o.Machine.RulesView()
	p.Disarmed = w.o.Machine.DisarmedView()
	p.unread(w.o.Machine.TypesView())
	groups := append(w.eventGroups(w.words(r)), w.metricGroups()...)
	groups = append(groups, ruleGroup{Name: "tomeishi", Rows: w.builtInRules()})
	count := map[string]int{}
	shown := 0
	for _, g := range groups {
		p.All += len(g.Rows)
		g.Rows = slices.DeleteFunc(g.Rows, func(row ruleRow) bool {
			count[row.State]++
			return p.State != "" && row.State != p.State || !row.has(g, strings.ToLower(p.Filter))
		})
		p.Found += len(g.Rows)
		g.Rows = g.Rows[:min(len(g.Rows), maxRules-shown)]
		shown += len(g.Rows)
		if len(g.Rows) > 0 {
			p.Groups = append(p.Groups, g)
		}
	}
	p.More = p.Found - shown
	for _, state := range ruleStates {
		if count[state] > 0 {
			p.States = append(p.States, ruleCount{state, count[state]})
		}
	}
	slices.SortStableFunc(p.Groups, func(a, b ruleGroup) int { return cmp.Compare(worst(a), worst(b)) })
	w.page(rw, r, "rules", p)
}

// maxUnread bounds the types that are shown at once.
const maxUnread = 50

// unread notes the types that no rule reads.
func (p *rulesPage) unread(types []machine.TypeView, others uint64) {
	types = slices.DeleteFunc(types, func(t machine.TypeView) bool { return t.Rules > 0 })
	p.Unread, p.Others = types[:min(len(types), maxUnread)], others
	p.Unlisted = len(types) - len(p.Unread)
}

// builtInKind is the kind of what no rule file has.
const builtInKind = "built in"

// watchdog is the alert that always stands, as it should.
const watchdog = "Watchdog"

// maxRules bounds the rules that are shown at once.
const maxRules = 500

// worst is the place of a group's worst state, so that what needs somebody
// comes first; quiet groups stay in the order of their files.
func worst(g ruleGroup) int {
	out := len(ruleStates)
	for _, row := range g.Rows {
		if row.Name != watchdog {
			out = min(out, slices.Index(ruleStates, row.State))
		}
	}
	return min(out, slices.Index(ruleStates, "unknown"))
}

func (row *ruleRow) has(g ruleGroup, text string) bool {
	return text == "" || strings.Contains(strings.ToLower(row.Name+" "+g.Name+" "+g.File+" "+row.Explain), text)
}

// BaseFile is the file without its folder; empty if there is none.
func (g ruleGroup) BaseFile() string {
	if g.File == "" {
		return ""
	}
	return path.Base(g.File)
}

// TookText is how long the last evaluation took.
func (g ruleGroup) TookText() string { return chart.Seconds.Text(g.Took.Seconds()) }

// TookText is how long the last evaluation took; empty if it is not known.
func (row ruleRow) TookText() string {
	if row.Took == 0 {
		return ""
	}
	return chart.Seconds.Text(row.Took.Seconds())
}

// Chip is the class of the state's color.
func (row ruleRow) Chip() string {
	if row.Kind == builtInKind && row.Name == watchdog {
		if row.Standing > 0 {
			return "good"
		}
		return "warn"
	}
	switch row.State {
	case "failing":
		return "bad"
	case "firing", "pending":
		return "warn"
	case "inactive":
		return "good"
	}
	return ""
}

// ShortSet is the beginning of the name of the live set.
func (p rulesPage) ShortSet() string { return p.Set[:min(len(p.Set), 8)] }

package message

// A builtInText is what a built-in alert says: a text of the catalog, and the
// labels that fill it. What the machine says in English may say more.
type builtInText struct {
	text   string
	labels []string
}

// Built-in alerts of which a page says more than others.
const (
	approvalWanted = "ApprovalWanted"
	automaticOff   = "AutomaticOff"
	gateClosed     = "GateClosed"
	openedAlone    = "OpenedAlone"
)

// builtInTexts are those of the built-in alerts, by name.
var builtInTexts = map[string]builtInText{
	"AgentSilent":   {"Nothing was heard of agent %s for 30 seconds: how its host is doing is not known", []string{"agent"}},
	"AgentBlind":    {"Blocks of agent %s never came: what they told is not known", []string{"agent"}},
	"AgentCloned":   {"Two senders use the name of agent %s: each needs a name and a data folder of its own", []string{"agent"}},
	automaticOff:    {"Automatic effects are off: what would close a gate waits for approval", nil},
	approvalWanted:  {"A second person has to agree that gate %s opens: nothing has opened", []string{"gate"}},
	"ClockOff":      {"The clock of agent %s is off: what it measures stands at wrong times", []string{"agent"}},
	"DiskFull":      {"The collector's disk is full: what is reported is refused and waits at the agents; gates and decisions still work", nil},
	"DiskLow":       {"The collector's disk has little room left", nil},
	gateClosed:      {"Gate %s is closed until a person opens it", []string{"gate"}},
	"LedgerTimeOff": {"Ledger time and the clock of the collector's host differ", nil},
	"NotifyFailing": {"People are not told through receiver %s", []string{"receiver"}},
	openedAlone:     {"%[2]s opened gate %[1]s without a second person", []string{"gate", "by"}},
	"ReloadFailed":  {"Rule files or receivers were not loaded again: those before go on", nil},
	"RuleErrors":    {"Rule %s could not judge everything that it should have", []string{"rule"}},
	"Watchdog":      {"This alert always stands: if you stop hearing of it, others may not reach you either", nil},
}

// builtInEnds are what those say once they are over whose text would then be
// untrue.
var builtInEnds = map[string]builtInText{
	automaticOff:   {"Automatic effects went on again", nil},
	approvalWanted: {"Opening gate %s waits for a second person no longer", []string{"gate"}},
	gateClosed:     {"Gate %s was closed, and a person opened it", []string{"gate"}},
}

// rulesBlind is what RuleErrors says when it is about no rule in particular.
const rulesBlind = "Metric rules are not evaluated"

// builtIn is what a built-in alert says in the language of the page. It is
// empty where the alert itself says it: in English, and for all other alerts.
func (p *page) builtIn() string {
	said, ok := builtInTexts[p.alert.Rule]
	if s := p.around.Switch; ok && isBuiltIn(p.alert) && p.alert.Rule == automaticOff && s.Off && p.alert.Ended == 0 {
		return p.words.T("%s switched automatic effects off until %s: %s", oneLine(s.Actor, maxLine/4), p.words.Time(at(s.Until)), oneLine(s.Reason, maxLine/2))
	}
	if end, untrue := builtInEnds[p.alert.Rule]; untrue && p.alert.Ended != 0 {
		said = end
	}
	if !isBuiltIn(p.alert) || !ok || p.words.language == English && p.texts["summary"] != "" {
		return ""
	}
	if p.alert.Rule == "RuleErrors" && p.alert.Label("rule") == "" {
		return p.words.T(rulesBlind)
	}
	var args []any
	for _, label := range said.labels {
		args = append(args, oneLine(p.alert.Label(label), maxLine/2))
	}
	return p.words.T(said.text, args...)
}

// details is what the alert says beside its summary; for a built-in one in
// another language what the machine said of it, which may have more.
func (p *page) details() string {
	if text := p.texts["description"]; text != "" {
		return oneLine(text, maxLine)
	}
	if p.builtIn() != "" && p.words.language != English && p.alert.Rule != automaticOff {
		return oneLine(p.texts["summary"], maxLine)
	}
	return ""
}

// builtInChoices are what can be done about built-in alerts, beside what their
// runbook says.
func (p *page) builtInChoices() []string {
	if !isBuiltIn(p.alert) {
		return nil
	}
	switch p.alert.Rule {
	case automaticOff:
		return []string{p.words.T("Switch automatic effects on again as soon as it is safe")}
	case openedAlone:
		return []string{p.words.T("Close gate %s by hand if it should be closed", p.alert.Label("gate"))}
	}
	return nil
}

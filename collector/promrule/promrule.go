// Package promrule is rules of PromQL as they were evaluated last: the shape in
// which the room that evaluates them hands them to those that show them.
package promrule

import "time"

// Types of rules of PromQL.
const (
	Alerting  = "alerting"
	Recording = "recording"
)

// A Group is a group of rules of PromQL as it was evaluated last. The rooms
// that evaluate and that show share the word; the machine keeps none.
type Group struct {
	File, Name     string
	Interval       time.Duration
	Limit          int           // of alerts or series of one rule; 0 for none
	LastEvaluation time.Time     // zero before the first
	EvaluationTime time.Duration // that the last one took
	Missed         uint64        // evaluations, because one before took too long
	Rules          []Rule        // in the order of the file
}

// A Rule is a rule of PromQL as it was evaluated last.
type Rule struct {
	Type           string // Alerting or Recording
	Name, Query    string
	Duration       time.Duration // of `for`
	KeepFiringFor  time.Duration
	Labels         map[string]string // templates, those of the group among them
	Annotations    map[string]string // templates
	Health         string            // ok, err or unknown
	LastError      string            // of the last evaluation; empty if it was well
	EvaluationTime time.Duration
	LastEvaluation time.Time
	State          string // firing, pending, inactive or unknown; empty for Recording
	Alerts         []Alert
}

// A Alert is an alert as its rule finds it. Whether it stands is for the
// machine to say.
type Alert struct {
	Labels, Annotations map[string]string
	State               string // pending or firing
	ActiveAt            time.Time
	Value               float64
}

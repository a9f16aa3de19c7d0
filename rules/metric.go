package rules

import "time"

// A MetricRule is an alerting rule of PromQL. What it means is Prometheus's;
// here stands what is ours, and what shows it.
type MetricRule struct {
	File        string // in which it stands
	Group, Name string
	Expr        string
	For         time.Duration
	KeepFiring  time.Duration
	Labels      []Pair // templates, sorted by name, those of the group among them
	Annotations []Pair // templates, sorted by name
	Mitigate    []Use

	// ID is the same for rules whose alerts go on: file, group, name,
	// expression, for and labels decide it. Two rules with one ID mitigate
	// nothing.
	ID [16]byte
}

// A RecordingRule is a rule of PromQL that makes a series.
type RecordingRule struct {
	File        string // in which it stands
	Group, Name string
	Expr        string
}

// A Checker says what is wrong with what only PromQL's engine can read.
type Checker interface {
	// Expr checks one expression. offset is the character of the text at which
	// the error is.
	Expr(text string) (offset int, err error)
	// File checks a whole file of rules, as Prometheus would before it loads
	// it. It is the authority: what it takes is loaded.
	File(f File) error
}

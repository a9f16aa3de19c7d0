// Package silence is what the rooms that keep, show and make silences share: what
// a silence is, and how its matchers name alerts.
//
// It promises that matchers mean what they mean to the engine that keeps
// notifications back; a fuzz test of package notify compares them.
package silence

import "time"

// A Silence keeps notifications back for the alerts that all its matchers name.
// It disarms no mitigation.
type Silence struct {
	ID       string    `json:"id"`
	Matchers []Matcher `json:"matchers"`
	Starts   time.Time `json:"starts"`
	Ends     time.Time `json:"ends"`
	Updated  time.Time `json:"updated"`
	By       string    `json:"by"`
	Comment  string    `json:"comment"`
	State    string    `json:"state"` // pending, active or expired
}

// A Matcher names alerts by one label.
type Matcher struct {
	Name  string `json:"name"`
	Op    string `json:"op"` // =, !=, =~ or !~
	Value string `json:"value"`
}

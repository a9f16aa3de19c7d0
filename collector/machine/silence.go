package machine

import "time"

// A Silence keeps notifications back for the alerts that all its matchers name.
// It disarms no mitigation. The rooms that keep and that show silences share
// the word; here they are opaque.
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

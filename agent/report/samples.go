package report

import (
	"errors"
	"math"
)

// SamplesType is the content type of samples on POST /v1/blocks.
const SamplesType = "application/vnd.tomeishi.samples"

// Bounds of samples. What keeps them fits MaxBody in either form.
const (
	MaxSeries = 10_000  // series of one schema
	MaxFrames = 4_096   // frames of one Samples
	MaxValues = 800_000 // frames times series of one Samples

	maxSchema = 1 << 20 // bytes of an encoded schema, and of its words together
	maxLabels = 32      // labels of one series, and of an agent
	maxMetric = 256     // bytes of a name
	maxLabel  = 1024    // bytes of a label's value
)

// Absent is the value of a series that is not there at a time. It is a NaN of
// its own bits, those of Prometheus's staleness marker; compare with IsAbsent.
var Absent = math.Float64frombits(absentBits)

const absentBits = 0x7ff0000000000002

// IsAbsent tells Absent from every other value, NaN among them.
func IsAbsent(v float64) bool { return math.Float64bits(v) == absentBits }

// A Series is one thing that is measured: a name and labels, sorted by name.
// Neither instance nor the agent's own labels are among them.
type Series struct {
	Name   string
	Labels []Attr
}

// A Frame is a value of each series of a schema, measured at one time.
type Frame struct {
	Time   int64     // Unix milliseconds
	Values []float64 // as many as the schema has series; Absent where there is none
}

// Samples are frames of one agent under one schema, the oldest first.
type Samples struct {
	Agent string
	// Lane is drawn at random with the agent's data folder, so that two hosts
	// with one name are told apart.
	Lane SpoolID
	// Sent is the agent's wall clock when it sent them, in Unix milliseconds; 0
	// for what had to wait, from which no clock can be judged.
	Sent   int64
	Labels []Attr // the agent's own, sorted by name
	Schema *Schema
	Frames []Frame
}

// A SamplesHead is what can be read without decoding the values.
type SamplesHead struct {
	Agent       string
	Lane        SpoolID
	Sent        int64 // Unix milliseconds; 0 for what had to wait
	First, Last int64 // times of the frames, Unix milliseconds
	Frames      int
	Series      int
}

// ErrBase means that delta-coded samples build on others that the reader does
// not have: they must be sent whole.
var ErrBase = errors.New("these samples build on others that are not known here: send them whole")

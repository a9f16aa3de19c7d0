package series

import (
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/tomeishi/tomeishi/agent/report"
)

// A layout is what the values of an agent's frames are stored under.
type layout struct {
	agent  string
	own    []report.Attr // the agent's labels
	schema *report.Schema
	refs   []storage.SeriesRef // of the TSDB; 0 where it is not known
}

func newLayout(s *report.Samples) *layout {
	return &layout{s.Agent, s.Labels, s.Schema, make([]storage.SeriesRef, len(s.Schema.Series()))}
}

const (
	defaultJob    = "node"
	instanceLabel = "instance"
	jobLabel      = "job"
)

// labels are those of the i-th series: its own, the agent's where it has none
// of that name, and whose it is.
func (l *layout) labels(i int) labels.Labels {
	one := l.schema.Series()[i]
	b := labels.NewScratchBuilder(len(one.Labels) + len(l.own) + 3)
	b.Add(model.MetricNameLabel, one.Name)
	b.Add(instanceLabel, l.agent)
	has := map[string]bool{model.MetricNameLabel: true, instanceLabel: true}
	for _, group := range [...][]report.Attr{one.Labels, l.own, {{Name: jobLabel, Value: defaultJob}}} {
		for _, a := range group {
			if !has[a.Name] {
				has[a.Name] = true
				b.Add(a.Name, a.Value)
			}
		}
	}
	b.Sort()
	return b.Labels()
}

// index finds series by their labels.
func (l *layout) index() map[string]int {
	out := make(map[string]int, len(l.refs))
	for i := range l.refs {
		out[string(l.labels(i).Bytes(nil))] = i
	}
	return out
}

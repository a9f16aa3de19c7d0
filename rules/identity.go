package rules

import "github.com/tomeishi/tomeishi/rules/form"

// identity hashes what decides whether an alert of the rule is the same one.
func (r *MetricRule) identity() [16]byte {
	var d form.Digest
	d.Add("metric rule 1", r.File, r.Group, r.Name, r.Expr)
	d.Length(r.For)
	for _, l := range r.Labels {
		d.Add(l.Name, l.Value)
	}
	return d.Sum()
}

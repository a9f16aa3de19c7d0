package dedup

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/tomeishi/tomeishi/agent/report"
)

// Differ names the fields of data, and the subject, in which two events differ, in
// the order of their names. Of data that is no object it is data as a whole.
func Differ(a, b *report.Event) (names []string) {
	if a.Subject != b.Subject {
		names = append(names, "subject")
	}
	d := NewDigester([2]uint64{})
	s := d.Shape(nil, nil)
	says := func(data []byte, like *report.Event) uint64 {
		all, _ := d.Digest(&report.Event{Data: data, DataType: like.DataType}, s)
		return all
	}
	if says(a.Data, a) == says(b.Data, b) {
		return names
	}
	var x, y map[string]json.RawMessage
	if !a.JSON() || !b.JSON() || json.Unmarshal(a.Data, &x) != nil || json.Unmarshal(b.Data, &y) != nil {
		return append(names, "data")
	}
	one := func(fields map[string]json.RawMessage, name string) uint64 {
		value, ok := fields[name]
		if !ok {
			return 0
		}
		data, err := json.Marshal(map[string]json.RawMessage{name: value})
		if err != nil {
			return 0
		}
		return says(data, a)
	}
	all := maps.Clone(x)
	if all == nil {
		all = map[string]json.RawMessage{}
	}
	maps.Copy(all, y)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if one(x, name) != one(y, name) {
			names = append(names, "data."+name)
		}
	}
	return names
}

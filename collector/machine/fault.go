package machine

import (
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/rules/match"
)

// faults are how the record names the faults of rules.
var faults = map[match.FaultKind]record.Kind{
	match.Other:       record.FaultOther,
	match.Unordered:   record.FaultUnordered,
	match.Nested:      record.FaultNested,
	match.NotNumber:   record.FaultNotNumber,
	match.TooLong:     record.FaultTooLong,
	match.Absent:      record.FaultAbsent,
	match.NotScalar:   record.FaultNotScalar,
	match.MixedAssets: record.FaultMixed,
	match.NotBool:     record.FaultNotBool,
	match.Unfit:       record.FaultUnfit,
	match.Overflow:    record.FaultOverflow,
	match.TooCostly:   record.FaultTooCostly,

	match.Incalculable: record.FaultIncalculable,
}

// noted is a fault as the record says it.
func noted(f *match.Fault) record.Note {
	kind, ok := faults[f.Kind]
	if !ok {
		kind = record.FaultOther
	}
	return record.New(kind, clean(f.Of), clean(f.Field), clean(f.Value))
}

package machine

import (
	"fmt"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// EachBatch calls do with the batches of an entry, in order, until it is false.
// They share the entry's memory.
func EachBatch(e entry.Entry, do func(report.Batch) bool) error {
	if e.Kind == entry.KindBatch {
		b, err := report.TrustBatch(e.Body)
		if err == nil {
			do(b)
		}
		return err
	}
	if e.Kind != entry.KindBlocks {
		return fmt.Errorf("entry of kind %d, which holds no events", e.Kind)
	}
	for body := e.Body; len(body) > 0; {
		b, rest, err := report.ReadBlock(body)
		if err != nil {
			return err
		}
		if !do(b.Batch) {
			return nil
		}
		body = rest
	}
	return nil
}

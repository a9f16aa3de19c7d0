package series

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// Why a sample was not stored.
const (
	reasonAhead      = "ahead"       // of its entry by more than five minutes
	reasonOld        = "old"         // older than what may come late
	reasonDuplicate  = "duplicate"   // another value of the series at that time came first
	reasonSeries     = "series"      // of a series above the bound
	reasonInvalid    = "invalid"     // as Prometheus sees it
	reasonCatchingUp = "catching_up" // the collector's own, at the start
	reasonDisk       = "disk"        // the collector's own, while the disk is nearly full
)

func reasons() []string {
	return []string{reasonAhead, reasonOld, reasonDuplicate, reasonSeries, reasonInvalid, reasonCatchingUp, reasonDisk}
}

// Errors beside the TSDB's own. They wrap what Prometheus answers with 400.
var (
	errAhead  = fmt.Errorf("%w: the timestamp is more than %s ahead of the collector's clock", storage.ErrOutOfBounds, ahead)
	errSeries = fmt.Errorf("%w: there are too many series: no new one is taken", storage.ErrOutOfBounds)
)

func reasonOf(err error) string {
	switch {
	case errors.Is(err, errAhead):
		return reasonAhead
	case errors.Is(err, errSeries):
		return reasonSeries
	case errors.Is(err, storage.ErrDuplicateSampleForTimestamp):
		return reasonDuplicate
	case errors.Is(err, storage.ErrOutOfOrderSample), errors.Is(err, storage.ErrOutOfBounds), errors.Is(err, storage.ErrTooOldSample):
		return reasonOld
	}
	return reasonInvalid
}

// appender is the TSDB's, for as long as there are not too many series.
func (s *Store) appender(ctx context.Context) *boundedAppender {
	all := s.db.AppenderV2(ctx).(storage.ExemplarAppenderV2) // as it says of itself
	return &boundedAppender{ExemplarAppenderV2: all, head: s.db.Head(), most: uint64(s.o.MaxSeries)}
}

// boundedAppender takes new series only while they are fewer than the bound.
type boundedAppender struct {
	storage.ExemplarAppenderV2
	head *tsdb.Head
	most uint64
}

// Append takes a sample or a histogram, unless its series is one too many.
func (a *boundedAppender) Append(ref storage.SeriesRef, ls labels.Labels, st, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, o storage.AOptions) (storage.SeriesRef, error) {
	if !ls.IsEmpty() && !a.room(ls) {
		return 0, errSeries
	}
	return a.ExemplarAppenderV2.Append(ref, ls, st, t, v, h, fh, o)
}

func (a *boundedAppender) room(ls labels.Labels) bool {
	if a.head.NumSeries() < a.most {
		return true
	}
	known, ok := a.ExemplarAppenderV2.(storage.GetRef)
	if !ok {
		return true
	}
	ref, _ := known.GetRef(ls, ls.Hash())
	return ref != 0
}

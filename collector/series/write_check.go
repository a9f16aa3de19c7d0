package series

import (
	"context"
	"fmt"
	"net/http"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// Bounds of what one series of a remote write request may have.
const (
	maxLabels     = 64
	maxLabelName  = 256
	maxLabelValue = 4 << 10
)

// A verdict is what Prometheus's handler would do with a request, found before
// it enters the ledger: the handler decodes it and appends to nothing.
type verdict struct {
	families *families
	samples  int   // that it would store
	broken   error // the first bound of ours that the request breaks
}

type verdictKey struct{}

// check runs Prometheus's handler on a request without storing it.
func (w *writes) check(r *http.Request, protocol byte, compressed []byte) (*verdict, *recorder) {
	v := &verdict{families: &w.s.families}
	answer := w.handle(context.WithValue(r.Context(), verdictKey{}, v), w.checker, protocol, compressed)
	return v, answer
}

// checking hands the verdict in ctx to the handler as its storage.
type checking struct{}

// AppenderV2 is the verdict in ctx.
func (checking) AppenderV2(ctx context.Context) storage.AppenderV2 {
	return ctx.Value(verdictKey{}).(*verdict)
}

// Append counts a sample, or a histogram that is sound, and learns what protocol
// 2 says of the metric.
func (v *verdict) Append(ref storage.SeriesRef, ls labels.Labels, _, _ int64, _ float64, h *histogram.Histogram, fh *histogram.FloatHistogram, o storage.AOptions) (storage.SeriesRef, error) {
	var err error
	if h != nil {
		err = h.Validate()
	} else if fh != nil {
		err = fh.Validate()
	}
	if err != nil {
		return 0, err
	}
	if err := checkLabels(ls); err != nil {
		return 0, v.breaks(err)
	}
	if ref == 0 { // the first of its series
		v.families.learn(familyName(ls.Get(model.MetricNameLabel), o.Metadata.Type), o.Metadata)
	}
	v.samples++
	return 1, nil
}

// AppendExemplars looks at the size of exemplars.
func (v *verdict) AppendExemplars(_ storage.SeriesRef, _ labels.Labels, exemplars []exemplar.Exemplar) (storage.SeriesRef, error) {
	for _, e := range exemplars {
		if err := checkLabels(e.Labels); err != nil {
			return 0, v.breaks(fmt.Errorf("exemplar: %w", err))
		}
	}
	return 1, nil
}

// Commit stores nothing.
func (v *verdict) Commit() error { return nil }

// Rollback has nothing to undo.
func (v *verdict) Rollback() error { return nil }

// breaks remembers the first error of ours, and gives it to the handler as one
// that it answers with 400.
func (v *verdict) breaks(err error) error {
	if v.broken == nil {
		v.broken = err
	}
	return fmt.Errorf("%w: %w", storage.ErrOutOfBounds, err)
}

// checkLabels keeps a sender from filling the index.
func checkLabels(ls labels.Labels) error {
	if n := ls.Len(); n > maxLabels {
		return fmt.Errorf("%.80q has %d labels, at most %d", ls.Get(model.MetricNameLabel), n, maxLabels)
	}
	return ls.Validate(func(l labels.Label) error {
		switch {
		case len(l.Name) > maxLabelName:
			return fmt.Errorf("label %.80q: a name of %d bytes, at most %d", l.Name, len(l.Name), maxLabelName)
		case len(l.Value) > maxLabelValue:
			return fmt.Errorf("label %.80q: a value of %d bytes, at most %d", l.Name, len(l.Value), maxLabelValue)
		}
		return nil
	})
}

package series

import (
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/metadata"
)

// TestFamilies: the series of a histogram are one family, and a sender that knows
// less unsays nothing.
func TestFamilies(t *testing.T) {
	for _, c := range []struct {
		series string
		kind   model.MetricType
		want   string
	}{
		{"wait_seconds_bucket", "histogram", "wait_seconds"},
		{"wait_seconds_sum", "histogram", "wait_seconds"},
		{"wait_seconds_count", "histogram", "wait_seconds"},
		{"wait_seconds", "histogram", "wait_seconds"},
		{"size_count", "summary", "size"},
		{"size_bucket", "summary", "size_bucket"},
		{"orders_count", "counter", "orders_count"},
		{"orders_total", "counter", "orders_total"},
		{"go_info", "gauge", "go_info"},
	} {
		if got := familyName(c.series, c.kind); got != c.want {
			t.Errorf("%s of a %s: family %s, want %s", c.series, c.kind, got, c.want)
		}
	}
	var f families
	f.learn("g", metadata.Metadata{Type: "gauge", Help: "What it is."})
	f.learn("g", metadata.Metadata{Type: "unknown"})
	f.learn("g", metadata.Metadata{Type: "unknown", Unit: "seconds"})
	if got, want := f.all()["g"], (family{"gauge", "What it is.", "seconds"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	f.learn("g", metadata.Metadata{Type: "counter"})
	if got := f.all()["g"].Type; got != "counter" {
		t.Errorf("a sender that knows better: %s", got)
	}
}

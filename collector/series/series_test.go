package series

import (
	"bytes"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tomeishi/tomeishi/agent/report"
	"github.com/tomeishi/tomeishi/collector/entry"
)

// now is the newest time of the tests' samples.
func now() time.Time { return time.Now().Truncate(time.Second) }

func TestAgentLabels(t *testing.T) {
	h := newHost("web1", report.Series{Name: "disk", Labels: []report.Attr{{Name: "device", Value: "sda"}}})
	h.labels = []report.Attr{{Name: "dc", Value: "tyo"}}
	other := newHost("db1", report.Series{Name: "disk"})
	other.labels = []report.Attr{{Name: "job", Value: "postgres"}}
	j := new(journal)
	r := open(t, t.TempDir(), j, 0).run()
	at := now()
	j.add(entry.KindSamples, at, h.body(frame(at, 7)))
	j.add(entry.KindSamples, at, other.body(frame(at, math.Inf(1))))
	r.settle()
	got := r.ask("disk", at)
	for _, want := range []string{
		`{__name__="disk", dc="tyo", device="sda", instance="web1", job="node"} => 7`,
		`{__name__="disk", instance="db1", job="postgres"} => +Inf`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestStale has a series that goes away: PromQL must not see it for five more
// minutes.
func TestStale(t *testing.T) {
	h := newHost("web1", gauges("g", 3)...)
	j := new(journal)
	r := open(t, t.TempDir(), j, 0).run()
	at := now()
	absent := report.Absent
	for i, values := range [][]float64{{1, 2, absent}, {1, absent, absent}, {1, absent, 4}, {math.NaN(), absent, 4}} {
		when := at.Add(time.Duration(i) * time.Second)
		j.add(entry.KindSamples, when, h.body(frame(when, values...)))
	}
	r.settle()
	for i, want := range []string{"2", "1", "2", "2"} {
		if got := r.ask("count(g)", at.Add(time.Duration(i)*time.Second)); !strings.HasPrefix(got, "{} => "+want) {
			t.Errorf("second %d: %s series, want %s", i, got, want)
		}
	}
	if got := r.ask(`g{n="000"}`, at.Add(3*time.Second)); !strings.Contains(got, "NaN") {
		t.Errorf("NaN is a value, got %q", got)
	}
	if n := r.db.Head().NumSeries(); n != 3 {
		t.Errorf("%d series, want 3", n)
	}
}

// TestSchemaChange has an agent whose series are others after it was restarted.
func TestSchemaChange(t *testing.T) {
	h := newHost("web1", gauges("g", 2)...)
	j := new(journal)
	r := open(t, t.TempDir(), j, 0).run()
	at := now()
	second := func(i int) time.Time { return at.Add(time.Duration(i) * time.Second) }
	j.add(entry.KindSamples, second(0), h.body(frame(second(0), 1, 2)))
	old := *h
	h.schema = report.NewSchema(append(gauges("g", 1), gauges("fresh", 1)...))
	j.add(entry.KindSamples, second(2), h.body(frame(second(2), 1, 5)))
	// What the old one measured and could not send comes late: no markers.
	j.add(entry.KindSamples, second(3), old.body(frame(second(1), 1, 3)))
	r.settle()
	for _, c := range []struct {
		second int
		want   string
	}{{0, "2"}, {1, "2"}, {2, "1"}, {10, "1"}} {
		if got := r.ask("count(g)", second(c.second)); !strings.HasPrefix(got, "{} => "+c.want) {
			t.Errorf("second %d: %s, want %s", c.second, got, c.want)
		}
	}
	// Another label of the agent makes all series others.
	h.labels = []report.Attr{{Name: "dc", Value: "osa"}}
	j.add(entry.KindSamples, second(20), h.body(frame(second(20), 1, 5)))
	r.settle()
	if got := r.ask(`{instance="web1", dc=""}`, second(21)); got != "" {
		t.Errorf("series under the old labels stand: %s", got)
	}
}

func TestRefusedSamples(t *testing.T) {
	h := newHost("web1", gauges("g", 2)...)
	j := new(journal)
	r := open(t, t.TempDir(), j, 0).run()
	at := now()
	put := func(frames ...report.Frame) { j.add(entry.KindSamples, at, h.body(frames...)) }
	put(frame(at, 1, 1))
	put(frame(at.Add(-25*time.Hour), 1, report.Absent))                    // too old
	put(frame(at.Add(time.Second), 2, 2), frame(at.Add(time.Hour), 3, 3))  // the second is ahead
	put(frame(at.Add(time.Second), 2, 9))                                  // the same time again
	put(frame(at.Add(4*time.Minute), 1, 1))                                // ahead, and within bounds
	j.add(entry.KindSamples, at, []byte("no samples"))                     // as a damaged tape might have
	j.add(entry.KindWrite, at, []byte("TMRW\x07\x01"))                     // of a later version
	j.add(entry.KindWrite, at, frameWrite(protocol1, []byte("no snappy"))) // cannot be read
	j.add(entry.KindWrite, at, frameWrite(protocol2, []byte{0}))           // an empty request
	j.add(entry.KindTick, at, nil)
	r.settle()
	for reason, want := range map[string]uint64{reasonOld: 1, reasonAhead: 2, reasonDuplicate: 1, reasonInvalid: 0} {
		if got := r.refused(reason); got != want {
			t.Errorf("%s: %d, want %d", reason, got, want)
		}
	}
	if got := r.met.unreadable.Get(); got != 2 {
		t.Errorf("%d unreadable entries, want 2", got)
	}
	if got := r.met.repeated.Get(); got != 1 {
		t.Errorf("%d repeated frames, want 1", got)
	}
	if got := r.ask("max_over_time(g[10m])", at.Add(5*time.Minute)); !strings.Contains(got, `n="001"} => 2`) {
		t.Errorf("the first value at a time counts, got %s", got)
	}
}

func TestTooManySeries(t *testing.T) {
	h := newHost("web1", gauges("g", 10)...)
	j := new(journal)
	r := open(t, t.TempDir(), j, 0, func(o *Options) { o.MaxSeries = 7 }).run()
	at := now()
	values := make([]float64, 10)
	for i := range 3 {
		when := at.Add(time.Duration(i) * time.Second)
		j.add(entry.KindSamples, when, h.body(frame(when, values...)))
	}
	r.settle()
	if n := r.db.Head().NumSeries(); n != 7 {
		t.Errorf("%d series, want 7", n)
	}
	if got := r.refused(reasonSeries); got != 9 {
		t.Errorf("%d samples refused, want 9", got)
	}
	if got := r.ask("count_over_time(g[1m])", at.Add(2*time.Second)); strings.Count(got, "=> 3") != 7 {
		t.Errorf("those that were there go on, got %s", got)
	}
}

func TestOwn(t *testing.T) {
	j := new(journal)
	r := open(t, t.TempDir(), j, 0)
	up := []OwnSample{{map[string]string{"__name__": "up", "job": "node", "instance": "web1"}, 1}}
	at := now()
	if err := r.Own(t.Context(), at, up); err != nil || r.refused(reasonCatchingUp) != 1 {
		t.Fatalf("before it has caught up: %v, %d refused", err, r.refused(reasonCatchingUp))
	}
	r.run().settle()
	if err := r.Own(t.Context(), at, up); err != nil {
		t.Fatal(err)
	}
	if got := r.ask("up", at); !strings.Contains(got, `{__name__="up", instance="web1", job="node"} => 1`) {
		t.Errorf("got %q", got)
	}
	// Another value at the same time: the first stays.
	up[0].Value = 0
	if err := r.Own(t.Context(), at, up); err != nil || r.refused(reasonDuplicate) != 1 {
		t.Errorf("the same time again: %v, %d duplicates", err, r.refused(reasonDuplicate))
	}
}

func TestRetention(t *testing.T) {
	j := new(journal)
	r := open(t, t.TempDir(), j, 0, func(o *Options) { o.Retention = 40 * 24 * time.Hour })
	var out strings.Builder
	if err := r.WriteMetrics(&out); err != nil {
		t.Fatal(err)
	}
	if want := "prometheus_tsdb_retention_limit_seconds 3.456e+06"; !strings.Contains(out.String(), want) {
		t.Errorf("the TSDB's own metrics lack %q", want)
	}
	if got := engineOptions(r.o); got.MaxBlockDuration != (4*24*time.Hour).Milliseconds() || got.OutOfOrderTimeWindow != oldest.Milliseconds() {
		t.Errorf("blocks of %d ms, late by %d ms", got.MaxBlockDuration, got.OutOfOrderTimeWindow)
	}
}

// TestEnginesAreQuiet has an engine tell of its routine, and of trouble.
func TestEnginesAreQuiet(t *testing.T) {
	var out bytes.Buffer
	log := quieter(slog.New(slog.NewTextHandler(&out, nil))).With("a", 1).WithGroup("g")
	log.Info("as every day")
	log.Warn("trouble", "b", 2)
	if got := out.String(); strings.Contains(got, "every day") || !strings.Contains(got, "msg=trouble a=1 g.b=2") {
		t.Errorf("got %s", got)
	}
}
